// Folders, subscriptions and attributes of the engine in memory.
#include "maild/store/memory/mail_part.hpp"

#include <algorithm>

namespace mail::store::memory {

Task<Result<std::vector<Folder>>> MailPart::folders(AccountId account) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Folder> found;
    for (auto it = state_.folder_names.lower_bound({account, ""});
         it != state_.folder_names.end() && it->first.first == account; ++it)
        found.push_back(state_.folders.at(it->second).folder);
    return ready(Result<std::vector<Folder>>(std::move(found)));
}

Task<Result<Folder>> MailPart::folder(FolderId id) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    co_return data->folder;
}

Task<Result<Folder>> MailPart::find_folder(AccountId account, std::string_view name) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.folder_names.find({account, std::string(name)});
    if (found == state_.folder_names.end())
        co_return fail(ErrorCode::not_found, "the folder does not exist");
    co_return state_.folders.at(found->second).folder;
}

Result<Folder> MailPart::create_now(AccountId account, std::string name, FolderClass folder_class,
                                    SpecialUse special_use) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    const auto owner = state_.accounts.find(account);
    if (owner == state_.accounts.end() || owner->second.removed)
        return fail(ErrorCode::not_found, "the account does not exist");
    if (state_.folder_names.contains({account, name}))
        return fail(ErrorCode::conflict, "a folder of this name exists");
    Transaction change(state_);
    Folder made = state_.make_folder(change, account, std::move(name), folder_class, special_use).folder;
    change.commit();
    return made;
}

Task<Result<Folder>> MailPart::create_folder(AccountId account, std::string name, FolderClass folder_class,
                                             SpecialUse special_use) {
    return ready(create_now(account, std::move(name), folder_class, special_use));
}

void MailPart::empty_inbox_into(Transaction& change, FolderData& inbox, FolderData& target) {
    std::vector<Uid> uids;
    for (const auto& [uid, item] : inbox.items)
        uids.push_back(uid);
    for (const Uid uid : uids) {
        Item item = state_.take_item(change, inbox, uid);
        const BlobId blob = item.blob;
        state_.add_item(change, target, std::move(item));
        state_.release(blob);
    }
}

Result<void> MailPart::rename_now(FolderId id, const std::string& new_name) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(id));
    const AccountId account = data->folder.account;
    if (state_.folder_names.contains({account, new_name}))
        return fail(ErrorCode::conflict, "a folder of this name exists");
    Transaction change(state_);
    const std::string old_name = data->folder.name;
    if (data->folder.special_use == SpecialUse::inbox) {
        // RFC 9051 §6.3.6: the items move, INBOX stays, and its inferiors are not touched.
        FolderData& target =
            state_.make_folder(change, account, new_name, FolderClass::mail, SpecialUse::none);
        empty_inbox_into(change, *data, target);
        change.commit();
        return {};
    }
    std::vector<std::pair<FolderId, std::string>> renamed;
    for (auto it = state_.folder_names.lower_bound({account, old_name});
         it != state_.folder_names.end() && it->first.first == account &&
         it->first.second.starts_with(old_name);
         ++it)
        if (it->second == id || is_below(it->first.second, old_name))
            renamed.emplace_back(it->second, new_name + it->first.second.substr(old_name.size()));
    for (const auto& [folder, name] : renamed)
        if (const auto taken = state_.folder_names.find({account, name}); taken != state_.folder_names.end())
            if (std::none_of(renamed.begin(), renamed.end(),
                             [&](const auto& r) { return r.first == taken->second; }))
                return fail(ErrorCode::conflict, "a folder named " + name + " exists");
    for (const auto& [folder, name] : renamed)
        state_.folder_names.erase({account, state_.folders.at(folder).folder.name});
    for (const auto& [folder, name] : renamed) {
        Folder& row = state_.folders.at(folder).folder;
        row.name = name;
        state_.folder_names[{account, name}] = folder;
        change.change(row).folder_itself = true;
    }
    change.commit();
    return {};
}

Result<void> MailPart::delete_now(FolderId id) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(id));
    if (data->folder.special_use == SpecialUse::inbox)
        return fail(ErrorCode::denied, "the INBOX cannot be deleted");
    Transaction change(state_);
    FolderChange& told = change.change(data->folder);
    told.folder_itself = told.folder_deleted = true;
    for (const auto& [uid, item] : data->items)
        state_.recover_later(data->folder, item);
    state_.folder_names.erase({data->folder.account, data->folder.name});
    state_.attributes.erase({data->folder.account, id});
    state_.folders.erase(id);
    change.commit();
    return {};
}

Task<Result<void>> MailPart::subscribe(AccountId account, std::string name, bool subscribed) {
    const std::lock_guard lock(state_.mutex);
    const auto owner = state_.accounts.find(account);
    if (owner == state_.accounts.end() || owner->second.removed)
        co_return fail(ErrorCode::not_found, "the account does not exist");
    if (subscribed)
        owner->second.subscriptions.insert(name);
    else
        owner->second.subscriptions.erase(name);
    const auto found = state_.folder_names.find({account, name});
    if (found != state_.folder_names.end()) {
        Transaction change(state_);
        change.change(state_.folders.at(found->second).folder).folder_itself = true;
        change.commit();
    }
    co_return Result<void>{};
}

Task<Result<std::vector<std::string>>> MailPart::subscriptions(AccountId account) {
    const std::lock_guard lock(state_.mutex);
    const auto& names = state_.accounts[account].subscriptions;
    return ready(Result<std::vector<std::string>>(std::vector<std::string>(names.begin(), names.end())));
}

Task<Result<std::string>> MailPart::account_name(AccountId account) {
    const std::lock_guard lock(state_.mutex);
    const auto owner = state_.accounts.find(account);
    if (owner == state_.accounts.end() || owner->second.removed)
        co_return fail(ErrorCode::not_found, "the account does not exist");
    co_return owner->second.name;
}

Task<Result<std::vector<Attribute>>> MailPart::attributes(AccountId account, FolderId folder) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Attribute> found;
    if (const auto of = state_.attributes.find({account, folder}); of != state_.attributes.end())
        for (const auto& [name, value] : of->second)
            found.push_back({account, folder, name, value});
    return ready(Result<std::vector<Attribute>>(std::move(found)));
}

Task<Result<std::vector<Attribute>>> MailPart::attributes_named(std::string_view name) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Attribute> found;
    for (const auto& [owner, values] : state_.attributes)
        if (const auto value = values.find(std::string(name)); value != values.end())
            found.push_back({owner.first, owner.second, value->first, value->second});
    return ready(Result<std::vector<Attribute>>(std::move(found)));
}

Result<void> MailPart::put_attributes_now(AccountId account, FolderId folder,
                                          const std::vector<AttributeChange>& changes) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    Transaction change(state_);
    if (folder != 0) {
        MAIL_TRY(FolderData * data, state_.folder(folder));
        if (data->folder.account != account)
            return fail(ErrorCode::not_found, "the folder is not of this account");
        change.change(data->folder).attributes = true;
    } else {
        const auto owner = state_.accounts.find(account);
        if (account != 0 && (owner == state_.accounts.end() || owner->second.removed))
            return fail(ErrorCode::not_found, "the account does not exist");
        change.tell_attributes(account);
    }
    state_.write_attributes(account, folder, changes);
    change.commit();
    return {};
}

} // namespace mail::store::memory
