// What an address leads to.
#include "common/base/limits.hpp"
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service::test;

namespace {
bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }
} // namespace

TEST_CASE("mailboxes, their aliases, details and strangers") {
    World world;
    CHECK(world.resolve("ann@example.test") == "ann@example.test");
    CHECK(world.resolve("A.Archer@EXAMPLE.test") == "ann@example.test");
    CHECK(world.resolve("ann+lists@example.test") == "ann@example.test");
    CHECK(world.steps("ann+lists@example.test") ==
          "ann+lists@example.test is the mailbox ann@example.test; ann+lists@example.test is taken as ann@example.test");
    CHECK(world.resolve("nobody@example.test") == "not_found: no such recipient");
    CHECK(world.resolve("x@remote.test") == "x@remote.test");
    CHECK_FALSE(world.resolution("x@remote.test")->is_local_domain);
    world.add("mailbox", "carl@example.test", R"({"enabled":false})");
    CHECK(world.resolve("carl@example.test") == "denied: the mailbox is disabled");
    // A new object counts at once, although the miss was cached.
    world.add("mailbox", "nobody@example.test");
    CHECK(world.resolve("nobody@example.test") == "nobody@example.test");
}

TEST_CASE("groups in groups, people elsewhere, each once, in the order of the lists") {
    World world;
    world.add("alias", "out@example.test", R"({"targets":["x@remote.test"]})");
    world.add("group", "staff@example.test", R"({"members":["bob@example.test","ann@example.test"]})");
    world.add("group", "all@example.test",
              R"({"members":["staff@example.test","A.Archer@example.test","out@example.test","X@remote.test","gone@example.test"]})");
    CHECK(world.resolve("all@example.test") == "ann@example.test,bob@example.test,X@remote.test (forwarded)");
    CHECK(has(world.steps("all@example.test"), "group all@example.test has the member staff@example.test"));
    CHECK(has(world.steps("all@example.test"), "alias out@example.test leads to x@remote.test"));
    CHECK(has(world.steps("all@example.test"), "gone@example.test is nobody's"));
    world.add("group", "off@example.test", R"({"members":["bob@example.test"],"enabled":false})");
    CHECK(world.resolve("off@example.test") == "denied: the mailbox is disabled");
}

TEST_CASE("loops are found and named, and followed once where somebody is reached") {
    World world;
    world.add("alias", "a@example.test", R"({"targets":["b@example.test"]})");
    world.add("alias", "b@example.test", R"({"targets":["a@example.test"]})");
    CHECK(world.resolve("a@example.test") ==
          "invalid: mail to it goes in a circle: a@example.test -> b@example.test -> a@example.test");
    world.add("alias", "b@example.test", R"({"targets":["a@example.test","bob@example.test"]})");
    CHECK(world.resolve("a@example.test") == "bob@example.test");
    CHECK(has(world.steps("a@example.test"), "goes in a circle and is followed once: a@example.test -> b@example.test -> a@example.test"));
    // Two ways to one mailbox are no loop.
    world.add("group", "c@example.test", R"({"members":["bob@example.test","a@example.test"]})");
    CHECK(world.resolve("c@example.test") == "bob@example.test");
    world.add("mailbox", "d@example.test", R"({"forward":["e@example.test"],"forward_only":true})");
    world.add("mailbox", "e@example.test", R"({"forward":["d@example.test"],"forward_only":true})");
    CHECK(has(world.resolve("d@example.test"), "circle: d@example.test -> e@example.test -> d@example.test"));
}

TEST_CASE("an address that leads too deep or too wide is refused") {
    World world;
    const auto deepest = static_cast<int>(limit::alias_depth);
    for (int i = 0; i <= deepest; ++i)
        world.add("alias", "a" + std::to_string(i) + "@example.test",
                  R"({"targets":["a)" + std::to_string(i + 1) + R"(@example.test"]})");
    world.add("alias", "a" + std::to_string(deepest + 1) + "@example.test", R"({"targets":["bob@example.test"]})");
    CHECK(world.resolve("a0@example.test") == "invalid: the address leads to too many others");
    CHECK(world.resolve("a3@example.test") == "bob@example.test");
    std::string members;
    for (std::int64_t i = 0; i < limit::resolution_steps + 50; ++i)
        members += "\"m" + std::to_string(i) + "@remote.test\",";
    members.pop_back();
    world.add("group", "wide@example.test", "{\"members\":[" + members + "]}");
    const auto wide = world.resolution("wide@example.test");
    CHECK(wide->remote.size() == limit::resolution_steps + 50);
    CHECK(wide->remote.front().text() == "m0@remote.test");
    CHECK(wide->steps.size() == limit::resolution_steps); // what is kept is bounded
}

TEST_CASE("a domain's map of local parts comes before its mailboxes, its alias of another domain after them") {
    World world;
    world.add("domain", "new.test", R"({"rewrite":["sales-*=bob","old-*=*@remote.test","info=ann@example.test"]})");
    world.add("mailbox", "bob@new.test");
    world.add("mailbox", "info@new.test");
    world.add("domain", "old.test", R"({"alias_of":"new.test"})");
    world.add("mailbox", "own@old.test");
    CHECK(world.resolve("Sales-EU@new.test") == "bob@new.test");
    CHECK(world.resolve("info@new.test") == "ann@example.test");
    CHECK(world.resolve("old-Carl@new.test") == "Carl@remote.test (forwarded)");
    CHECK(world.resolve("bob@old.test") == "bob@new.test");
    CHECK(world.resolve("bob+x@old.test") == "bob@new.test");
    CHECK(world.resolve("sales-x@old.test") == "bob@new.test");
    CHECK(world.resolve("own@old.test") == "own@old.test");
    CHECK(world.resolve("nobody@old.test") == "not_found: no such recipient");
    CHECK(world.steps("sales-x@old.test") ==
          "sales-x@old.test is looked for as sales-x@new.test; a rewriting rule of the domain turns sales-x@new.test into "
          "bob@new.test; bob@new.test is a mailbox");
    world.add("domain", "ring.test", R"({"rewrite":["a=b","b=a"]})");
    CHECK(world.resolve("a@ring.test") == "invalid: mail to it goes in a circle: a@ring.test -> b@ring.test -> a@ring.test");
}

TEST_CASE("relay domains pass on what is not theirs; nobody is bounced to") {
    World world;
    world.add("domain", "half.test", R"({"type":"internal_relay"})");
    world.add("mailbox", "here@half.test");
    world.add("domain", "whole.test", R"({"type":"external_relay"})");
    world.add("mailbox", "here@whole.test");
    CHECK(world.resolve("here@half.test") == "here@half.test");
    CHECK(world.resolve("there@half.test") == "there@half.test");
    CHECK(world.resolution("there@half.test")->mailboxes.empty());
    CHECK(world.resolution("there@half.test")->is_local_domain);
    CHECK(world.resolution("there@half.test")->remote.size() == 1);
    CHECK(world.resolution("here@whole.test")->mailboxes.empty());
    CHECK(world.steps("here@whole.test") == "here@whole.test goes on by the domain's route");
    // Through an alias it is still the next hop of the house: not a forwarding to the world.
    world.add("alias", "a@example.test", R"({"targets":["there@half.test"]})");
    CHECK(world.resolve("a@example.test") == "there@half.test");
    world.add("domain", "caught.test", R"({"type":"internal_relay","catch_all":"ann@example.test"})");
    CHECK(world.resolve("x@caught.test") == "ann@example.test");
}

TEST_CASE("forwarding keeps a copy unless it is told not to") {
    World world;
    world.add("mailbox", "carl@example.test", R"({"forward":["c@remote.test"]})");
    world.add("mailbox", "dora@example.test", R"({"forward":["d@remote.test","bob@example.test"],"forward_only":true})");
    CHECK(world.resolve("carl@example.test") == "carl@example.test,c@remote.test (forwarded)");
    CHECK(world.resolve("dora@example.test") == "bob@example.test,d@remote.test (forwarded)");
    CHECK(has(world.steps("carl@example.test"), "carl@example.test forwards to c@remote.test"));
}

TEST_CASE("RFC 5321 §4.5.1: postmaster is somebody's, or held") {
    World world;
    const auto held = world.resolution("postmaster@example.test");
    CHECK(held->hold);
    CHECK(held->remote.size() == 1);
    world.add("server", "server", R"({"hostname":"mx.example.test","postmaster":"ann@example.test"})");
    CHECK(world.resolve("Postmaster@example.test") == "ann@example.test");
}
