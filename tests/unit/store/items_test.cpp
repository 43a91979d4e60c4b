// Flags, copies, expunge and derived data, on every engine.
#include "tests/unit/store/store_under_test.hpp"

#include <algorithm>

namespace mail::store::test {

TEST_CASE("flags and keywords change as asked") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 5; ++i)
        bench.deliver(ann, "m");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    FlagChange change;
    change.folder = inbox;
    change.uids = {{1, 2}, {4, 4}, {9, 12}};
    change.flags = flag::seen;
    change.keywords = {"$Work", "apple"};
    const auto first = need(bench.mail().change_flags(change));
    REQUIRE(first.changed.size() == 3);
    CHECK(first.changed[2].uid == 4);
    CHECK(first.changed[0].keywords == "$Work apple");
    CHECK(first.changed[0].modseq == first.modseq);
    CHECK(bench.folder(ann, "INBOX").unseen == 2);

    SECTION("what does not change keeps its modseq and tells nobody") {
        std::size_t told = 0;
        bench.store().on_commit([&](const Changes& changes) { told += changes.folders.size(); });
        const auto again = need(bench.mail().change_flags(change));
        CHECK(again.changed.size() == 3);
        CHECK(again.changed[0].modseq == first.modseq);
        CHECK(again.changes.empty()); // nobody may take the change of another for this one
        CHECK(bench.folder(ann, "INBOX").modseq == first.modseq);
        CHECK(told == 0);
    }
    SECTION("keywords keep the form first given and are removed in any form") {
        change.keywords = {"$WORK"};
        CHECK(need(bench.mail().change_flags(change)).changed[0].keywords == "$Work apple");
        change.operation = FlagOperation::remove;
        change.flags = 0;
        CHECK(need(bench.mail().change_flags(change)).changed[0].keywords == "apple");
        change.operation = FlagOperation::replace;
        change.flags = flag::answered;
        change.keywords = {"pear", "APPLE"};
        const auto replaced = need(bench.mail().change_flags(change));
        CHECK(replaced.changed[0].keywords == "apple pear");
        CHECK(replaced.changed[0].flags == flag::answered);
        CHECK(bench.folder(ann, "INBOX").unseen == 5);
    }
    SECTION("fixed flags and keywords stay as they are whatever is asked") {
        change.operation = FlagOperation::replace;
        change.flags = flag::answered | flag::deleted;
        change.keywords = {"pear"};
        change.fixed_flags = flag::seen | flag::deleted;
        change.fixed_keywords = true;
        const auto some = need(bench.mail().change_flags(change));
        CHECK(some.changed[0].flags == (flag::seen | flag::answered));
        CHECK(some.changed[0].keywords == "$Work apple");
        change.operation = FlagOperation::remove;
        change.flags = flag::seen;
        CHECK(need(bench.mail().change_flags(change)).changed[0].flags == (flag::seen | flag::answered));
    }
    SECTION("RFC 7162 3.1.3: items changed since are left alone and named") {
        FlagChange guarded;
        guarded.folder = inbox;
        guarded.uids = uids(1, 5);
        guarded.flags = flag::deleted;
        guarded.unchanged_since = first.modseq - 1;
        const auto receipt = need(bench.mail().change_flags(guarded));
        CHECK(receipt.modified == std::vector<Uid>{1, 2, 4});
        REQUIRE(receipt.changed.size() == 2);
        CHECK(receipt.changed[0].uid == 3);
        CHECK(receipt.changed[0].flags == flag::deleted);
    }
    bench.reopen();
    CHECK(need(bench.mail().list(inbox)).items.size() == 5);
}

TEST_CASE("RFC 8508: a replacement comes as the old message goes, or neither") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    bench.deliver(ann, "old");
    bench.deliver(ann, "other");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    const FolderId drafts = bench.folder(ann, "Drafts").id;
    const auto plan = [&](FolderId folder, std::uint64_t quota) {
        AcceptPlan made = bench.plan("new text");
        made.local.push_back(Bench::to(ann, folder, quota));
        return made;
    };
    const auto items = [&](FolderId folder) { return need(bench.mail().list(folder)).items.size(); };
    std::vector<Changes> told;
    bench.store().on_commit([&](const Changes& changes) { told.push_back(changes); });
    const auto usage = need(bench.mail().usage(ann)).bytes;

    SECTION("within a folder: one change") {
        const auto placed = need(bench.mail().replace(plan(inbox, 0), inbox, 1));
        CHECK(placed.uid == 3);
        CHECK(bench.content(inbox, 3) == "new text");
        const auto gone = need(bench.mail().vanished(inbox, 0));
        REQUIRE(gone.size() == 1);
        CHECK((gone[0].first == 1 && gone[0].last == 1));
        REQUIRE((told.size() == 1 && told[0].folders.size() == 1));
        CHECK((told[0].folders[0].added.size() == 1 && told[0].folders[0].expunged == std::vector<Uid>{1}));
        CHECK(bench.folder(ann, "INBOX").messages == 2);
    }
    SECTION("into another folder") {
        CHECK(need(bench.mail().replace(plan(drafts, 0), inbox, 2)).uid == 1);
        CHECK((items(inbox) == 1 && items(drafts) == 1));
        REQUIRE(told.size() == 1);
        CHECK(told[0].folders.size() == 2);
    }
    SECTION("the room of the old message counts as the new one's") {
        CHECK(need(bench.mail().replace(plan(inbox, usage + 5), inbox, 1)).uid == 3); // 5 bytes more than "old"
        CHECK(code_of(bench.mail().replace(plan(inbox, usage + 5), inbox, 2)) == ErrorCode::over_quota);
        CHECK(items(inbox) == 2);
        CHECK(need(bench.mail().vanished(inbox, 0)).size() == 1);
    }
    SECTION("without the old message, or without the folder, nothing happens") {
        CHECK(code_of(bench.mail().replace(plan(inbox, 0), inbox, 9)) == ErrorCode::not_found);
        CHECK(code_of(bench.mail().replace(plan(inbox + 1000, 0), inbox, 1)) == ErrorCode::not_found);
        CHECK(items(inbox) == 2);
        CHECK(told.empty());
        CHECK(bench.store().stats().blobs == 2);
    }
    bench.reopen();
    CHECK(need(bench.mail().list(inbox)).items.size() == (items(drafts) == 1 ? 1U : 2U));
}

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

TEST_CASE("expunge, vanished, recoverable items and UIDs that never come back") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 4; ++i)
        bench.deliver(ann, "m" + std::to_string(i), 0, i % 2 == 0 ? flag::deleted : std::uint8_t{0});
    const Folder inbox = bench.folder(ann, "INBOX");
    CHECK(need(bench.mail().expunge(inbox.id, {{2, 3}}, true)) == std::vector<Uid>{3});
    const ModSeq middle = bench.folder(ann, "INBOX").modseq;
    CHECK(need(bench.mail().expunge(inbox.id, {}, true)) == std::vector<Uid>{1});
    CHECK(need(bench.mail().vanished(inbox.id, middle)).size() == 1);
    const auto all = need(bench.mail().vanished(inbox.id, inbox.modseq));
    REQUIRE(all.size() == 2);
    CHECK(all[0].first == 1);
    CHECK(all[1].first == 3);
    CHECK(all[1].last == 3);
    CHECK(bench.store().stats().blobs == 4); // recoverable

    CHECK(need(bench.mail().expunge(inbox.id, uids(4), false)) == std::vector<Uid>{4});
    CHECK(need(bench.mail().expunge(inbox.id, uids(4), false)).empty());
    bench.reopen();
    CHECK(bench.deliver(ann, "new").uid == 5); // not 4 again
    CHECK(bench.folder(ann, "INBOX").messages == 2);

    SECTION("retention ends in slices") {
        Maintenance what;
        what.recoverable_before = bench.clock.now();
        what.slice = 2;
        CHECK(need(bench.store().maintain(what)).items == 0); // too young
        bench.clock.advance(std::chrono::hours(1));
        what.recoverable_before = bench.clock.now();
        CHECK(need(bench.store().maintain(what)).more);
        CHECK(bench.store().stats().blobs == 3);
        CHECK_FALSE(need(bench.store().maintain(what)).more);
        CHECK(bench.store().stats().blobs == 2);
    }
}

TEST_CASE("a large folder is expunged completely") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    bench.deliver(ann, "seed");
    for (int i = 0; i < 12; ++i) // doubles to 4,096
        need(bench.mail().copy(inbox, uids(1, ~Uid{0}), inbox, false, 0));
    REQUIRE(bench.folder(ann, "INBOX").messages == 4096);
    const auto gone = need(bench.mail().expunge(inbox, {{1, 5000}}, false));
    CHECK(gone.size() == 4096);
    CHECK(std::is_sorted(gone.begin(), gone.end()));
    CHECK(bench.folder(ann, "INBOX").messages == 0);
    CHECK(need(bench.mail().usage(ann)).bytes == 0);
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

TEST_CASE("flags of a large folder change in slices, each told by its own number") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    bench.deliver(ann, "seed");
    for (int i = 0; i < 14; ++i) // doubles to 16,384
        need(bench.mail().copy(inbox, uids(1, ~Uid{0}), inbox, false, 0));
    const Folder before = bench.folder(ann, "INBOX");
    need(bench.mail().change_flags({inbox, uids(7), FlagOperation::add, flag::flagged, {}, {}, 0, false}));
    std::vector<ModSeq> told;
    bench.store().on_commit([&](const Changes& changes) {
        for (const FolderChange& one : changes.folders)
            told.push_back(one.modseq);
    });
    FlagChange change;
    change.folder = inbox;
    change.uids = uids(1, ~Uid{0});
    change.flags = flag::seen;
    change.unchanged_since = before.modseq;
    const FlagReceipt receipt = need(bench.mail().change_flags(change));
    CHECK(receipt.changed.size() == 16'383);
    CHECK(receipt.modified == std::vector<Uid>{7}); // changed by somebody else, not by an earlier slice
    CHECK(receipt.changes == told);
    CHECK(receipt.changes.size() == (engine == Engine::sqlite ? 2 : 1));
    CHECK(receipt.modseq == receipt.changes.back());
    CHECK(std::is_sorted(receipt.changed.begin(), receipt.changed.end(),
                         [](const ItemRow& a, const ItemRow& b) { return a.uid < b.uid; }));
    CHECK(bench.folder(ann, "INBOX").unseen == 1);
    CHECK(need(bench.mail().change_flags({inbox, uids(1), FlagOperation::add, flag::seen, {}, {}, 0, false})).changes.empty());
}

TEST_CASE("RFC 7162 3.2.5.2: a folder that has forgotten when its UIDs went tells all that do not exist") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const FolderId inbox = bench.folder(ann, "INBOX").id;
    for (int i = 0; i < 30; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    std::vector<ModSeq> at{bench.folder(ann, "INBOX").modseq};
    for (Uid uid = 2; uid <= 20; uid += 2) {
        need(bench.mail().expunge(inbox, uids(uid), false));
        at.push_back(bench.folder(ann, "INBOX").modseq);
    }
    const auto text = [&](ModSeq since) {
        std::string out;
        for (const UidRange& range : need(bench.mail().vanished(inbox, since)))
            out += std::to_string(range.first) + ":" + std::to_string(range.last) + " ";
        return out;
    };
    CHECK(text(at[7]) == "16:16 18:18 20:20 ");
    CHECK(text(at[0]).starts_with("2:2 4:4 6:6"));
    need(bench.mail().expunge(inbox, {{25, 26}}, false));

    Maintenance what;
    what.vanished_ranges = 5;
    std::size_t forgotten = 0;
    for (bool more = true; more;) {
        const Maintained done = need(bench.store().maintain(what));
        forgotten += done.vanished;
        more = done.more;
    }
    CHECK(forgotten > 0);
    bench.reopen();
    // Still known: exactly that. Longer ago: what does not exist, which holds all that the client can have missed.
    CHECK(text(at[8]) == "18:18 20:20 25:26 ");
    CHECK(text(at[10]) == "25:26 ");
    CHECK(text(at[1]) == "2:2 4:4 6:6 8:8 10:10 12:12 14:14 16:16 18:18 20:20 25:26 ");
    need(bench.mail().expunge(inbox, {{27, 30}}, false));
    CHECK(text(at[1]).ends_with("20:20 25:30 "));
    CHECK(bench.deliver(ann, "new").uid == 31);
    CHECK(need(bench.store().maintain(what)).vanished <= 6);
}

} // namespace mail::store::test
