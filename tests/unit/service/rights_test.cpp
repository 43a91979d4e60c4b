// Who may send with which address, and who may write to which group.
#include "tests/unit/service/world.hpp"

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

SendRight right(World& world, std::string_view who, std::string_view sender) {
    return world.directory.send_right(*world.mailbox(who), parse_address(sender).value());
}

/// Whether a group takes mail of this sender, who has signed in as `who` unless that is empty.
bool admits(World& world, std::string_view group, std::string_view who, std::string_view sender, bool trusted = false) {
    Writer writer{who.empty() ? nullptr : world.mailbox(who), trusted, std::nullopt};
    if (!sender.empty())
        writer.sender = parse_address(sender).value();
    return world.directory.admits(*world.resolution(group), writer);
}

} // namespace

TEST_CASE("RFC 6409 §6.1: own addresses, with detail, of alias domains, through aliases") {
    World world;
    world.add("domain", "old.test", R"({"alias_of":"example.test","rewrite":["archer=ann@example.test"]})");
    world.add("alias", "sales@example.test", R"({"targets":["ANN@example.test","x@remote.test"]})");
    world.add("alias", "deep@example.test", R"({"targets":["sales@example.test"]})");
    for (const char* own : {"ann@example.test", "Ann@EXAMPLE.test", "a.archer@example.test", "ann+shop@example.test", "ann@old.test",
                            "ann+shop@old.test", "archer@old.test", "sales@example.test", "sales+x@example.test"}) {
        INFO(own);
        CHECK(right(world, "ann@example.test", own) == SendRight::own);
    }
    for (const char* other : {"bob@example.test", "bob+ann@example.test", "bob@old.test", "nobody@example.test", "deep@example.test",
                              "x@remote.test", "ann@remote.test", "ann@sub.example.test"}) {
        INFO(other);
        CHECK(right(world, "ann@example.test", other) == SendRight::none);
    }
}

TEST_CASE("send as and on behalf, granted to mailboxes and groups") {
    World world;
    world.add("group", "inner@example.test", R"({"members":["ann@example.test"]})");
    world.add("group", "helpers@example.test", R"({"members":["inner@example.test","carl@example.test"]})");
    world.add("mailbox", "carl@example.test", R"({"forward":["dora@example.test"]})");
    world.add("mailbox", "dora@example.test");
    world.add("mailbox", "boss@example.test", R"({"send_as":["helpers@example.test"],"send_on_behalf":["bob@example.test"],
                                                  "aliases":["chief@example.test"]})");
    world.add("group", "team@example.test", R"({"members":["dora@example.test"],"send_as":["a.archer@example.test"],
                                                "send_on_behalf":["helpers@example.test"]})");
    CHECK(right(world, "ann@example.test", "boss@example.test") == SendRight::as);
    CHECK(right(world, "ann@example.test", "chief@example.test") == SendRight::as);
    CHECK(right(world, "carl@example.test", "boss@example.test") == SendRight::as);
    CHECK(right(world, "bob@example.test", "boss@example.test") == SendRight::on_behalf);
    CHECK(right(world, "ann@example.test", "team@example.test") == SendRight::as);
    CHECK(right(world, "carl@example.test", "team@example.test") == SendRight::on_behalf);
    // Forwarding hands on mail, no rights; and being a member is none either.
    CHECK(right(world, "dora@example.test", "boss@example.test") == SendRight::none);
    CHECK(right(world, "dora@example.test", "team@example.test") == SendRight::none);
    // Taken back, it ends at once.
    world.add("group", "inner@example.test", R"({"members":["bob@example.test"]})");
    CHECK(right(world, "ann@example.test", "boss@example.test") == SendRight::none);
}

TEST_CASE("who may write to a group") {
    World world;
    world.add("group", "open@example.test", R"({"members":["bob@example.test"]})");
    world.add("group", "inside@example.test", R"({"members":["bob@example.test"],"accept_from":"inside"})");
    world.add("group", "club@example.test", R"({"members":["bob@example.test","x@remote.test"],"accept_from":"members"})");
    world.add("group", "press@example.test", R"({"members":["bob@example.test"],"accept_from":"listed",
                                                 "senders":["ann@example.test","*.news.test","club@example.test"]})");
    CHECK(admits(world, "open@example.test", "", "anyone@remote.test"));
    CHECK_FALSE(admits(world, "inside@example.test", "", "ann@example.test"));
    CHECK(admits(world, "inside@example.test", "", "ann@example.test", true));
    CHECK(admits(world, "inside@example.test", "ann@example.test", "ann@example.test"));
    CHECK(admits(world, "club@example.test", "bob@example.test", "bob@example.test"));
    CHECK(admits(world, "club@example.test", "", "X@remote.test"));
    CHECK_FALSE(admits(world, "club@example.test", "ann@example.test", "ann@example.test"));
    CHECK_FALSE(admits(world, "club@example.test", "", "bob@example.test")); // anybody could say so
    CHECK(admits(world, "club@example.test", "", "bob@example.test", true));
    CHECK_FALSE(admits(world, "club@example.test", "", ""));
    CHECK(admits(world, "press@example.test", "ann@example.test", ""));
    CHECK(admits(world, "press@example.test", "bob@example.test", "bob@example.test")); // by club
    CHECK(admits(world, "press@example.test", "", "desk@eu.news.test"));
    CHECK_FALSE(admits(world, "press@example.test", "", "desk@news.test"));
    CHECK_FALSE(admits(world, "press@example.test", "", "ann@example.test"));
}

TEST_CASE("a rule counts for the group that was written to, not within another group") {
    World world;
    world.add("group", "club@example.test", R"({"members":["bob@example.test"],"accept_from":"members"})");
    world.add("group", "wide@example.test", R"({"members":["club@example.test"]})");
    world.add("alias", "short@example.test", R"({"targets":["club@example.test"]})");
    CHECK(admits(world, "wide@example.test", "", "x@remote.test"));
    CHECK_FALSE(admits(world, "short@example.test", "", "x@remote.test"));
}
