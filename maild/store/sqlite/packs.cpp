#include "maild/store/sqlite/packs.hpp"

#include "maild/store/sqlite/pack_codec.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/write_context.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr Uid last_uid = ~Uid{0};

constexpr std::size_t piece_rows = 2048; ///< that a sink gets at a time: small enough to stay in the processor's cache

/// Rows on their way to a sink.
class Scan {
  public:
    Scan(Database& db, const Folder& folder, ListingSink& sink) : db_(db), folder_(folder), sink_(sink) {
        piece_.reserve(piece_rows);
    }
    /// Packs in their order, and rows wherever there is none.
    Result<void> packed();
    Result<void> beside(UidRange uids);
    PackedScan found;

  private:
    void hand_over() {
        found.rows += piece_.size();
        sink_.add(piece_);
        piece_.clear();
    }
    Database& db_;
    const Folder& folder_;
    ListingSink& sink_;
    std::vector<ItemRow> piece_;
};

Result<void> Scan::beside(UidRange uids) {
    for (;;) {
        MAIL_DO(read_rows(db_, folder_.id, uids, piece_rows, piece_));
        found.beside += piece_.size();
        const bool more = piece_.size() == piece_rows && piece_.back().uid < uids.last;
        if (more)
            uids.first = piece_.back().uid + 1;
        hand_over();
        if (!more)
            return {};
    }
}

Result<void> Scan::packed() {
    Query query(db_, "SELECT first, last, items FROM folder_pack WHERE folder = ? ORDER BY first");
    query.bind(folder_.id);
    std::uint64_t next = 1;
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        const UidRange covers{query.as<Uid>(0), query.as<Uid>(1)};
        if (covers.first > next) {
            MAIL_DO(beside({static_cast<Uid>(next), covers.first - 1}));
        }
        if (unpack_rows(query.text(2), covers, piece_)) {
            hand_over();
        } else {
            found.damaged.push_back(covers);
            MAIL_DO(beside(covers));
        }
        next = std::uint64_t{covers.last} + 1;
    }
    if (next <= last_uid) {
        MAIL_DO(beside({static_cast<Uid>(next), last_uid}));
    }
    return {};
}

bool same(const ItemRow& a, const ItemRow& b) {
    return a.uid == b.uid && a.flags == b.flags && a.keywords == b.keywords && a.modseq == b.modseq &&
           a.internal_date == b.internal_date && a.size == b.size;
}

/// Where the first stretch behind `after` begins and ends that is in no pack; first 0: there is none.
UidRange next_gap(const PackIndex::Ranges& packed, Uid after) {
    std::uint64_t first = std::uint64_t{after} + 1;
    for (const UidRange& range : packed) {
        if (range.last < first)
            continue;
        if (range.first > first)
            return {static_cast<Uid>(first), range.first - 1};
        first = std::uint64_t{range.last} + 1;
    }
    return first > last_uid ? UidRange{} : UidRange{static_cast<Uid>(first), last_uid};
}

} // namespace

Result<PackIndex::Ranges*> PackIndex::load(Database& db, FolderId folder) {
    const auto found = folders_.find(folder);
    if (found != folders_.end())
        return &found->second;
    Ranges ranges;
    Query query(db, "SELECT first, last FROM folder_pack WHERE folder = ? ORDER BY first");
    query.bind(folder);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return &folders_.emplace(folder, std::move(ranges)).first->second;
        ranges.push_back({query.as<Uid>(0), query.as<Uid>(1)});
    }
}

Result<const PackIndex::Ranges*> PackIndex::of(Database& db, FolderId folder) {
    MAIL_TRY(const Ranges* ranges, load(db, folder));
    return ranges;
}

Result<void> PackIndex::drop(Database& db, FolderId folder, UidRange uids) {
    MAIL_TRY(Ranges * ranges, load(db, folder));
    const auto begin = std::lower_bound(ranges->begin(), ranges->end(), uids.first,
                                        [](const UidRange& range, Uid first) { return range.last < first; });
    auto end = begin;
    for (; end != ranges->end() && end->first <= uids.last; ++end) {
        Query query(db, "DELETE FROM folder_pack WHERE folder = ? AND first = ?");
        MAIL_DO(query.bind(folder).bind(end->first).run());
    }
    ranges->erase(begin, end);
    return {};
}

Result<void> PackIndex::add(Database& db, FolderId folder, UidRange covers, std::span<const ItemRow> rows) {
    MAIL_TRY(Ranges * ranges, load(db, folder));
    const std::string packed = pack_rows(rows);
    Query insert(db, "INSERT INTO folder_pack VALUES (?, ?, ?, ?)");
    MAIL_DO(insert.bind(folder).bind(covers.first).bind(covers.last).blob(packed).run());
    const auto place = std::lower_bound(ranges->begin(), ranges->end(), covers.first,
                                        [](const UidRange& range, Uid first) { return range.first < first; });
    ranges->insert(place, covers);
    return {};
}

Result<Uid> pack_next(WriteContext& context, FolderId folder, Uid after, std::size_t items) {
    MAIL_DO(context.folder(folder));
    for (;;) {
        MAIL_TRY(const PackIndex::Ranges* packed, context.packs.of(context.db, folder));
        UidRange gap = next_gap(*packed, after);
        if (gap.first == 0)
            return Uid{0};
        const bool at_end = gap.last == last_uid;
        std::vector<ItemRow> rows;
        rows.reserve(items);
        MAIL_DO(read_rows(context.db, folder, gap, items, rows));
        if (rows.size() == items)
            gap.last = rows.back().uid;
        else if (at_end)
            return Uid{0};
        if (!rows.empty()) {
            context.touch();
            MAIL_DO(context.packs.add(context.db, folder, gap, rows));
            return gap.last == last_uid ? Uid{0} : gap.last;
        }
        after = gap.last; // nothing is left of what was here
    }
}

Result<PackedScan> scan_folder(Database& db, FolderId id, std::size_t items, ListingSink& sink) {
    const ReadAlong along;
    const Readers::Moment moment(db);
    MAIL_TRY(const Folder folder, read_folder(db, id));
    sink.begin(folder);
    Scan scan(db, folder, sink);
    if (items == 0 || folder.messages < items) {
        MAIL_DO(scan.beside({1, last_uid}));
        return scan.found;
    }
    MAIL_DO(scan.packed());
    if (scan.found.rows == folder.messages)
        return scan.found;
    // A pack that is not true, whoever is to blame, must not be what a client sees.
    sink.begin(folder);
    Scan again(db, folder, sink);
    again.found.damaged.assign(1, {1, last_uid});
    MAIL_DO(again.beside({1, last_uid}));
    return again.found;
}

Result<std::vector<std::string>> check_packs(Database& db) {
    std::vector<std::string> problems;
    Query query(db, "SELECT folder, first, last, items FROM folder_pack ORDER BY folder, first");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return problems;
        const UidRange covers{query.as<Uid>(1), query.as<Uid>(2)};
        std::vector<ItemRow> packed, rows;
        const bool good = unpack_rows(query.text(3), covers, packed);
        MAIL_DO(read_rows(db, query.integer(0), covers, every_row, rows));
        if (!good || !std::equal(packed.begin(), packed.end(), rows.begin(), rows.end(), same))
            problems.push_back("the packed listing of folder " + query.string(0) + ", UIDs " + query.string(1) + " to " +
                               query.string(2) + ", is not that of its items");
    }
}

} // namespace mail::store::sqlite
