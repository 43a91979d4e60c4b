// What comes back and what goes: restored items, expired items, accounts made, removed and connected again.
#include "maild/store/recovery_rules.hpp"
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

struct RecoverableRow {
    FolderId folder = 0;
    std::string folder_name;
    StoredItem item;
};

Result<std::optional<RecoverableRow>> find_recoverable(Database& db, AccountId account, RecoverableId id) {
    Query query(db, "SELECT folder, folder_name, flags, keywords, internal_date, size, blob, prefix FROM recoverable "
                    "WHERE id = ? AND account = ?");
    MAIL_TRY(const bool found, query.bind(id).bind(account).step());
    if (!found)
        return std::optional<RecoverableRow>();
    RecoverableRow row;
    row.folder = query.integer(0);
    row.folder_name = query.string(1);
    row.item.row.flags = query.as<std::uint8_t>(2);
    row.item.row.keywords = query.string(3);
    row.item.row.internal_date = query.time(4);
    row.item.row.size = query.as<std::uint32_t>(5);
    row.item.blob = query.integer(6);
    row.item.prefix = query.string(7);
    return std::optional(std::move(row));
}

/// A folder that is there or made now, with the special use its name stands for unless another folder has it.
Result<Folder*> folder_for(WriteContext& context, AccountId account, const std::string& name) {
    const auto present = context.folder_named(account, name);
    if (present)
        return context.folder(*present);
    if (present.error().code != ErrorCode::not_found)
        return fail(present.error());
    SpecialUse use = default_use(name);
    if (use != SpecialUse::none) {
        Query query(context.db, "SELECT 1 FROM folder WHERE account = ? AND special_use = ?");
        MAIL_TRY(const bool taken, query.bind(account).bind(static_cast<int>(use)).step());
        use = taken ? SpecialUse::none : use;
    }
    MAIL_TRY(Folder * made, context.add_folder(account, name, FolderClass::mail, use));
    context.change(*made).folder_itself = true;
    return made;
}

/// The folder an item was in, whatever it is called now; when it is gone one of the old name.
Result<Folder*> home_of(WriteContext& context, AccountId account, const RecoverableRow& row) {
    if (row.folder != 0) {
        auto same = context.folder(row.folder);
        if (same && (*same)->account == account)
            return *same;
        if (!same && same.error().code != ErrorCode::not_found)
            return fail(same.error());
    }
    for (const std::string& parent : parents_of(row.folder_name)) {
        MAIL_DO(folder_for(context, account, parent));
    }
    return folder_for(context, account, row.folder_name);
}

Result<void> make_account(WriteContext& context, const ResourceWrite& write) {
    MAIL_TRY(const AccountId id, context.next(Counter::account));
    const Time now = context.clock.now();
    const AccountKeeping& keeping = write.keeping;
    Query insert(context.db, "INSERT INTO account (id, kind, name, created, removed, modseq, recoverable_keep, "
                             "recoverable_size, held_since, held_until) VALUES (?, ?, ?, ?, NULL, 1, ?, ?, ?, ?)");
    insert.bind(id).bind(write.kind).bind(write.name).bind(now).bind(keeping.recoverable.count());
    insert.bind(keeping.recoverable_bytes).bind(keeping.held(now) ? to_micros(now) : 0).bind(keeping.held_until);
    MAIL_DO(insert.run());
    for (const DefaultFolder& folder : default_folders()) {
        MAIL_DO(context.add_folder(id, std::string(folder.name), FolderClass::mail, folder.special_use));
        MAIL_DO(Query(context.db, "INSERT INTO subscription VALUES (?, ?)").bind(id).bind(folder.name).run());
    }
    return {};
}

Result<void> update_keeping(WriteContext& context, AccountId account, const AccountKeeping& keeping) {
    const Time now = context.clock.now();
    Query update(context.db,
                 "UPDATE account SET recoverable_keep = ?1, recoverable_size = ?2, held_until = ?3, held_since = CASE "
                 "WHEN ?3 <= ?4 THEN 0 WHEN held_until > ?4 AND held_since <> 0 THEN held_since ELSE ?4 END WHERE id = ?5");
    update.bind(keeping.recoverable.count()).bind(keeping.recoverable_bytes).bind(keeping.held_until);
    MAIL_DO(update.bind(now).bind(account).run());
    context.forget_account(account);
    return {};
}

/// The tombstone becomes the account of `write`: folders, items, rights and UIDVALIDITY are what they were.
Result<void> connect_again(WriteContext& context, const ResourceWrite& write) {
    Query update(context.db, "UPDATE account SET removed = NULL, name = ?, spec = '', apply_set = '' "
                             "WHERE id = ? AND kind = ? AND removed IS NOT NULL AND purging = 0 RETURNING id");
    MAIL_TRY(const bool row, update.bind(write.name).bind(write.reconnect).bind(write.kind).step());
    if (!row)
        return fail(ErrorCode::not_found, "the removed mailbox is gone for good");
    MAIL_DO(update.run());
    return update_keeping(context, write.reconnect, write.keeping);
}

Result<void> remove_account(WriteContext& context, const ResourceWrite& write, AccountId account) {
    // The mail stays until its time has come; the name is free at once.
    Query update(context.db, "UPDATE account SET removed = ?1, (spec, apply_set) = (SELECT spec, apply_set FROM resource "
                             "WHERE kind = ?2 AND name = ?3) WHERE id = ?4");
    MAIL_DO(update.bind(context.clock.now()).bind(write.kind).bind(write.name).bind(account).run());
    context.forget_account(account);
    return {};
}

} // namespace

Result<void> keep_account(WriteContext& context, const ResourceWrite& write) {
    AccountId account = 0;
    {
        Query query(context.db, "SELECT id FROM account WHERE kind = ? AND name = ? AND removed IS NULL");
        MAIL_TRY(const bool row, query.bind(write.kind).bind(write.name).step());
        account = row ? query.integer(0) : 0;
    }
    if (write.action == ResourceWrite::Action::remove)
        return account == 0 ? Result<void>() : remove_account(context, write, account);
    if (write.reconnect != 0) {
        if (account != 0)
            return fail(ErrorCode::conflict, write.kind + " " + write.name + " exists");
        return connect_again(context, write);
    }
    if (!write.has_account)
        return {};
    return account == 0 ? make_account(context, write) : update_keeping(context, account, write.keeping);
}

Result<RestoreReceipt> restore(WriteContext& context, const RestoreRequest& asked) {
    MAIL_TRY(const AccountState* account, context.account(asked.account));
    Folder* chosen = nullptr;
    if (asked.folder != 0) {
        MAIL_TRY(chosen, context.folder(asked.folder));
        if (chosen->account != asked.account)
            return fail(ErrorCode::not_found, "the folder does not exist");
    }
    RestoreReceipt receipt;
    for (const RecoverableId id : asked.ids) {
        MAIL_TRY(auto row, find_recoverable(context.db, asked.account, id));
        if (!row) {
            receipt.missing.push_back(id);
            continue;
        }
        if (asked.quota != 0 && account->bytes + row->item.row.size > asked.quota) {
            receipt.over_quota = true;
            break;
        }
        context.touch();
        MAIL_TRY(Folder * folder, chosen != nullptr ? Result<Folder*>(chosen) : home_of(context, asked.account, *row));
        MAIL_DO(Query(context.db, "DELETE FROM recoverable WHERE id = ?").bind(id).run());
        row->item.row.flags = static_cast<std::uint8_t>(row->item.row.flags & ~flag::deleted);
        row->item.saved = context.clock.now();
        MAIL_TRY(const Uid uid, insert_item(context, *folder, row->item));
        receipt.items.push_back({id, folder->id, folder->name, uid, row->item.row.size});
    }
    return receipt;
}

Result<Expired> expire(WriteContext& context, const Expiry& expiry) {
    MAIL_TRY(Folder * folder, context.folder(expiry.rule.folder));
    MAIL_TRY(const AccountState* account, context.account(folder->account));
    const bool for_good = expiry.for_good && account->held_until <= context.clock.now();
    UidSet uids;
    for (const Uid uid : expiry.uids)
        uids.push_back({uid, uid});
    Expired expired;
    if (uids.empty())
        return expired;
    MAIL_TRY(const auto items, load_items(context.db, folder->id, uids, 0));
    for (const StoredItem& item : items) {
        const Time age = expiry.rule.age == AgeOf::saved ? item.saved : item.row.internal_date;
        if (age >= expiry.rule.before)
            continue;
        if (for_good) {
            MAIL_DO(remove_item(context, *folder, item.row));
            MAIL_DO(context.release(item.blob));
            ++expired.for_good;
        } else {
            MAIL_DO(recover_item(context, *folder, item));
            ++expired.recoverable;
        }
    }
    return expired;
}

} // namespace mail::store::sqlite
