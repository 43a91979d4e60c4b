// What has had its time goes for good, and nothing of what is held, on every engine.
#include "tests/unit/store/recovery_bench.hpp"

namespace mail::store::test {

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
