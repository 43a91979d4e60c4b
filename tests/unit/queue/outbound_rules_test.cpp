// The queue's rules at work: holds, suppressions, rates, chosen routes, direct first, and what observers are told.
#include "tests/catch.hpp"
#include "tests/unit/queue/queue_world.hpp"

using namespace mail;
using namespace mail::test;
using namespace std::chrono_literals;
using queue::AddressPatterns;

namespace {

Task<void> change_all(store::Store& store, store::QueueChange change) {
    store::QueueFilter all;
    auto done = co_await store.queue().change(std::move(all), std::move(change));
    CHECK(done);
}

/// An administrator's verb on everything in the queue.
void change_queue(QueueWorld& world, store::QueueVerb verb, std::string value = {}) {
    async::run_until_done(change_all(*world.store, {verb, world.clock.now(), std::move(value)}));
}

} // namespace

TEST_CASE("a hold keeps mail until it is released, with its reason") {
    QueueWorld world;
    world.add_domain("r.test", "192.0.2.1");
    queue::OutboundConfig config;
    config.holds.push_back({"moving", "their server is being moved", AddressPatterns({"r.test"}), {}, {}});
    world.set_config(config);
    world.enqueue("ann@example.test", {"x@r.test"});
    REQUIRE(world.eventually([&] { return world.queue()[0].status == store::QueueStatus::held; }));
    const auto held = world.queue()[0];
    CHECK(held.attempts == 0);
    REQUIRE(held.last_error);
    CHECK(held.last_error->text == "held by rule moving: their server is being moved");
    CHECK(world.delivered().empty());
    // The rule stands; who was let go passes it, and nobody else.
    change_queue(world, store::QueueVerb::release);
    REQUIRE(world.drains());
    CHECK(world.delivered().size() == 1);
    world.enqueue("ann@example.test", {"y@r.test"});
    CHECK(world.eventually([&] { return world.queue()[0].status == store::QueueStatus::held; }));
}

TEST_CASE("a pause keeps mail as long as its rule stands, and says so") {
    QueueWorld world;
    world.add_domain("r.test", "192.0.2.1");
    queue::OutboundConfig config;
    config.holds.push_back({"night", "they sleep", AddressPatterns({"r.test"}), {}, {}, true});
    world.set_config(config);
    world.enqueue("ann@example.test", {"x@r.test"});
    REQUIRE(world.eventually([&] { return world.queue()[0].last_error.has_value(); }));
    REQUIRE(world.settles());
    const auto paused = world.queue()[0];
    CHECK(paused.status == store::QueueStatus::ready);
    CHECK(paused.attempts == 0);
    CHECK(paused.last_error->text == "paused by rule night: they sleep");
    world.set_config(queue::OutboundConfig());
    world.clock.advance(4min);
    world.scheduler->wake();
    REQUIRE(world.drains());
    CHECK(world.delivered().size() == 1);
}

// RFC 8460 §3: the look-ups of a day's reports take their time; mail does not wait for them.
TEST_CASE("slow name servers of the daily TLS reports delay no mail") {
    QueueWorld world;
    world.add_domain("r.test", "192.0.2.1");
    world.dns->set_delay("_smtp._tls.r.test", 5s);
    world.dns->add_txt("_smtp._tls.r.test", "v=TLSRPTv1; rua=mailto:tls@r.test");
    world.enqueue("ann@example.test", {"x@r.test"});
    REQUIRE(world.drains());
    world.clock.advance(25h);
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; ++i) {
        world.enqueue("ann@example.test", {"y@r.test"});
        REQUIRE(world.drains());
    }
    CHECK(std::chrono::steady_clock::now() - before < 4s);
    CHECK(world.reports().empty());
    CHECK(world.eventually([&] { return !world.reports().empty(); }));
}

TEST_CASE("nothing is sent to a suppressed recipient; the sender is told why") {
    QueueWorld world;
    world.add_domain("r.test", "192.0.2.1");
    queue::OutboundConfig config;
    config.suppressed = AddressPatterns({"gone@r.test"});
    config.suppressions = {{"gone@r.test", "asked not to be written to"}};
    world.set_config(config);
    world.enqueue("ann@example.test", {"Gone@R.test", "x@r.test"});
    REQUIRE(world.drains());
    REQUIRE(world.delivered().size() == 1);
    CHECK(world.delivered()[0].recipients == std::vector<std::string>{"x@r.test"});
    REQUIRE(world.reports().size() == 1);
    CHECK(world.reports()[0].find("asked not to be written to") != std::string::npos);
}

// RFC 6522 §3: the third part is the header section where the message itself would be too much.
TEST_CASE("a report gives back a small message whole and of a large one the header") {
    QueueWorld world;
    Host host;
    host.rcpt_reply = [](const std::string&) { return std::string("550 5.1.1 no such user"); };
    world.add_domain("r.test", "192.0.2.1", host);
    world.enqueue("ann@example.test", {"x@r.test"}, "Subject: small\r\n\r\nthe body\r\n");
    REQUIRE(world.drains());
    world.enqueue("ann@example.test", {"x@r.test"}, "Subject: large\r\n\r\nthe body\r\n" + std::string(100'000, 'x') + "\r\n");
    REQUIRE(world.drains());
    REQUIRE(world.reports().size() == 2);
    CHECK(world.reports()[0].find("Content-Type: message/rfc822\r\n\r\nSubject: small\r\n\r\nthe body\r\n") != std::string::npos);
    CHECK(world.reports()[1].find("Content-Type: text/rfc822-headers\r\n\r\nSubject: large\r\n") != std::string::npos);
    CHECK(world.reports()[1].find("the body") == std::string::npos);
}

TEST_CASE("a rate lets a few go and spreads the rest") {
    QueueWorld world;
    world.add_domain("r.test", "192.0.2.1");
    queue::Route slow;
    slow.name = "slow";
    slow.domains = {"*"};
    slow.rate = 600;
    world.set_routes(queue::RouteTable({slow}));
    for (int i = 0; i < 100; ++i)
        world.enqueue("ann@example.test", {"x" + std::to_string(i) + "@r.test"});
    REQUIRE(world.settles());
    const auto left = world.queue();
    CHECK(world.delivered().size() >= 20);
    CHECK(world.delivered().size() <= 60);
    for (const auto& item : left) {
        CHECK(item.attempts == 0);
        CHECK(item.next_attempt > world.clock.now());
        CHECK(item.next_attempt <= world.clock.now() + 15s);
    }
}

TEST_CASE("direct first, then the smart host") {
    QueueWorld world;
    Host dead;
    dead.mode = Host::Mode::refused;
    world.add_domain("dead.test", "192.0.2.1", dead);
    world.add_domain("live.test", "192.0.2.2");
    world.set_host("192.0.2.9", {});
    Host refuses;
    refuses.rcpt_reply = [](const std::string&) { return std::string("550 5.1.1 no"); };
    world.add_domain("picky.test", "192.0.2.3", refuses);
    queue::Route route;
    route.name = "both";
    route.domains = {"*"};
    route.relay_host = "192.0.2.9";
    route.direct_first = true;
    world.set_routes(queue::RouteTable({route}));
    world.enqueue("ann@example.test", {"a@dead.test"});
    world.enqueue("ann@example.test", {"b@live.test"});
    world.enqueue("ann@example.test", {"c@picky.test"});
    world.enqueue("ann@example.test", {"d@nowhere.test"});
    REQUIRE(world.drains());
    CHECK(world.delivered().size() == 2);
    CHECK(world.connections_to("192.0.2.9") == 1);
    CHECK(world.connections_to("192.0.2.2") == 1);
    CHECK(world.reports().size() == 2); // what the exchanger refuses and what does not exist takes no detour
}

TEST_CASE("a chosen route counts, whatever the domain") {
    QueueWorld world;
    Host dead;
    dead.mode = Host::Mode::refused;
    world.add_domain("r.test", "192.0.2.1", dead);
    world.set_host("192.0.2.9", {});
    queue::Route backup;
    backup.name = "backup";
    backup.relay_host = "192.0.2.9";
    world.set_routes(queue::RouteTable({backup}));
    world.enqueue("ann@example.test", {"x@r.test"});
    REQUIRE(world.settles());
    REQUIRE(world.queue().size() == 1);
    change_queue(world, store::QueueVerb::route, "backup");
    REQUIRE(world.drains());
    CHECK(world.connections_to("192.0.2.9") == 1);
}

TEST_CASE("every attempt is told with its transcript") {
    QueueWorld world;
    Host picky;
    picky.rcpt_reply = [](const std::string& to) { return std::string(to == "no@r.test" ? "550 5.1.1 unknown" : "250 ok"); };
    world.add_domain("r.test", "192.0.2.1", picky);
    Host dead;
    dead.mode = Host::Mode::refused;
    world.add_domain("dead.test", "192.0.2.2", dead);
    const Id message = world.enqueue("ann@example.test", {"no@r.test", "yes@r.test"});
    REQUIRE(world.drains());
    const Id lost = world.enqueue("ann@example.test", {"x@dead.test"});
    REQUIRE(world.settles());
    const auto attempts = world.attempts();
    REQUIRE(attempts.size() == 2);
    CHECK(attempts[0].message == message);
    CHECK(attempts[0].remote == "mx.r.test[192.0.2.1]:25");
    REQUIRE(attempts[0].recipients.size() == 2);
    REQUIRE(attempts[0].transcript);
    for (const char* part : {"*: connecting to mx.r.test[192.0.2.1]:25", "S: 220 sink ESMTP", "C: EHLO mx.example.test",
                             "C: RCPT TO:<no@r.test>", "S: 550 5.1.1 unknown", "bytes of message", "S: 250 2.0.0 queued"}) {
        INFO(part << "\n" << *attempts[0].transcript);
        CHECK(attempts[0].transcript->find(part) != std::string::npos);
    }
    for (const auto& recipient : attempts[0].recipients) {
        const bool refused = recipient.recipient == "no@r.test";
        CHECK(recipient.outcome == (refused ? store::QueueOutcome::failed : store::QueueOutcome::delivered));
        CHECK(recipient.code == (refused ? 550 : 250));
        CHECK(recipient.reported == refused);
        CHECK(recipient.from_remote);
        CHECK(recipient.attempts == 1);
    }
    CHECK(attempts[1].message == lost);
    CHECK(attempts[1].recipients.at(0).outcome == store::QueueOutcome::deferred);
    CHECK(attempts[1].recipients.at(0).next > world.clock.now());
    REQUIRE(attempts[1].transcript);
    CHECK(attempts[1].transcript->find("connection refused") != std::string::npos);
}

// Faults O09
TEST_CASE("a report of ours that cannot be delivered goes to the postmaster, once") {
    QueueWorld world;
    Host refuses;
    refuses.rcpt_reply = [](const std::string&) { return std::string("550 5.1.1 no"); };
    world.add_domain("r.test", "192.0.2.1", refuses);
    world.add_domain("example.test", "192.0.2.2", refuses);
    world.enqueue("", {"ann@r.test"}, "Subject: undeliverable\r\n\r\n", store::queue_notify::never);
    REQUIRE(world.drains());
    REQUIRE(world.reports().size() == 1);
    CHECK(world.reports()[0].starts_with("to postmaster@example.test"));
    world.enqueue("", {"Postmaster@example.test"}, "Subject: undeliverable\r\n\r\n", store::queue_notify::never);
    REQUIRE(world.drains());
    CHECK(world.reports().size() == 1);
    // Others' reports are dropped: most of them are backscatter.
    world.enqueue("", {"ann@r.test"}, "Subject: undeliverable\r\n\r\n");
    REQUIRE(world.drains());
    CHECK(world.reports().size() == 1);
}
