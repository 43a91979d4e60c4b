// The queue at work over the in-memory store and scripted hosts (faults O05-O10, O16).
#include "common/base/limits.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/queue_world.hpp"

#include <set>

using namespace mail;
using namespace mail::test;
using namespace std::chrono_literals;

namespace {
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
} // namespace

TEST_CASE("every message is delivered once, over few connections") {
    QueueWorld w;
    for (int d = 0; d < 5; ++d)
        w.add_domain("d" + std::to_string(d) + ".test", "192.0.2." + std::to_string(d + 1));
    for (int i = 0; i < 500; ++i) {
        const std::string domain = "@d" + std::to_string(i % 5) + ".test";
        w.enqueue("ann@example.test", {"a" + std::to_string(i) + domain, "b" + std::to_string(i) + domain});
    }
    REQUIRE(w.drains());
    const auto delivered = w.delivered();
    std::multiset<std::string> recipients;
    for (const Delivered& one : delivered) {
        CHECK(one.recipients.size() == 2);
        CHECK(one.content == "Subject: test\r\n\r\nbody\r\n");
        recipients.insert(one.recipients.begin(), one.recipients.end());
    }
    CHECK(delivered.size() == 500);
    CHECK(recipients.size() == 1000);
    CHECK(std::set<std::string>(recipients.begin(), recipients.end()).size() == 1000);
    CHECK(w.reports().empty());
    std::size_t connections = 0;
    for (int d = 0; d < 5; ++d) {
        connections += w.connections_to("192.0.2." + std::to_string(d + 1));
        CHECK(w.most_at_once("192.0.2." + std::to_string(d + 1)) <= std::size_t{limit::per_destination});
    }
    CHECK(connections < 250);
}

TEST_CASE("null MX, no domain and loops bounce at once without a connection") {
    QueueWorld w;
    w.dns->add_mx("null.test", 0, "");
    w.add_domain("loop.test", "127.0.0.1");
    w.enqueue("ann@example.test", {"a@null.test"});
    w.enqueue("ann@example.test", {"b@nowhere.test"});
    w.enqueue("ann@example.test", {"c@loop.test"});
    REQUIRE(w.drains());
    CHECK(w.connections_to("127.0.0.1") == 0);
    const auto reports = w.reports();
    REQUIRE(reports.size() == 3);
    const std::string all = reports[0] + reports[1] + reports[2];
    for (const char* part : {"5.1.10", "5.1.2", "5.4.6", "a@null.test", "b@nowhere.test", "c@loop.test"})
        CHECK(contains(all, part));
    CHECK(reports[0].starts_with("to ann@example.test"));
}

// Faults O08
TEST_CASE("one of three recipients is refused: one report about that one") {
    QueueWorld w;
    Host host;
    host.rcpt_reply = [](const std::string& r) { return r.starts_with("b@") ? "550 5.1.1 no such user" : "250 ok"; };
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test", "b@r.test", "c@r.test"});
    REQUIRE(w.drains());
    REQUIRE(w.delivered().size() == 1);
    CHECK(w.delivered()[0].recipients == std::vector<std::string>{"a@r.test", "c@r.test"});
    REQUIRE(w.reports().size() == 1);
    CHECK(contains(w.reports()[0], "Final-Recipient: rfc822; b@r.test"));
    CHECK(contains(w.reports()[0], "550 5.1.1 no such user"));
    CHECK_FALSE(contains(w.reports()[0], "a@r.test"));
}

// Faults O09
TEST_CASE("nobody is told of a failed report") {
    QueueWorld w;
    w.dns->add_mx("null.test", 0, "");
    w.enqueue("", {"a@null.test"});
    REQUIRE(w.drains());
    CHECK(w.reports().empty());
}

TEST_CASE("a report that cannot be made now keeps the failure in the queue") {
    QueueWorld w;
    w.dns->add_mx("null.test", 0, "");
    w.set_report_failure(Error{ErrorCode::temporary, "busy"});
    w.enqueue("ann@example.test", {"a@null.test"});
    REQUIRE(w.settles());
    REQUIRE(w.queue().size() == 1);
    w.set_report_failure(std::nullopt);
    w.clock.advance(6min);
    w.scheduler->wake();
    REQUIRE(w.drains());
    CHECK(w.reports().size() == 1);
    w.set_report_failure(Error{ErrorCode::not_found, "nobody"});
    w.enqueue("gone@example.test", {"a@null.test"});
    REQUIRE(w.drains());
}

TEST_CASE("temporary trouble defers with the remote's words, then delivers") {
    QueueWorld w;
    Host host;
    host.mail_reply = "451 4.7.1 greylisted, come back";
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test"});
    REQUIRE(w.settles());
    auto items = w.queue();
    REQUIRE(items.size() == 1);
    CHECK(items[0].status == store::QueueStatus::deferred);
    CHECK(items[0].attempts == 1);
    REQUIRE(items[0].last_error);
    CHECK(items[0].last_error->code == 451);
    CHECK(contains(items[0].last_error->text, "greylisted, come back"));
    CHECK(items[0].last_error->remote == "mx.r.test[192.0.2.1]:25");
    CHECK(items[0].next_attempt >= w.clock.now() + 270s);
    CHECK(items[0].next_attempt <= w.clock.now() + 330s);
    w.set_host("192.0.2.1", {});
    w.clock.advance(6min);
    w.scheduler->wake();
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 1);
    CHECK(w.reports().empty());
}

// Faults O06
TEST_CASE("a connection cut before the final reply leaves the message queued") {
    QueueWorld w;
    Host host;
    host.final_reply.clear();
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test"});
    REQUIRE(w.settles());
    REQUIRE(w.queue().size() == 1);
    CHECK(w.queue()[0].status == store::QueueStatus::deferred);
    CHECK(w.delivered().size() == 1); // the remote may have it: at least once
    w.set_host("192.0.2.1", {});
    w.clock.advance(6min);
    w.scheduler->wake();
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 2);
}

// Faults O07, with the scheduler itself
TEST_CASE("five days of refusal in virtual time: one warning, one bounce") {
    QueueWorld w;
    Host host;
    host.mode = Host::Mode::refused;
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test"});
    const Time start = w.clock.now();
    while (!w.queue().empty()) {
        REQUIRE(w.settles());
        const auto items = w.queue();
        if (items.empty())
            break;
        CHECK((items[0].delay_told == (w.reports().size() == 1)));
        w.clock.advance(items[0].next_attempt - w.clock.now());
        w.scheduler->wake();
        REQUIRE(w.clock.now() <= start + 24h * 5);
    }
    CHECK(w.clock.now() == start + 24h * 5);
    CHECK(w.connections_to("192.0.2.1") > 100);
    const auto reports = w.reports();
    REQUIRE(reports.size() == 2);
    CHECK(contains(reports[0], "Action: delayed"));
    CHECK(contains(reports[1], "Action: failed"));
    CHECK(contains(reports[1], "Status: 5.4.7"));
}

// Faults O16
TEST_CASE("a dead host starves nobody and gets few connections") {
    queue::SchedulerOptions options;
    options.delivery.connect = 1s;
    QueueWorld w(options);
    Host dead;
    dead.mode = Host::Mode::black_hole;
    w.add_domain("dead.test", "192.0.2.66", dead);
    w.add_domain("live.test", "192.0.2.1");
    for (int i = 0; i < 2000; ++i)
        w.enqueue("ann@example.test", {"x" + std::to_string(i) + "@dead.test"});
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i)
        w.enqueue("ann@example.test", {"x" + std::to_string(i) + "@live.test"});
    REQUIRE(w.eventually([&] { return w.delivered().size() == 200; }));
    CHECK(std::chrono::steady_clock::now() - before < 5s);
    REQUIRE(w.settles(20));
    CHECK(w.queue().size() == 2000);
    CHECK(w.most_at_once("192.0.2.66") <= 2);
    // The host is back: everything goes, at most twenty connections at a time.
    w.set_host("192.0.2.66", {});
    w.clock.advance(2h);
    w.scheduler->wake();
    REQUIRE(w.drains(30));
    CHECK(w.delivered().size() == 2200);
    CHECK(w.most_at_once("192.0.2.66") <= std::size_t{limit::per_destination});
}

TEST_CASE("a host that closes its connections loses nothing and delays nothing") {
    QueueWorld w;
    Host host;
    host.messages_per_connection = 3;
    w.add_domain("r.test", "192.0.2.1", host);
    for (int i = 0; i < 60; ++i)
        w.enqueue("ann@example.test", {"x" + std::to_string(i) + "@r.test"});
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 60);
}

TEST_CASE("too many recipients for one transaction go in the next") {
    QueueWorld w;
    Host host;
    auto count = std::make_shared<std::atomic<int>>(0);
    host.rcpt_reply = [count](const std::string&) { return ++*count % 4 == 0 ? "452 4.5.3 too many recipients" : "250 ok"; };
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test", "b@r.test", "c@r.test", "d@r.test", "e@r.test"});
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 2);
}

TEST_CASE("opportunistic TLS falls back to plain, required does not") {
    QueueWorld w;
    Host host;
    host.tls_breaks = true;
    w.add_domain("r.test", "192.0.2.1", host);
    w.enqueue("ann@example.test", {"a@r.test"});
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 1);
    CHECK(w.connections_to("192.0.2.1") == 2);
    queue::Route strict;
    strict.name = "strict";
    strict.domains = {"r.test"};
    strict.tls = queue::TlsPolicy::required;
    w.set_routes(queue::RouteTable({strict}));
    w.enqueue("ann@example.test", {"b@r.test"});
    REQUIRE(w.settles());
    REQUIRE(w.queue().size() == 1);
    CHECK(w.queue()[0].route == "strict");
    CHECK(contains(w.queue()[0].last_error->text, "TLS"));
}

TEST_CASE("the next exchanger is tried when one is down") {
    QueueWorld w;
    Host down;
    down.mode = Host::Mode::refused;
    w.add_domain("r.test", "192.0.2.1", down);
    w.dns->add_mx("r.test", 20, "backup.r.test");
    w.dns->add_address("backup.r.test", "192.0.2.2");
    w.set_host("192.0.2.2", {});
    w.enqueue("ann@example.test", {"a@r.test"});
    REQUIRE(w.drains());
    CHECK(w.delivered().size() == 1);
}

TEST_CASE("NOTIFY=SUCCESS at a server without DSN is answered with a relayed report (RFC 3461 §5.2.2)") {
    QueueWorld w;
    w.add_domain("r.test", "192.0.2.1");
    Host dsn;
    dsn.capabilities = "250-PIPELINING\r\n250-DSN\r\n";
    w.add_domain("dsn.test", "192.0.2.2", dsn);
    w.enqueue("ann@example.test", {"a@r.test"}, "Subject: s\r\n\r\nx\r\n", store::queue_notify::success);
    w.enqueue("ann@example.test", {"a@dsn.test"}, "Subject: s\r\n\r\nx\r\n", store::queue_notify::success);
    REQUIRE(w.drains());
    REQUIRE(w.reports().size() == 1);
    CHECK(contains(w.reports()[0], "Action: relayed"));
    CHECK(contains(w.reports()[0], "a@r.test"));
}

TEST_CASE("stop lets running attempts end and leaves nothing active") {
    QueueWorld w;
    w.add_domain("r.test", "192.0.2.1");
    for (int i = 0; i < 500; ++i)
        w.enqueue("ann@example.test", {"x" + std::to_string(i) + "@r.test"});
    REQUIRE(w.eventually([&] { return w.delivered().size() > 20; }));
    CHECK(w.scheduler->stop(5s));
    const auto left = w.queue();
    CHECK(left.size() + w.delivered().size() == 500);
    for (const store::QueueItem& item : left) {
        CHECK(item.status != store::QueueStatus::active);
        CHECK(item.attempts == 0);
    }
}
