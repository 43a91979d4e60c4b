// Copies, bodies and derived data, on every engine.
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {

TEST_CASE("copies share bytes, also across accounts") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const AccountId bob = bench.add_mailbox("bob@example.org");
    for (int i = 0; i < 3; ++i)
        bench.deliver(ann, "message " + std::to_string(i), 0, flag::seen);
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    const FolderId target = bench.folder(bob, "Archive").id;
    const auto receipt = need(bench.mail().copy(inbox, {{2, 9}}, target, false, 0));
    CHECK(receipt.uid_validity == bench.folder(bob, "Archive").uid_validity);
    CHECK(receipt.pairs == std::vector<std::pair<Uid, Uid>>{{2, 1}, {3, 2}});
    CHECK(bench.store().stats().blobs == 3);
    CHECK(bench.content(target, 2) == "message 2");
    CHECK(bench.folder(bob, "Archive").unseen == 0);
    CHECK(need(bench.mail().bodies(target, uids(1), 1))[0].id ==
          need(bench.mail().bodies(inbox, uids(2), 1))[0].id);

    SECTION("quota") {
        CHECK(code_of(bench.mail().copy(inbox, uids(1), target, false, 20)) == ErrorCode::over_quota);
        CHECK(bench.folder(bob, "Archive").messages == 2);
    }
    SECTION("the bytes live as long as one of the copies") {
        need(bench.mail().expunge(inbox, {}, false));
        Maintenance all;
        all.recoverable_before = bench.clock.now() + std::chrono::hours(1);
        need(bench.store().maintain(all));
        CHECK(bench.store().stats().blobs == 2);
        CHECK(bench.content(target, 1) == "message 1");
    }
    SECTION("move takes the source away in the same transaction") {
        std::vector<Changes> told;
        bench.store().on_commit([&](const Changes& changes) { told.push_back(changes); });
        const auto moved = need(bench.mail().copy(inbox, {{1, 2}}, target, true, 0));
        CHECK(moved.pairs == std::vector<std::pair<Uid, Uid>>{{1, 3}, {2, 4}});
        REQUIRE(told.size() == 1);
        CHECK(told[0].folders.size() == 2);
        CHECK(bench.folder(ann, "INBOX").messages == 1);
        const UidSet gone = need(bench.mail().vanished(inbox, 0));
        REQUIRE(gone.size() == 1);
        CHECK(gone[0].last == 2);
        CHECK(bench.store().stats().blobs == 3);
        CHECK(need(bench.mail().usage(ann)).items == 1);
    }
    SECTION("into the same folder") {
        const auto doubled = need(bench.mail().copy(inbox, {{1, 3}}, inbox, false, 0));
        CHECK(doubled.pairs.size() == 3);
        CHECK(bench.folder(ann, "INBOX").messages == 6);
    }
    SECTION("a move inside one account needs no room") {
        CHECK(need(bench.mail().copy(inbox, {{1, 3}}, bench.folder(ann, "Trash").id, true, 1)).pairs.size() ==
              3);
    }
    CHECK(code_of(bench.mail().copy(inbox, uids(1), 4711, false, 0)) == ErrorCode::not_found);
}

TEST_CASE("bodies and derived data are limited, sparse and in order") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 6; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    need(bench.mail().expunge(inbox, uids(3), false));
    const UidSet wanted{{2, 4}, {6, 100}};
    const auto bodies = need(bench.mail().bodies(inbox, wanted, 10));
    REQUIRE(bodies.size() == 3);
    CHECK(bodies[0].uid == 2);
    CHECK(bodies[1].uid == 4);
    CHECK(bodies[2].uid == 6);
    CHECK(need(bench.mail().bodies(inbox, wanted, 2)).size() == 2);

    const auto rows = [&] { return need(bench.mail().derived(inbox, wanted, 10)); };
    REQUIRE(rows().size() == 3);
    CHECK(rows()[0].derived.blob == 0);
    std::vector<Derived> made;
    for (const auto& body : bodies)
        made.push_back(
            {body.blob.id, "(env " + std::to_string(body.uid) + ")", "(b)", std::string("(\0bs)", 5), "f"});
    const auto put = [&] { done(bench.mail().put_derived(made)); };
    put();
    const auto first = rows();
    CHECK(first[1].derived.blob == bodies[1].blob.id);
    CHECK(first[1].derived.envelope == "(env 4)");
    CHECK(first[1].derived.bodystructure == std::string("(\0bs)", 5));
    done(bench.mail().drop_derived());
    CHECK(rows()[1].derived.blob == 0);
    put();
    CHECK(rows()[1].derived.envelope == first[1].derived.envelope);
    // Copies share it; bytes that are gone get none.
    const auto copied = need(bench.mail().copy(inbox, uids(4), bench.folder(ann, "Archive").id, false, 0));
    const auto shared =
        need(bench.mail().derived(bench.folder(ann, "Archive").id, uids(copied.pairs[0].second), 1));
    CHECK(shared[0].derived.envelope == "(env 4)");
    done(bench.mail().put_derived({{987'654, "x", "x", "x", "x"}}));
}

TEST_CASE("what a message brings along is there as soon as the message is") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const Folder inbox = bench.folder(ann, "INBOX");
    AcceptPlan plan = bench.plan("m");
    LocalCopy copy;
    copy.account = ann;
    plan.local.push_back(copy);
    plan.derived = Derived{0, "(env)", "(b)", std::string("(\0bs)", 5), "f"};
    need(bench.mail().accept(plan));
    const auto rows = need(bench.mail().derived(inbox.id, {{1, 1}}, 1));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].derived.blob == need(bench.mail().bodies(inbox.id, {{1, 1}}, 1))[0].blob.id);
    CHECK(rows[0].derived.envelope == "(env)");
    CHECK(rows[0].derived.bodystructure == std::string("(\0bs)", 5));
    CHECK(rows[0].derived.facts == "f");
}

TEST_CASE("all blobs are gone through in order, and which have derived data") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    CHECK(need(bench.mail().blobs(0, 10)).blobs.empty());
    for (int i = 0; i < 5; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    const auto first = need(bench.mail().blobs(0, 3));
    REQUIRE(first.blobs.size() == 3);
    CHECK_FALSE(first.blobs[2].derived);
    done(bench.mail().put_derived({{first.blobs[2].blob.id, "e", "b", "s", "f"}}));
    const auto again = need(bench.mail().blobs(first.blobs[1].blob.id, 10));
    REQUIRE(again.blobs.size() == 3);
    CHECK(again.blobs[0].blob.id == first.blobs[2].blob.id);
    CHECK(again.blobs[0].derived);
    CHECK_FALSE(again.blobs[1].derived);
    CHECK(again.last == again.blobs[2].blob.id);
    CHECK(need(bench.mail().read(again.blobs[2].blob, 0, 10)) == "m4");
    CHECK(need(bench.mail().blobs(again.last, 10)).blobs.empty());
    bench.deliver(ann, "m5");
    CHECK(need(bench.mail().blobs(again.last, 10)).blobs.size() == 1);
}

} // namespace mail::store::test
