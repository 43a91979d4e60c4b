// Flags, copies, expunge and derived data.
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {

StoredItem item_of(const Query& query) {
    StoredItem item;
    item.row.uid = query.as<Uid>(0);
    item.row.flags = query.as<std::uint8_t>(1);
    item.row.keywords = query.string(2);
    item.row.modseq = query.count(3);
    item.row.internal_date = query.time(4);
    item.row.size = query.as<std::uint32_t>(5);
    item.saved = query.time(6);
    item.blob = query.integer(7);
    item.prefix = query.string(8);
    return item;
}

Result<std::vector<StoredItem>> load_items(Database& db, FolderId folder, const UidSet& uids,
                                           std::size_t limit) {
    static const UidSet all{{1, ~Uid{0}}};
    std::vector<StoredItem> items;
    for (const UidRange& range : uids.empty() ? all : uids) {
        Query query(db, "SELECT " MAIL_ITEM_COLUMNS
                        " FROM item WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid");
        query.bind(folder).bind(range.first).bind(range.last);
        for (;;) {
            if (limit != 0 && items.size() == limit)
                return items;
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            items.push_back(item_of(query));
        }
    }
    return items;
}

namespace {
/// System flags alone, added or removed: then one statement does for a whole range what is the same for each of its rows.
bool is_uniform(const FlagChange& asked) {
    return asked.operation != FlagOperation::replace && asked.keywords.empty();
}

Result<void> update_range(WriteContext& context, const Folder& folder, const FlagChange& asked, UidRange uids) {
    const bool add = asked.operation == FlagOperation::add;
    const char* const sql = add ? "UPDATE item SET flags = flags | ?1, modseq = ?2 WHERE folder = ?3 AND uid BETWEEN ?4 AND ?5 "
                                  "AND flags & ?1 <> ?1 AND modseq <= ?6"
                                : "UPDATE item SET flags = flags & ~?1, modseq = ?2 WHERE folder = ?3 AND uid BETWEEN ?4 AND ?5 "
                                  "AND flags & ?1 <> 0 AND modseq <= ?6";
    Query update(context.db, sql);
    update.bind(asked.flags & ~asked.fixed_flags).bind(folder.modseq).bind(folder.id).bind(uids.first).bind(uids.last);
    constexpr auto any = static_cast<ModSeq>(INT64_MAX);
    return update.bind(std::min(asked.unchanged_since.value_or(any), any)).run();
}

Result<void> update_row(WriteContext& context, const Folder& folder, const ItemRow& row) {
    Query update(context.db, "UPDATE item SET flags = ?, keywords = ?, modseq = ? WHERE folder = ? AND uid = ?");
    return update.bind(row.flags).bind(row.keywords).bind(row.modseq).bind(folder.id).bind(row.uid).run();
}

FlagState state_after(const FlagState& before, const FlagChange& asked, bool uniform) {
    if (!uniform)
        return apply_flags(before, asked);
    const int mask = asked.flags & ~asked.fixed_flags;
    const int flags = asked.operation == FlagOperation::add ? before.flags | mask : before.flags & ~mask;
    return {static_cast<std::uint8_t>(flags), before.keywords};
}

/// Changes the rows of `rows`, which are all there are within `uids`.
Result<void> change_range(WriteContext& context, Folder& folder, const FlagChange& asked, std::vector<ItemRow> rows,
                          FlagReceipt& receipt) {
    const bool uniform = is_uniform(asked);
    UidRange changed{0, 0};
    for (ItemRow& row : rows) {
        if (asked.unchanged_since && row.modseq > *asked.unchanged_since) {
            receipt.modified.push_back(row.uid);
            continue;
        }
        const FlagState before{row.flags, row.keywords};
        FlagState after = state_after(before, asked, uniform);
        if (after != before) {
            FolderChange& told = context.change(folder);
            folder.unseen += (before.flags & flag::seen) ? 1 : 0;
            folder.unseen -= (after.flags & flag::seen) ? 1 : 0;
            row.flags = after.flags;
            row.keywords = std::move(after.keywords);
            row.modseq = told.modseq;
            if (!uniform) {
                MAIL_DO(update_row(context, folder, row));
            }
            MAIL_DO(context.packs.drop(context.db, folder.id, {row.uid, row.uid}));
            changed = {changed.first == 0 ? row.uid : changed.first, row.uid};
            told.flagged.push_back(row);
        }
        receipt.changed.push_back(std::move(row));
    }
    if (uniform && changed.first != 0) {
        MAIL_DO(update_range(context, folder, asked, changed));
    }
    return {};
}

} // namespace

Result<FlagReceipt> change_flags(WriteContext& context, const FlagChange& asked, Uid after, std::size_t slice) {
    MAIL_TRY(Folder * folder, context.folder(asked.folder));
    FlagReceipt receipt;
    std::size_t left = slice;
    for (const UidRange& range : asked.uids) {
        if (range.last <= after)
            continue;
        std::vector<ItemRow> rows;
        MAIL_DO(read_rows(context.db, folder->id, {std::max(range.first, after + 1), range.last}, left, rows));
        left -= rows.size();
        MAIL_DO(change_range(context, *folder, asked, std::move(rows), receipt));
        if (left == 0)
            break;
    }
    receipt.modseq = folder->modseq;
    if (context.touched())
        receipt.changes.push_back(folder->modseq);
    return receipt;
}

Result<void> remove_item(WriteContext& context, Folder& folder, const ItemRow& row) {
    FolderChange& told = context.change(folder);
    MAIL_DO(Query(context.db, "DELETE FROM item WHERE folder = ? AND uid = ?")
                .bind(folder.id)
                .bind(row.uid)
                .run());
    MAIL_DO(context.packs.drop(context.db, folder.id, {row.uid, row.uid}));
    context.vanish(folder.id, told.modseq, row.uid);
    context.count(folder, row, false);
    told.expunged.push_back(row.uid);
    return {};
}

Result<CopyReceipt> copy_items(WriteContext& context, FolderId source, const UidSet& uids, FolderId target,
                               bool move, std::uint64_t quota) {
    MAIL_TRY(Folder * from, context.folder(source));
    MAIL_TRY(Folder * to, context.folder(target));
    CopyReceipt receipt{to->uid_validity, {}};
    if (uids.empty())
        return receipt;
    MAIL_TRY(const auto items, load_items(context.db, source, uids, 0));
    std::uint64_t bytes = 0;
    for (const StoredItem& item : items)
        bytes += item.row.size;
    MAIL_TRY(const AccountState* account, context.account(to->account));
    const bool grows = !items.empty() && (!move || from->account != to->account);
    // Nothing leaves a held account: what moves to somebody else stays recoverable.
    MAIL_TRY(const AccountState* owner, context.account(from->account));
    const bool stays = move && from->account != to->account && owner->held_until > context.clock.now();
    if (quota != 0 && grows && account->bytes + bytes > quota)
        return fail(ErrorCode::over_quota, "the mailbox has no room for these messages");
    for (StoredItem item : items) {
        const ItemRow old = item.row;
        item.saved = context.clock.now();
        MAIL_TRY(const Uid uid, insert_item(context, *to, item));
        receipt.pairs.emplace_back(old.uid, uid);
        if (move && !stays) {
            MAIL_DO(remove_item(context, *from, old));
            continue;
        }
        MAIL_DO(context.hold(item.blob));
        if (stays) {
            item.row = old;
            MAIL_DO(recover_item(context, *from, item));
        }
    }
    return receipt;
}

Result<void> recover_item(WriteContext& context, Folder& folder, const StoredItem& item) {
    Query keep(
        context.db,
        "INSERT INTO recoverable (account, expunged, folder, folder_name, uid, flags, keywords, internal_date, "
        "size, saved, blob, prefix) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    keep.bind(folder.account)
        .bind(context.clock.now())
        .bind(folder.id)
        .bind(folder.name)
        .bind(item.row.uid)
        .bind(item.row.flags);
    keep.bind(item.row.keywords)
        .bind(item.row.internal_date)
        .bind(item.row.size)
        .bind(item.saved)
        .bind(item.blob);
    MAIL_DO(keep.blob(item.prefix).run());
    return remove_item(context, folder, item.row);
}

Result<std::vector<Uid>> expunge(WriteContext& context, FolderId id, const UidSet& uids, bool only_deleted,
                                 Uid after, std::size_t slice) {
    MAIL_TRY(Folder * folder, context.folder(id));
    std::vector<StoredItem> going;
    static const UidSet all{{1, ~Uid{0}}};
    for (const UidRange& range : uids.empty() ? all : uids) {
        if (range.last <= after)
            continue;
        Query query(context.db,
                    "SELECT " MAIL_ITEM_COLUMNS " FROM item WHERE folder = ? AND uid BETWEEN ? AND ? "
                    "AND (flags & ?) = ? ORDER BY uid");
        const int wanted = only_deleted ? flag::deleted : 0;
        query.bind(id).bind(std::max(range.first, after + 1)).bind(range.last).bind(wanted).bind(wanted);
        while (going.size() < slice) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            going.push_back(item_of(query));
        }
    }
    std::vector<Uid> gone;
    for (const StoredItem& item : going) {
        MAIL_DO(recover_item(context, *folder, item));
        gone.push_back(item.row.uid);
    }
    return gone;
}

Result<void> insert_derived(WriteContext& context, BlobId blob, const Derived& derived) {
    Query write(context.db, "INSERT INTO derived VALUES (?, ?, ?, ?, ?)");
    write.bind(blob).blob(derived.envelope).blob(derived.body).blob(derived.bodystructure).blob(derived.facts);
    return write.run();
}

Result<void> put_derived(WriteContext& context, const std::vector<Derived>& rows) {
    context.touch();
    for (const Derived& row : rows) {
        // Only for bytes that are still there: the item may have gone meanwhile.
        Query write(context.db, "INSERT OR REPLACE INTO derived SELECT ?1, ?2, ?3, ?4, ?5 "
                                "WHERE EXISTS (SELECT 1 FROM blob WHERE id = ?1)");
        write.bind(row.blob).blob(row.envelope).blob(row.body).blob(row.bodystructure).blob(row.facts);
        MAIL_DO(write.run());
    }
    return {};
}

Result<void> drop_derived(WriteContext& context) {
    context.touch();
    MAIL_DO(Query(context.db, "DELETE FROM folder_pack").run());
    context.packs.forget();
    return Query(context.db, "DELETE FROM derived").run();
}

} // namespace mail::store::sqlite
