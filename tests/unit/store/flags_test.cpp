// Flags, expunge and what a folder remembers of it, on every engine.
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
