// Which sender leaves: masqueraded, or a return address of ours for what is only forwarded; and how reports come back.
#include "maild/service/delivery.hpp"
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

/// The queued messages that one accepted message leaves behind.
std::vector<store::QueueItem> accept(World& world, std::string_view sender, std::vector<std::string_view> recipients) {
    Delivery delivery(*world.store, world.config, world.directory, system_clock());
    Incoming incoming;
    incoming.id = Id::make(system_clock().now());
    incoming.content.memory = std::make_shared<const std::string>("Subject: x\r\n\r\nhi\r\n");
    incoming.envelope.sender = sender;
    for (const auto to : recipients)
        incoming.recipients.push_back({parse_address(to).value(), world.resolution(to), "", 0});
    const std::size_t before = run(world.store->queue().list({})).value().size();
    REQUIRE(run(delivery.accept(std::move(incoming))));
    auto items = run(world.store->queue().list({})).value();
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(before));
    return items;
}

bool is_ours(const std::string& sender) { return sender.starts_with("SRS") && sender.ends_with("@example.test"); }

} // namespace

TEST_CASE("what strangers send and others here forward leaves with a return address of ours, and its report finds back") {
    World world;
    world.add("mailbox", "carl@example.test", R"({"forward":["c@elsewhere.test"]})");
    const auto queued = accept(world, "x@remote.test", {"carl@example.test"});
    REQUIRE(queued.size() == 1);
    const std::string sender = queued[0].envelope.sender;
    CHECK(is_ours(sender));
    CHECK(queued[0].recipient == "c@elsewhere.test");
    const auto back = world.resolution(sender);
    CHECK(back->only_reports);
    CHECK(back->is_local_domain);
    REQUIRE(back->remote.size() == 1);
    CHECK(back->remote[0].text() == "x@remote.test");
    CHECK(world.steps(sender) == sender + " is the return address of forwarded mail of x@remote.test; x@remote.test is elsewhere");
    // Mail that was forwarded to us before and goes on keeps its way back.
    const auto again = accept(world, "SRS0=ABCDEF=GH=remote.test=x@first.test", {"carl@example.test"});
    REQUIRE(again.size() == 1);
    CHECK(again[0].envelope.sender.starts_with("SRS1="));
    CHECK(world.resolution(again[0].envelope.sender)->remote[0].text() == "SRS0=ABCDEF=GH=remote.test=x@first.test");
}

TEST_CASE("forged return addresses are nobody's") {
    World world;
    CHECK(world.resolve("SRS0=AAAAAA=AA=victim.test=x@example.test") == "not_found: the return address was not made here");
    CHECK(world.resolve("SRS1=AAAAAA=victim.test==HHHH=TT=d.test=x@example.test") == "not_found: the return address was not made here");
    world.add("mailbox", "srs0lover@example.test");
    CHECK(world.resolve("srs0lover@example.test") == "srs0lover@example.test");
}

TEST_CASE("own senders, reports, relayed mail and a server without SRS keep their sender") {
    World world;
    world.add("mailbox", "carl@example.test", R"({"forward":["c@elsewhere.test"]})");
    world.add("domain", "half.test", R"({"type":"internal_relay"})");
    CHECK(accept(world, "ann@example.test", {"carl@example.test"})[0].envelope.sender == "ann@example.test");
    CHECK(accept(world, "", {"carl@example.test"})[0].envelope.sender.empty());
    CHECK(accept(world, "x@remote.test", {"somebody@half.test"})[0].envelope.sender == "x@remote.test");
    CHECK(accept(world, "x@remote.test", {"y@elsewhere.test"})[0].envelope.sender == "x@remote.test");
    const std::string lengthy = std::string(60, 'b') + "@remote.test"; // no room for more
    CHECK(accept(world, lengthy, {"carl@example.test"})[0].envelope.sender == lengthy);
    world.add("server", "server", R"({"hostname":"mx.example.test","srs":false})");
    CHECK(accept(world, "x@remote.test", {"carl@example.test"})[0].envelope.sender == "x@remote.test");
}

TEST_CASE("senders of subdomains leave as the domain, and keep their name in local mail") {
    World world;
    world.add("domain", "example.test", R"({"masquerade":true})");
    const auto queued = accept(world, "root@host7.example.test", {"y@elsewhere.test", "ann@example.test"});
    REQUIRE(queued.size() == 1);
    CHECK(queued[0].envelope.sender == "root@example.test");
    world.add("mailbox", "carl@example.test", R"({"forward":["c@elsewhere.test"]})");
    CHECK(accept(world, "root@host7.example.test", {"carl@example.test"})[0].envelope.sender == "root@example.test");
    CHECK(accept(world, "x@remote.test", {"y@elsewhere.test"})[0].envelope.sender == "x@remote.test");
}

TEST_CASE("attributes become true with the message") {
    World world;
    Delivery delivery(*world.store, world.config, world.directory, system_clock());
    Incoming incoming;
    incoming.id = Id::make(system_clock().now());
    incoming.content.memory = std::make_shared<const std::string>("Subject: x\r\n\r\nhi\r\n");
    incoming.recipients.push_back({parse_address("ann@example.test").value(), world.resolution("ann@example.test"), "", 0});
    incoming.attributes.push_back({0, {{"pickup/1", "x"}}});
    incoming.attributes.push_back({world.mailbox("ann@example.test")->account, {{"sending", "y"}}});
    REQUIRE(run(delivery.accept(std::move(incoming))));
    CHECK(run(world.store->mail().attributes(0, 0)).value().at(0).value == "x");
    CHECK(run(world.store->mail().attributes_named("sending")).value().at(0).value == "y");
}
