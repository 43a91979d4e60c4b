#include "maild/store/sqlite/packs.hpp"

#include "maild/store/sqlite/pack_codec.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/write_context.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr Uid last_uid = ~Uid{0};

/// Rows of a folder within `uids`, at most `most`; appended to `out`.
Result<void> read_rows(Database& db, FolderId folder, UidRange uids, std::size_t most, std::vector<ItemRow>& out) {
    Query query(db, "SELECT uid, flags, keywords, modseq, internal_date, size FROM item "
                    "WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?");
    query.bind(folder).bind(uids.first).bind(uids.last).bind(std::uint64_t{most});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return {};
        ItemRow& item = out.emplace_back();
        item.uid = query.as<Uid>(0);
        item.flags = query.as<std::uint8_t>(1);
        item.keywords = query.text(2);
        item.modseq = query.count(3);
        item.internal_date = query.time(4);
        item.size = query.as<std::uint32_t>(5);
    }
}

constexpr std::size_t no_limit = INT64_MAX;

Result<void> read_beside(Database& db, UidRange uids, PackedListing& out) {
    auto& items = out.listing.items;
    const std::size_t before = items.size();
    MAIL_DO(read_rows(db, out.listing.folder.id, uids, no_limit, items));
    out.beside += items.size() - before;
    return {};
}

/// Packs in their order, and rows wherever there is none.
Result<void> read_packed(Database& db, PackedListing& out) {
    Query query(db, "SELECT first, last, items FROM folder_pack WHERE folder = ? ORDER BY first");
    query.bind(out.listing.folder.id);
    std::uint64_t next = 1;
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        const UidRange covers{query.as<Uid>(0), query.as<Uid>(1)};
        if (covers.first > next) {
            MAIL_DO(read_beside(db, {static_cast<Uid>(next), covers.first - 1}, out));
        }
        if (!unpack_rows(query.text(2), covers, out.listing.items)) {
            out.damaged.push_back(covers);
            MAIL_DO(read_beside(db, covers, out));
        }
        next = std::uint64_t{covers.last} + 1;
    }
    if (next <= last_uid) {
        MAIL_DO(read_beside(db, {static_cast<Uid>(next), last_uid}, out));
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

Result<PackedListing> read_listing(Database& db, FolderId id, std::size_t items) {
    const Readers::Moment moment(db);
    PackedListing out;
    MAIL_TRY(out.listing.folder, read_folder(db, id));
    const std::size_t count = out.listing.folder.messages;
    out.listing.items.reserve(count);
    if (items == 0 || count < items) {
        MAIL_DO(read_beside(db, {1, last_uid}, out));
        return out;
    }
    MAIL_DO(read_packed(db, out));
    if (out.listing.items.size() == count)
        return out;
    // A pack that is not true, whoever is to blame, must not be what a client sees.
    out.listing.items.clear();
    out.damaged.assign(1, {1, last_uid});
    MAIL_DO(read_beside(db, {1, last_uid}, out));
    return out;
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
        MAIL_DO(read_rows(db, query.integer(0), covers, no_limit, rows));
        if (!good || !std::equal(packed.begin(), packed.end(), rows.begin(), rows.end(), same))
            problems.push_back("the packed listing of folder " + query.string(0) + ", UIDs " + query.string(1) + " to " +
                               query.string(2) + ", is not that of its items");
    }
}

} // namespace mail::store::sqlite
