// What was expunged comes back, on every engine.
#include "tests/unit/store/recovery_bench.hpp"

namespace mail::store::test {

TEST_CASE("an expunged item knows where it was and comes back once") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    AcceptPlan plan = bench.plan("the bytes");
    plan.local.push_back(Bench::to(ann));
    plan.local.back().prefix = "Delivered-To: ann\r\n";
    plan.local.back().flags = flag::seen | flag::deleted;
    plan.local.back().keywords = "$Work apple";
    need(bench.mail().accept(std::move(plan)));
    bench.deliver(ann, "another");
    const Time expunged = bench.clock.now();
    need(bench.mail().expunge(inbox, {}, true));
    bench.clock.advance(hours(1));

    const auto items = recoverable(bench, ann);
    REQUIRE(items.size() == 1);
    CHECK(items[0].folder == inbox);
    CHECK(items[0].folder_name == "INBOX");
    CHECK(items[0].uid == 1);
    CHECK(items[0].expunged == expunged);
    CHECK(items[0].prefix == "Delivered-To: ann\r\n");
    CHECK(need(bench.mail().read(items[0].blob, 0, 100)) == "the bytes");
    const auto use = need(recovery(bench).use(ann));
    CHECK(use.items == 1);
    CHECK(use.bytes == items[0].size);
    CHECK(use.oldest == expunged);
    CHECK_FALSE(use.held_since);

    std::vector<Changes> told;
    bench.store().on_commit([&](const Changes& changes) { told.push_back(changes); });
    const auto back = need(recovery(bench).restore({ann, {items[0].id}, 0, 0}));
    REQUIRE(back.items.size() == 1);
    CHECK(back.items[0].uid == 3);
    CHECK(back.items[0].folder_name == "INBOX");
    REQUIRE(told.size() == 1);
    REQUIRE(told[0].folders.size() == 1);
    CHECK(told[0].folders[0].added.size() == 1); // sessions see it like a new message
    const auto listing = need(bench.mail().list(inbox));
    REQUIRE(listing.items.size() == 2);
    CHECK(listing.items[1].flags == flag::seen); // \Deleted would take it again at the next EXPUNGE
    CHECK(listing.items[1].keywords == "$Work apple");
    CHECK(listing.items[1].internal_date == items[0].internal_date);
    CHECK(bench.content(inbox, 3) == "Delivered-To: ann\r\nthe bytes");
    CHECK(need(bench.mail().bodies(inbox, uids(3), 1))[0].saved == bench.clock.now());

    const auto again = need(recovery(bench).restore({ann, {items[0].id}, 0, 0}));
    CHECK(again.items.empty());
    CHECK(again.missing == std::vector<RecoverableId>{items[0].id});
    CHECK(need(recovery(bench).use(ann)).items == 0);
    bench.reopen();
    CHECK(bench.folder(ann, "INBOX").messages == 2);
    // The id is never given out again, or asking twice would bring back something else.
    need(bench.mail().expunge(inbox, uids(2), false));
    CHECK(recoverable(bench, ann)[0].id > items[0].id);
    const AccountId bob = bench.add_mailbox("bob@example.org");
    CHECK(need(recovery(bench).restore({bob, {recoverable(bench, ann)[0].id}, 0, 0})).items.empty());
}

TEST_CASE("items go back into renamed folders, and into folders that are made again") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const Folder work = need(bench.mail().create_folder(ann, "Work", FolderClass::mail, SpecialUse::none));
    const Folder deep = need(bench.mail().create_folder(ann, "Work/a/b", FolderClass::mail, SpecialUse::none));
    const FolderId trash = bench.folder(ann, "Trash").id;
    bench.deliver(ann, "in work", work.id);
    bench.deliver(ann, "deep", deep.id);
    bench.deliver(ann, "rubbish", trash);
    need(bench.mail().expunge(work.id, {}, false));
    done(bench.mail().delete_folder(deep.id));
    done(bench.mail().delete_folder(trash));
    done(bench.mail().rename_folder(work.id, "Office"));
    std::vector<RecoverableId> ids;
    for (const auto& item : recoverable(bench, ann))
        ids.push_back(item.id);
    REQUIRE(ids.size() == 3);

    SECTION("where they were") {
        const auto receipt = need(recovery(bench).restore({ann, ids, 0, 0}));
        REQUIRE(receipt.items.size() == 3);
        CHECK(receipt.items[0].folder == work.id);
        CHECK(receipt.items[0].folder_name == "Office");
        CHECK(bench.folder(ann, "Work/a/b").messages == 1);
        CHECK(bench.folder(ann, "Work/a").messages == 0);
        CHECK(bench.folder(ann, "Work/a/b").uid_validity != deep.uid_validity);
        CHECK(bench.folder(ann, "Trash").special_use == SpecialUse::trash);
    }
    SECTION("into a chosen folder") {
        const auto receipt = need(recovery(bench).restore({ann, ids, bench.folder(ann, "INBOX").id, 0}));
        CHECK(receipt.items.size() == 3);
        CHECK(bench.folder(ann, "INBOX").messages == 3);
        CHECK(code_of(bench.mail().find_folder(ann, "Trash")) == ErrorCode::not_found);
    }
    SECTION("as far as there is room") {
        const auto receipt = need(recovery(bench).restore({ann, ids, 0, 12}));
        CHECK(receipt.items.size() == 2);
        CHECK(receipt.over_quota);
        CHECK(need(recovery(bench).use(ann)).items == 1);
    }
    CHECK(code_of(recovery(bench).restore({ann, ids, 4711, 0})) == ErrorCode::not_found);
}

} // namespace mail::store::test
