// Which UIDs a folder lost, and when: ranges of one change each, the oldest forgotten beyond a bound. The folder's floor
// says how far back it remembers; whoever asks for more gets every UID that does not exist (RFC 7162 §3.2.5.2).
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

Result<UidSet> missing_in(Database& db, FolderId folder, Uid end) {
    std::vector<Uid> present;
    Query query(db, "SELECT uid FROM item WHERE folder = ? ORDER BY uid");
    query.bind(folder);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return missing_uids(present, end);
        present.push_back(query.as<Uid>(0));
    }
}

UidSet merged(UidSet ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const UidRange& a, const UidRange& b) { return a.first < b.first; });
    UidSet set;
    for (const UidRange& range : ranges) {
        if (!set.empty() && range.first <= set.back().last + 1)
            set.back().last = std::max(set.back().last, range.last);
        else
            set.push_back(range);
    }
    return set;
}

} // namespace

Result<UidSet> read_vanished(Database& db, FolderId id, ModSeq since) {
    const Readers::Moment moment(db);
    {
        Query folder(db, "SELECT vanished_floor, uid_next FROM folder WHERE id = ?");
        MAIL_TRY(const bool known, folder.bind(id).step());
        if (!known)
            return fail(ErrorCode::not_found, "the folder does not exist");
        if (since < folder.count(0))
            return missing_in(db, id, folder.as<Uid>(1));
    }
    UidSet gone;
    Query query(db, "SELECT uid, max(uid, last) FROM vanished WHERE folder = ? AND modseq > ?");
    query.bind(id).bind(since);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return merged(std::move(gone));
        gone.push_back({query.as<Uid>(0), query.as<Uid>(1)});
    }
}

Result<VanishedScan> find_long_memories(Database& db, FolderId after, std::size_t keep, std::size_t most) {
    VanishedScan scan;
    for (std::size_t seen = 0; seen < most; ++seen) {
        Query next(db, "SELECT folder FROM vanished WHERE folder > ? ORDER BY folder LIMIT 1");
        MAIL_TRY(const bool any, next.bind(after).step());
        if (!any)
            return scan;
        after = next.integer(0);
        Query cut(db, "SELECT modseq FROM vanished WHERE folder = ? ORDER BY modseq DESC, uid DESC LIMIT 1 OFFSET ?");
        MAIL_TRY(const bool long_one, cut.bind(after).bind(std::uint64_t{keep}).step());
        if (long_one)
            scan.cuts.push_back({after, cut.count(0)});
    }
    scan.next = after;
    return scan;
}

Result<std::size_t> prune_vanished(WriteContext& context, const std::vector<VanishedCut>& cuts, std::size_t most) {
    std::size_t gone = 0;
    for (const VanishedCut& cut : cuts) {
        if (gone >= most)
            break;
        context.touch();
        // The floor first: what is still there below it is not asked for any more.
        Query floor(context.db, "UPDATE folder SET vanished_floor = max(vanished_floor, ?) WHERE id = ?");
        MAIL_DO(floor.bind(cut.floor).bind(cut.folder).run());
        Query drop(context.db, "DELETE FROM vanished WHERE folder = ?1 AND (modseq, uid) IN (SELECT modseq, uid FROM vanished "
                               "WHERE folder = ?1 AND modseq <= ?2 ORDER BY modseq, uid LIMIT ?3) RETURNING uid");
        drop.bind(cut.folder).bind(cut.floor).bind(std::uint64_t{most - gone});
        for (;;) {
            MAIL_TRY(const bool row, drop.step());
            if (!row)
                break;
            ++gone;
        }
    }
    return gone;
}

} // namespace mail::store::sqlite
