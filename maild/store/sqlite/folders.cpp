// Folders, subscriptions, attributes.
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

struct Renamed {
    FolderId id = 0;
    std::string name;
};

/// The folder and everything below it with their new names. Errors: conflict.
Result<std::vector<Renamed>> renamed_tree(WriteContext& context, const Folder& top,
                                          const std::string& new_name) {
    std::vector<Renamed> tree;
    std::vector<std::string> others;
    Query query(context.db, "SELECT id, name FROM folder WHERE account = ? ORDER BY name");
    query.bind(top.account);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            break;
        std::string name = query.string(1);
        if (query.integer(0) == top.id || is_below(name, top.name))
            tree.push_back({query.integer(0), new_name + name.substr(top.name.size())});
        else
            others.push_back(std::move(name));
    }
    std::sort(others.begin(), others.end());
    for (const Renamed& one : tree)
        if (std::binary_search(others.begin(), others.end(), one.name))
            return fail(ErrorCode::conflict, "a folder named " + one.name + " exists");
    return tree;
}

Result<void> rename_inbox(WriteContext& context, Folder& inbox, const std::string& new_name) {
    // RFC 9051 §6.3.6: the items move to the new folder, INBOX stays, its inferiors are not touched.
    MAIL_TRY(const Folder* added,
             context.add_folder(inbox.account, new_name, FolderClass::mail, SpecialUse::none));
    MAIL_TRY(Folder * target, context.folder(added->id));
    context.change(*target).folder_itself = true;
    MAIL_TRY(const auto items, load_items(context.db, inbox.id, {}, 0));
    for (const StoredItem& item : items) {
        MAIL_DO(insert_item(context, *target, item));
        FolderChange& told = context.change(inbox);
        context.count(inbox, item.row, false);
        told.expunged.push_back(item.row.uid);
        context.vanish(inbox.id, told.modseq, item.row.uid);
    }
    MAIL_DO(context.packs.drop(context.db, inbox.id, {1, ~Uid{0}}));
    return Query(context.db, "DELETE FROM item WHERE folder = ?").bind(inbox.id).run();
}

} // namespace

Result<Folder> create_folder(WriteContext& context, AccountId account, const std::string& name,
                             FolderClass folder_class, SpecialUse special_use) {
    MAIL_DO(context.account(account));
    if (auto taken = context.folder_named(account, name))
        return fail(ErrorCode::conflict, "a folder of this name exists");
    else if (taken.error().code != ErrorCode::not_found)
        return fail(std::move(taken).error());
    MAIL_TRY(Folder * made, context.add_folder(account, name, folder_class, special_use));
    context.change(*made).folder_itself = true;
    return *made;
}

Result<void> rename_folder(WriteContext& context, FolderId id, const std::string& new_name) {
    MAIL_TRY(Folder * folder, context.folder(id));
    if (context.folder_named(folder->account, new_name))
        return fail(ErrorCode::conflict, "a folder of this name exists");
    if (folder->special_use == SpecialUse::inbox)
        return rename_inbox(context, *folder, new_name);
    MAIL_TRY(const auto tree, renamed_tree(context, *folder, new_name));
    context.touch();
    // Two steps: a new name may be the old one of a folder that is renamed as well.
    for (const Renamed& one : tree) {
        const std::string parked = "/" + std::to_string(one.id); // no valid name starts with '/'
        MAIL_DO(Query(context.db, "UPDATE folder SET name = ? WHERE id = ?").bind(parked).bind(one.id).run());
    }
    for (const Renamed& one : tree) {
        MAIL_DO(
            Query(context.db, "UPDATE folder SET name = ? WHERE id = ?").bind(one.name).bind(one.id).run());
        MAIL_TRY(Folder * row, context.folder(one.id));
        row->name = one.name;
        context.change(*row).folder_itself = true;
    }
    return {};
}

Result<void> delete_folder(WriteContext& context, FolderId id) {
    MAIL_TRY(Folder * folder, context.folder(id));
    if (folder->special_use == SpecialUse::inbox)
        return fail(ErrorCode::denied, "the INBOX cannot be deleted");
    FolderChange& told = context.change(*folder);
    told.folder_itself = told.folder_deleted = true;
    MAIL_TRY(AccountState * account, context.account(folder->account));
    Query keep(
        context.db,
        "INSERT INTO recoverable (account, expunged, folder, folder_name, uid, flags, keywords, internal_date, "
        "size, saved, blob, prefix) SELECT ?, ?, folder, ?, uid, flags, keywords, internal_date, size, saved, "
        "blob, prefix FROM item WHERE folder = ?");
    MAIL_DO(keep.bind(folder->account).bind(context.clock.now()).bind(folder->name).bind(id).run());
    MAIL_DO(context.packs.drop(context.db, id, {1, ~Uid{0}}));
    MAIL_DO(Query(context.db, "DELETE FROM item WHERE folder = ?").bind(id).run());
    MAIL_DO(Query(context.db, "DELETE FROM vanished WHERE folder = ?").bind(id).run());
    MAIL_DO(Query(context.db, "DELETE FROM folder WHERE id = ?").bind(id).run());
    MAIL_DO(Query(context.db, "DELETE FROM attribute WHERE account = ? AND folder = ?")
                .bind(folder->account)
                .bind(id)
                .run());
    // The account's change number must not fall back when the folder that held the highest one goes.
    Query number(context.db, "UPDATE account SET modseq = max(modseq, ?) WHERE id = ?");
    MAIL_DO(number.bind(folder->modseq).bind(folder->account).run());
    account->items -= folder->messages;
    account->bytes -= folder->bytes;
    context.forget_folder(*folder);
    return {};
}

Result<void> subscribe(WriteContext& context, AccountId account, const std::string& name, bool subscribed) {
    MAIL_DO(context.account(account));
    context.touch();
    const char* const sql = subscribed ? "INSERT OR IGNORE INTO subscription VALUES (?, ?)"
                                       : "DELETE FROM subscription WHERE account = ? AND name = ?";
    MAIL_DO(Query(context.db, sql).bind(account).bind(name).run());
    if (const auto id = context.folder_named(account, name)) {
        MAIL_TRY(Folder * folder, context.folder(*id));
        context.change(*folder).folder_itself = true;
    }
    return {};
}

Result<void> put_attributes(WriteContext& context, AccountId account, FolderId folder,
                            const std::vector<AttributeChange>& changes) {
    if (folder != 0) {
        MAIL_TRY(Folder * row, context.folder(folder));
        if (row->account != account)
            return fail(ErrorCode::not_found, "the folder is not of this account");
        context.touch();
        context.change(*row).attributes = true;
    } else {
        if (account != 0) {
            MAIL_DO(context.account(account));
        }
        context.touch();
        context.tell_attributes(account);
    }
    return write_attributes(context, account, folder, changes);
}

Result<void> write_attributes(WriteContext& context, AccountId account, FolderId folder,
                              const std::vector<AttributeChange>& changes) {
    for (const AttributeChange& one : changes) {
        if (one.value) {
            Query query(context.db, "INSERT INTO attribute VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = "
                                    "excluded.value");
            MAIL_DO(query.bind(account).bind(folder).bind(one.name).bind(*one.value).run());
        } else {
            Query query(context.db, "DELETE FROM attribute WHERE account = ? AND folder = ? AND name = ?");
            MAIL_DO(query.bind(account).bind(folder).bind(one.name).run());
        }
    }
    return {};
}

} // namespace mail::store::sqlite
