// Housekeeping in slices: what expunge and removal left behind goes for good when its time has come.
#include "maild/store/recovery_rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

/// An account with recoverable items, or with `items` 0 one that has none any more.
struct RecoverableOwner {
    AccountId account = 0;
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    std::string name;
    AccountKeeping keeping;
};

Result<std::vector<RecoverableOwner>> owners_after(WriteContext& context, AccountId after, std::size_t most) {
    std::vector<RecoverableOwner> owners;
    Query query(context.db, "SELECT u.account, u.items, u.bytes, coalesce(a.name, ''), coalesce(a.recoverable_keep, 0), "
                            "coalesce(a.recoverable_size, 0), coalesce(a.held_until, 0) FROM recoverable_use AS u LEFT JOIN "
                            "account AS a ON a.id = u.account WHERE u.account > ? ORDER BY u.account LIMIT ?");
    query.bind(after).bind(std::uint64_t{most});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return owners;
        owners.push_back({query.integer(0), query.count(1), query.count(2), query.string(3),
                          {Duration{query.integer(4)}, query.count(5), query.time(6)}});
    }
}

/// Of one account, its oldest first, at most `most`: what is too old or beyond the bound on bytes.
Result<std::size_t> purge_owner(WriteContext& context, const RecoverableOwner& owner, const AccountAges& ages, std::size_t most) {
    std::vector<std::pair<RecoverableId, BlobId>> found;
    {
        const std::uint64_t bound = ages.recoverable_bytes;
        std::uint64_t over = bound != 0 && owner.bytes > bound ? owner.bytes - bound : 0;
        // Ids ascend with the time of the expunge, so the first one that may stay ends the walk.
        Query query(context.db, "SELECT id, blob, expunged, size FROM recoverable WHERE account = ? ORDER BY id LIMIT ?");
        query.bind(owner.account).bind(std::uint64_t{most});
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row || (query.time(2) >= ages.recoverable_before && over == 0))
                break;
            over -= std::min(over, query.count(3));
            found.emplace_back(query.integer(0), query.integer(1));
        }
    }
    for (const auto& [id, blob] : found) {
        context.touch();
        MAIL_DO(Query(context.db, "DELETE FROM recoverable WHERE id = ?").bind(id).run());
        MAIL_DO(context.release(blob));
    }
    return found.size();
}

/// At most `slice` items of at most `slice` accounts. A held account costs one row, however much of it is kept.
Result<void> purge_recoverable(WriteContext& context, const Maintenance& what, std::size_t slice, Maintained& done) {
    if (!what.accounts_after)
        return {};
    const Time now = context.clock.now();
    MAIL_TRY(const auto owners, owners_after(context, *what.accounts_after, slice));
    for (const RecoverableOwner& owner : owners) {
        if (owner.items == 0) {
            context.touch();
            MAIL_DO(Query(context.db, "DELETE FROM recoverable_use WHERE account = ?").bind(owner.account).run());
        }
        if (owner.items == 0 || owner.keeping.held(now))
            continue;
        MAIL_TRY(const std::size_t gone,
                 purge_owner(context, owner, ages_of(what, owner.name, owner.keeping, now), slice - done.items));
        done.items += gone;
        if (done.items == slice) {
            done.accounts_after = owner.account - 1; // there may be more of it
            return {};
        }
    }
    if (owners.size() == slice)
        done.accounts_after = owners.back().account;
    return {};
}

struct RemovedOwner {
    AccountId account = 0;
    std::string name;
};

/// The removed account whose time came first; account 0: none.
Result<RemovedOwner> next_removed(WriteContext& context, const Maintenance& what) {
    const Time now = context.clock.now();
    Query query(context.db, "SELECT id, name, removed FROM account WHERE removed IS NOT NULL AND removed < ? "
                            "AND held_until <= ? ORDER BY removed");
    query.bind(latest_removal(what, now)).bind(now);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return RemovedOwner{};
        RemovedOwner owner{query.integer(0), query.string(1)};
        if (query.time(2) < ages_of(what, owner.name, {}, now).removed_before)
            return owner;
    }
}

/// The first folder of an account; 0: it has none.
Result<FolderId> folder_of(WriteContext& context, AccountId account) {
    Query query(context.db, "SELECT id FROM folder WHERE account = ? LIMIT 1");
    MAIL_TRY(const bool row, query.bind(account).step());
    return row ? query.integer(0) : FolderId{0};
}

/// At most `most` items of one folder; an empty folder goes. Returns the items.
Result<std::size_t> purge_folder(WriteContext& context, FolderId folder, std::size_t most) {
    MAIL_TRY(const auto items, load_items(context.db, folder, {}, most));
    if (!items.empty()) {
        MAIL_DO(context.packs.drop(context.db, folder, {items.front().row.uid, items.back().row.uid}));
    }
    for (const StoredItem& item : items) {
        Query gone(context.db, "DELETE FROM item WHERE folder = ? AND uid = ?");
        MAIL_DO(gone.bind(folder).bind(item.row.uid).run());
        MAIL_DO(context.release(item.blob));
    }
    if (items.size() == most)
        return most;
    Folder row;
    row.id = folder;
    context.forget_folder(row);
    MAIL_DO(Query(context.db, "DELETE FROM vanished WHERE folder = ?").bind(folder).run());
    MAIL_DO(Query(context.db, "DELETE FROM folder WHERE id = ?").bind(folder).run());
    return items.size();
}

/// At most `most` items of a removed account. False: there may be more of it.
Result<bool> purge_account(WriteContext& context, AccountId account, std::size_t most, std::size_t& purged) {
    context.touch();
    MAIL_DO(Query(context.db, "UPDATE account SET purging = 1 WHERE id = ? AND purging = 0").bind(account).run());
    while (purged < most) {
        MAIL_TRY(const FolderId folder, folder_of(context, account));
        if (folder == 0)
            break;
        MAIL_TRY(const std::size_t gone, purge_folder(context, folder, most - purged));
        purged += gone;
    }
    if (purged < most) {
        RecoverableOwner owner;
        owner.account = account;
        MAIL_TRY(const std::size_t gone, purge_owner(context, owner, {Time::max(), 0, {}}, most - purged));
        purged += gone;
    }
    if (purged >= most)
        return false;
    MAIL_DO(Query(context.db, "DELETE FROM subscription WHERE account = ?").bind(account).run());
    MAIL_DO(Query(context.db, "DELETE FROM attribute WHERE account = ?").bind(account).run());
    MAIL_DO(Query(context.db, "DELETE FROM recoverable_use WHERE account = ?").bind(account).run());
    MAIL_DO(Query(context.db, "DELETE FROM account WHERE id = ?").bind(account).run());
    context.forget_account(account);
    return true;
}

Result<void> purge_removed(WriteContext& context, const Maintenance& what, std::size_t slice, Maintained& done) {
    for (std::size_t purged = 0; done.accounts.size() < slice;) {
        MAIL_TRY(const RemovedOwner owner, next_removed(context, what));
        if (owner.account == 0)
            return {};
        const std::size_t before = purged;
        MAIL_TRY(const bool whole, purge_account(context, owner.account, slice, purged));
        done.items += purged - before;
        if (!whole)
            break;
        done.accounts.push_back(owner.name);
    }
    done.more = true;
    return {};
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
    MAIL_DO(purge_recoverable(context, what, slice, done));
    MAIL_DO(purge_removed(context, what, slice, done));
    MAIL_TRY(done.stories, purge_stories(context, what, slice));
    MAIL_DO(context.flush());
    MAIL_TRY(turn.dead_segments, dead_segments(context, quiet));
    done.more = done.more || done.accounts_after.has_value() || done.stories == slice;
    return turn;
}

} // namespace mail::store::sqlite
