#include "maild/imap/mailbox_view.hpp"

#include "tests/catch.hpp"

#include <chrono>

using namespace mail;
using namespace mail::imap;
using service::FolderSnapshot;
using service::SnapshotPtr;

namespace {

store::ItemRow row(store::Uid uid, std::uint8_t flags = 0, std::string keywords = {}) {
    store::ItemRow out;
    out.uid = uid;
    out.flags = flags;
    out.keywords = std::move(keywords);
    out.modseq = uid;
    out.size = 100;
    return out;
}

std::vector<store::ItemRow> rows(store::Uid first, store::Uid last) {
    std::vector<store::ItemRow> out;
    for (store::Uid uid = first; uid <= last; ++uid)
        out.push_back(row(uid));
    return out;
}

SnapshotPtr folder(store::Uid last) {
    store::Folder info;
    info.id = 1;
    info.modseq = last;
    info.uid_next = last + 1;
    const auto items = rows(1, last);
    return FolderSnapshot::build(info, items);
}

SnapshotPtr changed(const SnapshotPtr& before, std::vector<store::ItemRow> added,
                    std::vector<store::ItemRow> flagged = {}, std::vector<store::Uid> expunged = {}) {
    store::FolderChange change;
    change.folder = 1;
    change.modseq = before->modseq() + 1;
    change.added = std::move(added);
    change.flagged = std::move(flagged);
    change.expunged = std::move(expunged);
    for (auto& item : change.flagged)
        item.modseq = change.modseq;
    for (auto& item : change.added)
        item.modseq = change.modseq;
    return FolderSnapshot::apply(before, change);
}

std::string told(MailboxView& view, const SnapshotPtr& now, SyncStyle style = {}) {
    std::string out;
    view.sync(out, now, style);
    return out;
}

} // namespace

TEST_CASE("RFC 9051 §7.5.1: expunged messages renumber what follows") {
    auto snapshot = folder(10);
    MailboxView view(snapshot);
    snapshot = changed(snapshot, {}, {}, {3, 4, 7, 11});
    CHECK(told(view, snapshot) == "* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n* 5 EXPUNGE\r\n");
    CHECK(view.size() == 7);
    CHECK(told(view, snapshot).empty());
    snapshot = changed(snapshot, {}, {}, {1, 2});
    CHECK(told(view, snapshot, {.vanished = true}) == "* VANISHED 1:2\r\n");
}

TEST_CASE("RFC 9051 §7.4.1: new messages and flags of others are told") {
    auto snapshot = folder(3);
    MailboxView view(snapshot);
    snapshot = changed(snapshot, rows(4, 5));
    snapshot = changed(snapshot, {}, {row(2, store::flag::seen)});
    CHECK(told(view, snapshot, {.recent = true}) ==
          "* 5 EXISTS\r\n* 0 RECENT\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n");
    snapshot = changed(snapshot, {}, {row(5, 0, "$Work")});
    CHECK(told(view, snapshot, {.modseq = true}) ==
          "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\r\n"
          "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work \\*)] flags changed\r\n"
          "* 5 FETCH (UID 5 MODSEQ (6) FLAGS ($Work))\r\n");
}

TEST_CASE("A client's own change is not told twice") {
    auto snapshot = folder(3);
    MailboxView view(snapshot);
    snapshot = changed(snapshot, {}, {row(2, store::flag::seen)});
    const auto own = snapshot->modseq();
    snapshot = changed(snapshot, {}, {row(3, store::flag::deleted)});
    const std::vector<store::ModSeq> own_changes{own - 1, own};
    CHECK(told(view, snapshot, {.own_changes = own_changes}) == "* 3 FETCH (UID 3 FLAGS (\\Deleted))\r\n");
}

TEST_CASE("What another puts back after a client's own change is told, though the view never saw the change") {
    auto snapshot = folder(3);
    MailboxView view(snapshot);
    snapshot = changed(snapshot, {}, {row(2, store::flag::flagged)});
    const std::vector<store::ModSeq> own_changes{snapshot->modseq()};
    snapshot = changed(snapshot, {}, {row(2, 0)});
    CHECK(told(view, snapshot, {.own_changes = own_changes}) == "* 2 FETCH (UID 2 FLAGS ())\r\n");
}

TEST_CASE("What two sets of ranges have in common") {
    const auto common = [](std::vector<store::UidRange> a, std::vector<NumberRange> b) {
        NumberList list;
        add_common(list, a, b);
        return list.text();
    };
    CHECK(common({{1, 10}, {20, 30}}, {{5, 22}}) == "5:10,20:22");
    CHECK(common({{1, 3}}, {{1, 1}, {3, 9}}) == "1,3");
    CHECK(common({{7, 9}}, {{1, 6}, {10, UINT32_MAX}}) == "");
    CHECK(common({{1, UINT32_MAX - 1}}, {{4, UINT32_MAX}}) == "4:4294967294");
    CHECK(common({}, {{1, 2}}) == "");
}

TEST_CASE("RFC 9051 §7.5.1: no EXPUNGE during FETCH, STORE and SEARCH by number") {
    auto snapshot = folder(5);
    MailboxView view(snapshot);
    snapshot = changed(snapshot, rows(6, 6), {row(4, store::flag::seen)}, {2});
    CHECK(told(view, snapshot, {.allow_expunge = false}) == "* 6 EXISTS\r\n* 4 FETCH (UID 4 FLAGS (\\Seen))\r\n");
    CHECK(view.size() == 6);
    CHECK(view.holds_expunged());
    CHECK(view.snapshot().uid_at(1) == 2);
    CHECK(told(view, snapshot) == "* 2 EXPUNGE\r\n");
    CHECK(view.size() == 5);
    CHECK(!view.holds_expunged());
}

TEST_CASE("Sets become message numbers and UIDs") {
    auto snapshot = changed(folder(10), {}, {}, {3, 4, 9, 10}); // 1 2 5 6 7 8
    const MailboxView view(snapshot);
    const auto positions = [&](std::string_view text, bool uid) {
        const auto set = *SequenceSet::parse(text);
        NumberList list;
        for (const auto& range : uid ? view.positions_of_uids(set) : view.positions_of_numbers(set))
            list.add_range(range.first, range.last);
        return list.text();
    };
    CHECK(positions("1:*", true) == "1:6");
    CHECK(positions("3:4", true).empty());
    CHECK(positions("3:5,8:100", true) == "3,6");
    CHECK(positions("*", true) == "6");
    CHECK(positions("50:*", true) == "6");
    CHECK(positions("2:3,100", false) == "2:3");
    CHECK(view.out_of_range(*SequenceSet::parse("7")));
    CHECK(!view.out_of_range(*SequenceSet::parse("1:*")));
    const MailboxView empty(folder(0));
    CHECK(!empty.out_of_range(*SequenceSet::parse("1:*")));
    for (const char* text : {"1", "*", "2:*", "1:*,2"})
        CHECK(empty.out_of_range(*SequenceSet::parse(text)));
    const std::vector<NumberRange> ranges = {{2, 4}};
    const auto uids = view.uids_of(ranges);
    REQUIRE(uids.size() == 1);
    CHECK(uids[0].first == 2);
    CHECK(uids[0].last == 6);
    CHECK(MailboxView::count(ranges) == 3);
}

TEST_CASE("Syncing a large mailbox looks only at what changed") {
    auto snapshot = folder(100000);
    MailboxView view(snapshot);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) {
        const auto uid = static_cast<store::Uid>(50000 + i);
        snapshot = changed(snapshot, {}, {row(uid, store::flag::seen)});
        CHECK(told(view, snapshot).size() > 10);
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}
