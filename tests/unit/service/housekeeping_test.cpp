// What has had its time goes, by ages and rules, under a clock that tests move.
#include "maild/service/housekeeping.hpp"
#include "tests/unit/service/keeping_world.hpp"

#include <thread>

namespace mail::service::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr const char* ann = "ann@example.test";
constexpr const char* bob = "bob@example.test";

struct House : KeepingWorld {
    Housekeeping housekeeping{*world.store, world.config, world.directory, clock};
    void purge() { async::run_until_done(housekeeping.purge()); }
    void retain() { async::run_until_done(housekeeping.retain()); }
    /// What the history says of purges, the newest first.
    std::vector<std::string> told() {
        std::vector<std::string> out;
        const auto history = run(world.store->resources().history(100)).value();
        for (const auto& entry : history)
            if (entry.revision == 0)
                out.push_back(entry.actor + ": " + entry.summary);
        return out;
    }
    /// "rule folder" of everything that applies to a mailbox.
    std::string cases(const char* key) {
        const auto mailbox = world.mailbox(key);
        const auto folders = run(world.store->mail().folders(mailbox->account)).value();
        std::string out;
        for (const auto& each : RetentionRules(world.config.current(), world.directory).cases(*mailbox, folders, clock.now()))
            out += (out.empty() ? "" : ", ") + each.rule + " " + each.folder;
        return out;
    }
};

} // namespace

TEST_CASE("expunged messages go for good after the policy's time, a domain's or a mailbox's own") {
    House house;
    house.world.add("mailbox", bob, R"({"recoverable_keep":"20d"})");
    for (const char* key : {ann, bob}) {
        house.put(key, "INBOX");
        house.expunge(key, "INBOX");
    }
    house.clock.advance(hours(24 * 13));
    house.purge();
    CHECK(house.recoverable(ann) == 1);
    SECTION("the default is two weeks") {
        house.clock.advance(hours(25));
        house.purge();
        CHECK(house.recoverable(ann) == 0);
        CHECK(house.recoverable(bob) == 1);
        CHECK(house.housekeeping.counts().purged == 1);
        house.clock.advance(hours(24 * 6));
        house.purge();
        CHECK(house.recoverable(bob) == 0);
    }
    SECTION("a domain's own") {
        house.world.add("domain", "example.test", R"({"recoverable_keep":"16d"})");
        house.clock.advance(hours(24 * 2));
        house.purge();
        CHECK(house.recoverable(ann) == 1);
        house.clock.advance(hours(25));
        house.purge();
        CHECK(house.recoverable(ann) == 0);
    }
    SECTION("a hold that is put on in time keeps them") {
        house.world.add("mailbox", ann, R"({"litigation_hold":true})");
        house.clock.advance(hours(24 * 300));
        house.purge();
        CHECK(house.recoverable(ann) == 1);
        CHECK(house.recoverable(bob) == 0);
    }
    SECTION("and one with an end, until then") {
        house.world.add("mailbox", ann, "{\"litigation_hold\":true,\"hold_until\":\"" + format_rfc3339(house.clock.now() + hours(48)) + "\"}");
        house.clock.advance(hours(47));
        house.purge();
        CHECK(house.recoverable(ann) == 1);
        house.clock.advance(hours(2));
        house.purge();
        CHECK(house.recoverable(ann) == 0);
    }
}

TEST_CASE("the history tells what is gone for good, once a day what goes by age") {
    House house;
    using Told = std::vector<std::string>;
    house.world.add("policy", "policy", R"({"recoverable_keep":"1h"})");
    const auto lose_one = [&] {
        house.put(ann, "INBOX");
        house.expunge(ann, "INBOX");
        house.clock.advance(hours(2));
        house.purge();
    };
    lose_one();
    CHECK(house.told() == Told{"maild: purged 1 message whose time had come"});
    lose_one();
    house.purge(); // nothing goes: nothing is told
    CHECK(house.told() == Told{"maild: purged 2 messages whose time had come"});
    house.clock.advance(hours(24));
    lose_one();
    CHECK(house.told() == Told{"maild: purged 1 message whose time had come", "maild: purged 2 messages whose time had come"});
    house.put(bob, "Junk");
    house.clock.advance(hours(49));
    house.world.add("retention", "junk", R"({"after":"2d","special_use":["junk"],"action":"delete"})");
    house.retain();
    CHECK(house.told().front() == "maild: purged 1 message by retention rules");
}

TEST_CASE("more than one slice, and the bound on bytes") {
    House house;
    for (int i = 0; i < 450; ++i)
        house.put(ann, "INBOX", std::string(10'000, 'x'));
    house.expunge(ann, "INBOX");
    house.world.add("policy", "policy", R"({"recoverable_size":"1MiB"})");
    house.purge();
    CHECK(house.recoverable(ann) == 104);
    house.world.add("policy", "policy", R"({"recoverable_keep":"0s"})");
    house.clock.advance(seconds(1));
    house.purge();
    CHECK(house.recoverable(ann) == 0);
    CHECK(house.housekeeping.counts().purged == 450);
}

TEST_CASE("rules name folders by use and name, with those below, and mailboxes by address, group and domain") {
    House house;
    const auto account = house.world.mailbox(ann)->account;
    for (const char* name : {"Lists", "Lists/a", "Listserv", "Trash/old"})
        REQUIRE(run(house.mailboxes.create(account, name, store::SpecialUse::none)));
    house.world.add("group", "staff@example.test", R"({"members":["ann@example.test"]})");
    house.world.add("retention", "r", R"({"after":"30d","special_use":["trash"],"folders":["Lists","inbox"]})");
    CHECK(house.cases(ann) == "r INBOX, r Lists, r Lists/a, r Trash, r Trash/old");
    CHECK(house.cases(bob) == "r INBOX, r Trash");
    house.world.add("retention", "r", R"({"after":"30d","special_use":["junk"],"mailboxes":["staff@example.test"]})");
    CHECK(house.cases(ann) == "r Junk");
    CHECK(house.cases(bob).empty());
    house.world.add("retention", "r", R"({"after":"30d","special_use":["junk"],"except":["staff@example.test"]})");
    CHECK(house.cases(ann).empty());
    CHECK(house.cases(bob) == "r Junk");
    house.world.add("retention", "r", R"({"after":"30d","special_use":["junk"],"mailboxes":["*.test","example.test"],"except":["bob@example.test"]})");
    CHECK(house.cases(ann) == "r Junk");
    CHECK(house.cases(bob).empty());
    house.world.add("retention", "r", R"({"after":"30d","special_use":["junk"],"enabled":false})");
    CHECK(house.cases(bob).empty());
    house.world.add("retention", "s", R"({"after":"9d"})");
    CHECK(house.cases(bob) == "s Archive, s Drafts, s INBOX, s Junk, s Sent, s Trash");
}

TEST_CASE("what a rule takes goes to recoverable items, or for good unless the mailbox is held") {
    House house;
    for (const char* key : {ann, bob})
        for (int i = 0; i < 3; ++i) {
            house.put(key, "Trash");
            house.put(key, "Junk");
        }
    house.clock.advance(hours(24 * 5));
    house.put(bob, "Trash");
    house.world.add("mailbox", ann, R"({"litigation_hold":true})");
    house.world.add("retention", "trash", R"({"after":"3d","special_use":["trash"]})");
    house.world.add("retention", "junk", R"({"after":"2d","special_use":["junk"],"action":"delete"})");
    house.retain();
    CHECK(house.messages(bob, "Trash") == 1);
    CHECK(house.messages(bob, "Junk") == 0);
    CHECK(house.recoverable(bob) == 3);
    CHECK(house.messages(ann, "Trash") == 0);
    CHECK(house.recoverable(ann) == 6);
    CHECK(house.housekeeping.counts().expired == 12);
    house.retain();
    CHECK(house.housekeeping.counts().expired == 12);
}

TEST_CASE("how often it looks follows from the shortest age") {
    House house;
    CHECK(house.housekeeping.purge_every() == minutes(10));
    CHECK(house.housekeeping.retain_every() == minutes(60));
    house.world.add("domain", "example.test", R"({"removed_keep":"10m"})");
    CHECK(house.housekeeping.purge_every() == minutes(1));
    house.world.add("policy", "policy", R"({"recoverable_keep":"2s"})");
    CHECK(house.housekeeping.purge_every() == seconds(1));
    house.world.add("retention", "trash", R"({"after":"20m","special_use":["trash"]})");
    CHECK(house.housekeeping.retain_every() == minutes(2));
}

TEST_CASE("it works beside everything else and stops when told") {
    House house;
    house.put(ann, "INBOX");
    house.expunge(ann, "INBOX");
    house.world.add("policy", "policy", R"({"recoverable_keep":"1s"})");
    std::thread worker([&] { async::run_until_done(house.housekeeping.run()); });
    for (int i = 0; i < 500 && house.recoverable(ann) != 0; ++i) {
        house.clock.advance(seconds(1));
        house.housekeeping.wake();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(house.recoverable(ann) == 0);
    house.housekeeping.close();
    worker.join();
}

} // namespace mail::service::test
