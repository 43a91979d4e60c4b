// Finding expunged messages and putting them back.
#include "maild/service/recovery.hpp"

#include "common/base/limits.hpp"
#include "tests/unit/service/keeping_world.hpp"

namespace mail::service::test {
namespace {

constexpr const char* ann = "ann@example.test";

struct House : KeepingWorld {
    Recovery recovery{*world.store, mailboxes};
    House() {
        for (const char* name : {"Work", "Work/deep", "Workshop"})
            REQUIRE(run(mailboxes.create(account(), name, store::SpecialUse::none)));
        put(ann, "INBOX", "From: =?utf-8?q?J=C3=B6rg?= <joerg@x.test>\r\nSubject: Annual\r\n report\r\n\r\nx");
        put(ann, "Work", "From: Bob <bob@example.test>\r\nSubject: =?utf-8?b?w5xiZXI=?=\r\n\r\nx");
        put(ann, "Work/deep", "no header at all");
        put(ann, "Workshop", "Subject: tools\r\n\r\nx");
        for (const char* name : {"INBOX", "Work", "Work/deep", "Workshop"}) {
            expunge(ann, name);
            clock.advance(std::chrono::hours(1));
        }
    }
    store::AccountId account() { return world.mailbox(ann)->account; }
    std::string found(RecoverableFilter filter) {
        std::string out;
        const auto page = run(recovery.list(account(), std::move(filter), 0, 100)).value();
        CHECK(page.next == 0);
        for (const auto& each : page.items)
            out += (out.empty() ? "" : ",") + each.item.folder_name;
        return out;
    }
    RestoreOutcome restore(RestoreOrder order) { return run(recovery.restore(world.mailbox(ann), std::move(order))).value(); }
};

RecoverableFilter with(std::string RecoverableFilter::*member, std::string value) {
    RecoverableFilter filter;
    filter.*member = std::move(value);
    return filter;
}

} // namespace

TEST_CASE("conditions on folder, time, sender and subject") {
    House house;
    CHECK(house.found({}) == "Workshop,Work/deep,Work,INBOX"); // the last one first
    CHECK(house.found(with(&RecoverableFilter::folder, "Work")) == "Work/deep,Work");
    CHECK(house.found(with(&RecoverableFilter::from, "JÖRG")) == "INBOX");
    CHECK(house.found(with(&RecoverableFilter::from, "JOERG@")) == "INBOX");
    CHECK(house.found(with(&RecoverableFilter::subject, "annual report")) == "INBOX");
    CHECK(house.found(with(&RecoverableFilter::subject, "über")) == "Work");
    RecoverableFilter times;
    times.since = house.clock.now() - std::chrono::hours(3);
    times.until = house.clock.now() - std::chrono::hours(1);
    CHECK(house.found(times) == "Work/deep,Work");
    const auto page = run(house.recovery.list(house.account(), {}, 0, 1)).value();
    CHECK(page.items[0].subject == "tools");
    CHECK(page.next == page.items[0].item.id);
}

TEST_CASE("restoring by condition, in order, and only once") {
    House house;
    RestoreOrder order;
    order.filter.folder = "Work";
    order.dry_run = true;
    CHECK(house.restore(order).restored == 2);
    CHECK(house.recoverable(ann) == 4);
    order.dry_run = false;
    const auto outcome = house.restore(order);
    CHECK(outcome.restored == 2);
    CHECK(outcome.folders == std::vector<std::pair<std::string, std::size_t>>{{"Work", 1}, {"Work/deep", 1}});
    CHECK(house.restore(order).restored == 0);
    CHECK(house.recoverable(ann) == 2);

    SECTION("into a folder that is made and subscribed") {
        RestoreOrder all;
        all.folder = "Rescued/here";
        CHECK(house.restore(all).restored == 2);
        CHECK(house.messages(ann, "Rescued/here") == 2);
        const auto names = run(house.mailboxes.subscriptions(house.account())).value();
        CHECK(std::find(names.begin(), names.end(), "Rescued/here") != names.end());
    }
    SECTION("not into a name that cannot be") {
        RestoreOrder all;
        all.folder = "a//b";
        CHECK_FALSE(run(house.recovery.restore(house.world.mailbox(ann), all)));
        CHECK(house.recoverable(ann) == 2);
    }
    SECTION("ids twice, and ids of nothing") {
        const auto page = run(house.recovery.list(house.account(), {}, 0, 10)).value();
        RestoreOrder ids;
        ids.filter.ids = {page.items[0].item.id, page.items[0].item.id, 4711};
        const auto some = house.restore(ids);
        CHECK(some.restored == 1);
        CHECK(some.missing == std::vector<store::RecoverableId>{4711});
    }
    SECTION("only as far as there is room, then no further page") {
        house.world.add("mailbox", ann, R"({"quota":"60"})");
        RestoreOrder all;
        const auto some = house.restore(all);
        CHECK(some.over_quota);
        CHECK(some.next == 0);
        CHECK(house.recoverable(ann) == 2 - some.restored);
    }
}

TEST_CASE("a request looks at a bounded number of messages and says where to go on") {
    House house;
    const auto inbox = house.folder(ann, "INBOX");
    house.put(ann, "INBOX", "Subject: many\r\n\r\n");
    for (int i = 0; i < 11; ++i) // doubles to 2,048
        REQUIRE(run(house.world.store->mail().copy(inbox, {{1, ~store::Uid{0}}}, inbox, false, 0)));
    house.expunge(ann, "INBOX");
    auto page = run(house.recovery.list(house.account(), with(&RecoverableFilter::subject, "annual"), 0, 10)).value();
    CHECK(page.items.empty());
    CHECK(page.next != 0);
    std::size_t pages = 1;
    for (; page.next != 0 && page.items.empty(); ++pages)
        page = run(house.recovery.list(house.account(), with(&RecoverableFilter::subject, "annual"), page.next, 10)).value();
    REQUIRE(page.items.size() == 1);
    CHECK(pages == 3);
    RestoreOrder order;
    order.filter.subject = "many";
    std::size_t restored = 0;
    do {
        const auto outcome = house.restore(order);
        CHECK(outcome.restored <= static_cast<std::size_t>(limit::recoverable_scan));
        restored += outcome.restored;
        order.beyond = outcome.next;
    } while (order.beyond != 0);
    CHECK(restored == 2048);
    CHECK(house.messages(ann, "INBOX") == 2048);
    RecoverableFilter filter;
    filter.ids.assign(static_cast<std::size_t>(limit::recoverable_scan) + 1, 1);
    CHECK(run(house.recovery.list(house.account(), filter, 0, 1)).error().code == ErrorCode::too_large);
}

} // namespace mail::service::test
