// Housekeeping in slices: what expunge and removal left behind goes for good when its time has come.
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

Result<std::vector<std::pair<std::int64_t, BlobId>>> expired_items(WriteContext& context, Time before,
                                                                   std::size_t most) {
    std::vector<std::pair<std::int64_t, BlobId>> found;
    // Ids ascend with the time of the expunge, so the first one that is too young ends the walk.
    Query query(context.db, "SELECT id, blob, expunged FROM recoverable ORDER BY id LIMIT ?");
    query.bind(std::uint64_t{most});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row || query.time(2) >= before)
            return found;
        found.emplace_back(query.integer(0), query.integer(1));
    }
}

Result<std::size_t> purge_recoverable(WriteContext& context, Time before, std::size_t most) {
    MAIL_TRY(const auto items, expired_items(context, before, most));
    for (const auto& [id, blob] : items) {
        context.touch();
        MAIL_DO(Query(context.db, "DELETE FROM recoverable WHERE id = ?").bind(id).run());
        MAIL_DO(context.release(blob));
    }
    return items.size();
}

/// The oldest removed account whose mail is still there; 0: none.
Result<FolderId> folder_of_removed(WriteContext& context, Time before) {
    Query query(context.db, "SELECT f.id FROM account AS a JOIN folder AS f ON f.account = a.id "
                            "WHERE a.removed IS NOT NULL AND a.removed < ? LIMIT 1");
    MAIL_TRY(const bool row, query.bind(before).step());
    return row ? query.integer(0) : FolderId{0};
}

Result<std::size_t> purge_removed(WriteContext& context, Time before, std::size_t most) {
    std::size_t purged = 0;
    while (purged < most) {
        MAIL_TRY(const FolderId folder, folder_of_removed(context, before));
        if (folder == 0)
            break;
        context.touch();
        MAIL_TRY(const auto items, load_items(context.db, folder, {}, most - purged));
        for (const StoredItem& item : items) {
            MAIL_DO(Query(context.db, "DELETE FROM item WHERE folder = ? AND uid = ?")
                        .bind(folder)
                        .bind(item.row.uid)
                        .run());
            MAIL_DO(context.release(item.blob));
        }
        purged += items.size();
        if (purged >= most)
            break;
        MAIL_DO(Query(context.db, "DELETE FROM vanished WHERE folder = ?").bind(folder).run());
        MAIL_DO(Query(context.db,
                      "DELETE FROM subscription WHERE account = (SELECT account FROM folder WHERE id = ?)")
                    .bind(folder)
                    .run());
        MAIL_DO(Query(context.db, "DELETE FROM attribute WHERE account = (SELECT account FROM folder WHERE id = ?)")
                    .bind(folder)
                    .run());
        MAIL_DO(Query(context.db, "DELETE FROM folder WHERE id = ?").bind(folder).run());
        ++purged; // an empty folder is work too
    }
    return purged;
}

/// Segments without live bytes whose file is still there. Rows of those whose file has gone are removed.
Result<std::vector<std::uint32_t>> dead_segments(WriteContext& context,
                                                 std::chrono::steady_clock::duration quiet) {
    std::vector<std::uint32_t> empty;
    {
        Query query(context.db,
                    "SELECT id FROM segment WHERE live_blobs = 0 AND id < (SELECT max(id) FROM segment)");
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            empty.push_back(query.as<std::uint32_t>(0));
        }
    }
    std::vector<std::uint32_t> dead;
    for (const std::uint32_t segment : empty) {
        if (context.segments.exists(segment)) {
            if (context.segments.is_sealed(segment, quiet))
                dead.push_back(segment);
            continue;
        }
        context.touch();
        context.forget_segment(segment);
        MAIL_DO(Query(context.db, "DELETE FROM segment WHERE id = ?").bind(segment).run());
    }
    return dead;
}

} // namespace

Result<MaintenanceTurn> maintain(WriteContext& context, const Maintenance& what,
                                 std::chrono::steady_clock::duration quiet) {
    MaintenanceTurn turn;
    Maintained& done = turn.done;
    const std::size_t slice = std::max<std::size_t>(what.slice, 1);
    MAIL_TRY(done.items, purge_recoverable(context, what.recoverable_before, slice));
    MAIL_TRY(const std::size_t removed, purge_removed(context, what.recoverable_before, slice));
    done.items += removed;
    MAIL_TRY(done.stories, purge_stories(context, what, slice));
    MAIL_DO(context.flush());
    MAIL_TRY(turn.dead_segments, dead_segments(context, quiet));
    done.more = done.items >= slice || done.stories == slice;
    return turn;
}

} // namespace mail::store::sqlite
