// What was expunged or removed comes back or goes for good, on every engine.
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {
namespace {

using std::chrono::hours;

ResourceWrite put_mailbox(const std::string& name, AccountKeeping keeping = {}) {
    ResourceWrite write{ResourceWrite::Action::put, "mailbox", name, "{\"n\":1}", "site", {name}, true};
    write.keeping = keeping;
    return write;
}

void apply(Bench& bench, ResourceWrite write) {
    ResourceBatch batch;
    batch.actor = "test";
    batch.writes.push_back(std::move(write));
    need(bench.resources().apply(std::move(batch)));
}

void remove(Bench& bench, const std::string& name) {
    apply(bench, {ResourceWrite::Action::remove, "mailbox", name, "", "", {}, true});
}

AccountKeeping held(Time until = Time::max()) { return {{}, 0, until}; }

RecoveryStore& recovery(Bench& bench) { return bench.store().recovery(); }

std::vector<RecoverableItem> recoverable(Bench& bench, AccountId account) {
    return need(recovery(bench).list(account, {0, false, 1000, {}}));
}

/// Everything that is old enough by now goes; what went.
std::size_t purge(Bench& bench, Maintenance what, std::size_t slice = 3) {
    what.slice = slice;
    std::size_t items = 0;
    for (int turn = 0; turn < 100; ++turn) {
        const Maintained done = need(bench.store().maintain(what));
        items += done.items;
        if (!done.more)
            return items;
        what.accounts_after = done.accounts_after;
    }
    FAIL("maintenance does not end");
    return items;
}

std::size_t purge_all(Bench& bench) {
    Maintenance what;
    what.recoverable_before = what.removed_before = bench.clock.now();
    return purge(bench, what);
}

} // namespace

TEST_CASE("a turn may look at space alone, and then comes to an end however many accounts there are") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    for (const char* name : {"ann@example.org", "bob@example.org", "eve@example.org"}) {
        const AccountId account = bench.add_mailbox(name);
        bench.deliver(account, "gone soon");
        need(bench.mail().expunge(bench.folder(account, "INBOX").id, {}, false));
    }
    Maintenance what;
    what.slice = 1;
    what.accounts_after = std::nullopt;
    int turns = 0;
    while (turns < 10 && need(bench.store().maintain(what)).more)
        ++turns;
    CHECK(turns < 10);
    what.accounts_after = 0;
    CHECK(need(bench.store().maintain(what)).accounts_after.has_value() == (engine == Engine::sqlite)); // the next turn begins there
}

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

TEST_CASE("recoverable items are listed page by page") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 5; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    need(bench.mail().expunge(bench.folder(ann, "INBOX").id, {}, false));
    const auto first = need(recovery(bench).list(ann, {0, true, 2, {}}));
    REQUIRE(first.size() == 2);
    CHECK(first[0].uid == 5);
    CHECK(first[1].uid == 4);
    const auto second = need(recovery(bench).list(ann, {first[1].id, true, 2, {}}));
    CHECK(second[0].uid == 3);
    const auto oldest = need(recovery(bench).list(ann, {0, false, 2, {}}));
    CHECK(oldest[0].uid == 1);
    CHECK(need(recovery(bench).list(ann, {oldest[1].id, false, 9, {}})).size() == 3);
    CHECK(need(recovery(bench).list(ann, {0, true, 9, {oldest[0].id, 4711}})).size() == 1);
}

TEST_CASE("each account's recoverable items go by its own age, its domain's or that for all") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    apply(bench, put_mailbox("own@example.org", {hours(10), 0, {}}));
    std::vector<AccountId> accounts;
    for (const char* name : {"own@example.org", "domain@other.example", "all@example.org"}) {
        if (std::string(name) != "own@example.org")
            bench.add_mailbox(name);
        accounts.push_back(need(bench.mail().find_account(name)));
        for (int i = 0; i < 4; ++i)
            bench.deliver(accounts.back(), "m" + std::to_string(i));
        need(bench.mail().expunge(bench.folder(accounts.back(), "INBOX").id, {}, false));
    }
    const auto left = [&](std::size_t which) { return need(recovery(bench).use(accounts[which])).items; };
    Maintenance what;
    what.domains.push_back({"other.example", hours(5), {}});
    const auto after = [&](int passed) {
        bench.clock.advance(hours(passed));
        what.recoverable_before = bench.clock.now() - hours(2);
        purge(bench, what);
        return std::vector<std::uint64_t>{left(0), left(1), left(2)};
    };
    CHECK(after(1) == std::vector<std::uint64_t>{4, 4, 4});
    CHECK(after(2) == std::vector<std::uint64_t>{4, 4, 0});
    CHECK(after(3) == std::vector<std::uint64_t>{4, 0, 0});
    CHECK(after(5) == std::vector<std::uint64_t>{0, 0, 0});
    CHECK(bench.store().stats().blobs == 0);
}

TEST_CASE("beyond the bound on bytes the oldest go first") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    apply(bench, put_mailbox("bob@example.org", {{}, 100, {}}));
    apply(bench, put_mailbox("eve@example.org", held()));
    for (const char* name : {"ann@example.org", "bob@example.org", "eve@example.org"}) {
        const AccountId account = need(bench.mail().find_account(name));
        for (int i = 0; i < 10; ++i)
            bench.deliver(account, "0123456789");
        need(bench.mail().expunge(bench.folder(account, "INBOX").id, {}, false));
    }
    Maintenance what;
    what.recoverable_bytes = 35;
    CHECK(purge(bench, what) == 7);
    const auto kept = recoverable(bench, ann);
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].uid == 8);
    CHECK(need(recovery(bench).use(need(bench.mail().find_account("bob@example.org")))).items == 10); // its own bound
    CHECK(need(recovery(bench).use(need(bench.mail().find_account("eve@example.org")))).items == 10); // held
}

TEST_CASE("nothing of a held account goes for good, and it stops nobody else's") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    apply(bench, put_mailbox("held@example.org", held(bench.clock.now() + hours(100))));
    const AccountId keeper = need(bench.mail().find_account("held@example.org"));
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const auto since = need(recovery(bench).use(keeper)).held_since;
    REQUIRE(since);
    for (const AccountId account : {keeper, ann}) {
        for (int i = 0; i < 4; ++i)
            bench.deliver(account, "m");
        need(bench.mail().expunge(bench.folder(account, "INBOX").id, {}, false));
    }
    bench.clock.advance(hours(1));
    CHECK(purge_all(bench) == 4);
    CHECK(need(recovery(bench).use(keeper)).items == 4);
    CHECK(need(recovery(bench).use(ann)).items == 0);

    SECTION("a later change keeps the time since when it is held") {
        bench.clock.advance(hours(1));
        apply(bench, put_mailbox("held@example.org", held()));
        CHECK(need(recovery(bench).use(keeper)).held_since == since);
        bench.reopen();
        CHECK(purge_all(bench) == 0);
    }
    SECTION("lifted") {
        apply(bench, put_mailbox("held@example.org"));
        CHECK_FALSE(need(recovery(bench).use(keeper)).held_since);
        CHECK(purge_all(bench) == 4);
    }
    SECTION("ended by itself") {
        bench.clock.advance(hours(100));
        CHECK(purge_all(bench) == 4);
    }
    SECTION("moving to somebody else leaves a copy") {
        bench.deliver(keeper, "evidence");
        const FolderId inbox = bench.folder(keeper, "INBOX").id;
        need(bench.mail().copy(inbox, {{5, 5}}, bench.folder(ann, "Archive").id, true, 0));
        CHECK(bench.folder(keeper, "INBOX").messages == 0);
        CHECK(need(recovery(bench).use(keeper)).items == 5);
        const auto last = recoverable(bench, keeper).back();
        CHECK(need(bench.mail().read(last.blob, 0, 100)) == "evidence");
        CHECK(bench.content(bench.folder(ann, "Archive").id, 1) == "evidence");
        need(bench.mail().expunge(bench.folder(ann, "Archive").id, {}, false));
        bench.clock.advance(hours(1));
        CHECK(purge_all(bench) == 1);
        CHECK(need(bench.mail().read(last.blob, 0, 100)) == "evidence");
    }
    SECTION("expired items stay recoverable even where the rule says for good") {
        bench.deliver(keeper, "old");
        bench.clock.advance(hours(1));
        const AgeRule rule{bench.folder(keeper, "INBOX").id, bench.clock.now(), AgeOf::saved};
        const auto gone = need(recovery(bench).expire({rule, {5}, true}));
        CHECK(gone.recoverable == 1);
        CHECK(gone.for_good == 0);
    }
    SECTION("removed, it stays as long as the hold stands") {
        remove(bench, "held@example.org");
        bench.clock.advance(hours(50));
        CHECK(purge_all(bench) == 0);
        REQUIRE(need(recovery(bench).removed("held@example.org")).size() == 1);
        bench.clock.advance(hours(50));
        CHECK(purge_all(bench) == 4);
        CHECK(need(recovery(bench).removed("")).empty());
    }
}

TEST_CASE("a purge reads the hold in its own transaction") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    constexpr int count = 60;
    for (int i = 0; i < count; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    need(bench.mail().expunge(bench.folder(ann, "INBOX").id, {}, false));
    bench.clock.advance(hours(1));
    Maintenance what;
    what.recoverable_before = bench.clock.now();
    what.slice = 5;
    // Turns wait for the writer while the hold is put in between them: what is there once it stands, stays.
    std::vector<std::future<Result<Maintained>>> turns;
    const auto turn = [&] {
        auto result = std::make_shared<std::promise<Result<Maintained>>>();
        turns.push_back(result->get_future());
        spawn(keep_result(bench.store().maintain(what), result));
    };
    for (int i = 0; i < 4; ++i)
        turn();
    auto applied = std::make_shared<std::promise<Result<std::uint64_t>>>();
    auto hold = applied->get_future();
    ResourceBatch batch;
    batch.writes.push_back(put_mailbox("ann@example.org", held()));
    spawn(keep_result(bench.resources().apply(std::move(batch)), applied));
    for (int i = 0; i < 20; ++i)
        turn();
    REQUIRE(hold.get());
    const auto kept = need(recovery(bench).use(ann)).items;
    for (auto& each : turns)
        REQUIRE(each.get());
    CHECK(need(recovery(bench).use(ann)).items <= kept);
    const auto after = need(recovery(bench).use(ann)).items;
    CHECK(purge_all(bench) == 0);
    CHECK(need(recovery(bench).use(ann)).items == after);
    CHECK(after % 5 == 0); // whole turns, each all or nothing
}

TEST_CASE("a removed mailbox comes back as it was") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    apply(bench, put_mailbox("ann@example.org"));
    const AccountId ann = need(bench.mail().find_account("ann@example.org"));
    const Folder work = need(bench.mail().create_folder(ann, "Work", FolderClass::mail, SpecialUse::none));
    bench.deliver(ann, "kept", work.id);
    bench.deliver(ann, "gone");
    need(bench.mail().expunge(bench.folder(ann, "INBOX").id, {}, false));
    done(bench.mail().put_attributes(ann, work.id, {{"rights", "x"}}));
    const Folder inbox = bench.folder(ann, "INBOX");
    remove(bench, "ann@example.org");
    CHECK(code_of(bench.mail().find_account("ann@example.org")) == ErrorCode::not_found);
    CHECK(code_of(recovery(bench).restore({ann, {1}, 0, 0})) == ErrorCode::not_found);
    bench.reopen();
    const auto tombs = need(recovery(bench).removed("ann@example.org"));
    REQUIRE(tombs.size() == 1);
    CHECK(tombs[0].id == ann);
    CHECK(tombs[0].spec == "{\"n\":1}");
    CHECK(tombs[0].set == "site");
    CHECK(tombs[0].items == 1);
    CHECK_FALSE(tombs[0].purging);
    ResourceWrite again = put_mailbox("ann@example.org");
    again.reconnect = ann;

    SECTION("under its name") {
        apply(bench, again);
        CHECK(need(bench.mail().find_account("ann@example.org")) == ann);
        CHECK(bench.folder(ann, "INBOX").uid_validity == inbox.uid_validity);
        CHECK(bench.content(work.id, 1) == "kept");
        CHECK(need(bench.mail().attributes(ann, work.id)).size() == 1);
        CHECK(need(recovery(bench).restore({ann, {recoverable(bench, ann)[0].id}, 0, 0})).items.size() == 1);
        CHECK(bench.deliver(ann, "new").uid == 3);
        CHECK(need(recovery(bench).removed("")).empty());
    }
    SECTION("under another name") {
        again.name = "ann.archer@example.org";
        again.addresses = {again.name};
        apply(bench, again);
        CHECK(need(bench.mail().find_account("ann.archer@example.org")) == ann);
        CHECK(need(bench.mail().account_name(ann)) == "ann.archer@example.org");
    }
    SECTION("not when the name was given out again") {
        apply(bench, put_mailbox("ann@example.org"));
        ResourceBatch batch;
        batch.writes.push_back(again);
        CHECK(code_of(bench.resources().apply(batch)) == ErrorCode::conflict);
        CHECK(need(bench.mail().find_account("ann@example.org")) != ann);
    }
    SECTION("not when some of it is gone for good") {
        bench.clock.advance(hours(1));
        Maintenance what;
        what.removed_before = bench.clock.now();
        what.slice = 1;
        CHECK(need(bench.store().maintain(what)).more);
        REQUIRE(need(recovery(bench).removed("")).size() == 1);
        CHECK(need(recovery(bench).removed(""))[0].purging);
        ResourceBatch batch;
        batch.writes.push_back(again);
        CHECK(code_of(bench.resources().apply(batch)) == ErrorCode::not_found);
        CHECK(purge(bench, what) == 1);
        CHECK(need(recovery(bench).removed("")).empty());
        CHECK(bench.store().stats().blobs == 0);
        CHECK(need(bench.mail().attributes(ann, work.id)).empty());
    }
    SECTION("its domain may keep it longer") {
        bench.clock.advance(hours(3));
        Maintenance what;
        what.removed_before = bench.clock.now();
        what.recoverable_before = bench.clock.now();
        what.domains.push_back({"example.org", hours(10), hours(10)});
        CHECK(purge(bench, what) == 0);
        bench.clock.advance(hours(8));
        const Maintained done = need(bench.store().maintain(what));
        CHECK(done.accounts == std::vector<std::string>{"ann@example.org"});
    }
}

TEST_CASE("old items of a folder by either age") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    for (int i = 0; i < 6; ++i) {
        AcceptPlan plan = bench.plan("m" + std::to_string(i));
        plan.local.push_back(Bench::to(ann));
        plan.local.back().internal_date = bench.clock.now() - hours(i * 100);
        need(bench.mail().accept(std::move(plan)));
        bench.clock.advance(hours(1));
    }
    const Time now = bench.clock.now();
    const AgeRule saved{inbox, now - hours(3), AgeOf::saved}, received{inbox, now - hours(250), AgeOf::received};
    const auto first = need(recovery(bench).old_items(saved, 2));
    CHECK(first.uids == std::vector<Uid>{1, 2});
    CHECK(first.bytes == 4);
    CHECK(first.oldest == now - hours(6));
    CHECK(first.more);
    const auto by_date = need(recovery(bench).old_items(received, 10));
    CHECK(by_date.uids == std::vector<Uid>{4, 5, 6});
    CHECK_FALSE(by_date.more);

    // What is asked for but too young stays.
    const auto gone = need(recovery(bench).expire({saved, {1, 2, 5, 77}, false}));
    CHECK(gone.recoverable == 2);
    CHECK(bench.folder(ann, "INBOX").messages == 4);
    const UidSet vanished = need(bench.mail().vanished(inbox, 0));
    CHECK((vanished.size() == 1 && vanished[0].first == 1 && vanished[0].last == 2));
    const auto for_good = need(recovery(bench).expire({received, {4, 5}, true}));
    CHECK(for_good.for_good == 2);
    CHECK(need(recovery(bench).use(ann)).items == 2);
    CHECK(bench.store().stats().blobs == 4);
    CHECK(code_of(recovery(bench).expire({{4711, now, AgeOf::saved}, {1}, true})) == ErrorCode::not_found);
}

} // namespace mail::store::test
