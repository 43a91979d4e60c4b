#include "common/base/text.hpp"
#include "maild/store/memory/state.hpp"

#include <algorithm>
#include <atomic>

namespace mail::store::memory {
namespace {

class MemorySpool final : public Spool {
  public:
    explicit MemorySpool(State& state) : state_(state) {}
    Task<Result<void>> append(std::string_view bytes) override {
        bytes_.append(bytes);
        co_return Result<void>{};
    }
    Result<SpooledBytes> finish() override {
        const std::lock_guard lock(state_.mutex);
        MAIL_DO(state_.open());
        const std::uint64_t number = ++state_.last_spool;
        const std::uint64_t length = bytes_.size();
        state_.spooled[number] = std::make_shared<const std::string>(std::move(bytes_));
        bytes_.clear();
        return SpooledBytes{0, number, length, 0};
    }

  private:
    State& state_;
    std::string bytes_;
};

class MailPart final : public MailStore {
  public:
    explicit MailPart(State& state) : state_(state) {}

    Task<Result<AccountId>> find_account(std::string_view key) override {
        const std::lock_guard lock(state_.mutex);
        co_return state_.account_of(key);
    }
    Task<Result<Usage>> usage(AccountId account) override {
        const std::lock_guard lock(state_.mutex);
        co_return state_.usage(account);
    }
    Task<Result<std::vector<Folder>>> folders(AccountId account) override;
    Task<Result<Folder>> folder(FolderId id) override;
    Task<Result<Folder>> find_folder(AccountId account, std::string_view name) override;
    Task<Result<Folder>> create_folder(AccountId account, std::string name, FolderClass folder_class,
                                       SpecialUse special_use) override;
    Task<Result<void>> rename_folder(FolderId id, std::string new_name) override {
        co_return rename_now(id, new_name);
    }
    Task<Result<void>> delete_folder(FolderId id) override { co_return delete_now(id); }
    Task<Result<void>> subscribe(AccountId account, std::string name, bool subscribed) override;
    Task<Result<std::vector<std::string>>> subscriptions(AccountId account) override;
    Task<Result<std::string>> account_name(AccountId account) override;
    Task<Result<std::vector<Attribute>>> attributes(AccountId account, FolderId folder) override;
    Task<Result<std::vector<Attribute>>> attributes_named(std::string_view name) override;
    Task<Result<void>> put_attributes(AccountId account, FolderId folder,
                                      std::vector<AttributeChange> changes) override {
        co_return put_attributes_now(account, folder, changes);
    }
    Result<std::unique_ptr<Spool>> spool(std::uint64_t) override {
        return std::make_unique<MemorySpool>(state_);
    }
    Task<Result<AcceptReceipt>> accept(AcceptPlan plan) override;
    Task<Result<std::vector<Placed>>> append(std::vector<AcceptPlan> plans) override {
        co_return append_now(plans);
    }
    Task<Result<Listing>> list(FolderId id) override;
    Task<Result<std::vector<ItemBody>>> bodies(FolderId id, const UidSet& uids, std::size_t limit) override;
    Task<Result<std::string>> read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) override;
    Task<Result<FlagReceipt>> change_flags(FlagChange change) override { co_return flags_now(change); }
    Task<Result<CopyReceipt>> copy(FolderId source, UidSet uids, FolderId target, bool move,
                                   std::uint64_t target_quota) override {
        co_return copy_now(source, uids, target, move, target_quota);
    }
    Task<Result<std::vector<Uid>>> expunge(FolderId id, UidSet uids, bool only_deleted) override {
        co_return expunge_now(id, uids, only_deleted);
    }
    Task<Result<std::vector<Vanished>>> vanished(FolderId id, ModSeq since) override;
    Task<Result<std::vector<DerivedRow>>> derived(FolderId id, const UidSet& uids,
                                                  std::size_t limit) override;
    Task<Result<void>> put_derived(std::vector<Derived> rows) override;
    Task<Result<void>> drop_derived() override;

  private:
    Result<Folder> create_now(AccountId account, std::string name, FolderClass folder_class,
                              SpecialUse special_use);
    Result<void> rename_now(FolderId id, const std::string& new_name);
    void empty_inbox_into(Transaction& change, FolderData& inbox, FolderData& target);
    Result<void> delete_now(FolderId id);
    Result<void> put_attributes_now(AccountId account, FolderId folder, const std::vector<AttributeChange>& changes);
    Result<std::vector<Placed>> append_now(const std::vector<AcceptPlan>& plans);
    Result<FlagReceipt> flags_now(const FlagChange& change);
    Result<CopyReceipt> copy_now(FolderId source, const UidSet& uids, FolderId target, bool move,
                                 std::uint64_t quota);
    Result<std::vector<Uid>> expunge_now(FolderId id, const UidSet& uids, bool only_deleted);

    State& state_;
};

Task<Result<std::vector<Folder>>> MailPart::folders(AccountId account) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Folder> found;
    for (auto it = state_.folder_names.lower_bound({account, ""});
         it != state_.folder_names.end() && it->first.first == account; ++it)
        found.push_back(state_.folders.at(it->second).folder);
    co_return found;
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
    co_return create_now(account, std::move(name), folder_class, special_use);
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
        state_.recover_later(data->folder.account, item);
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
    co_return std::vector<std::string>(names.begin(), names.end());
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
    co_return found;
}

Task<Result<std::vector<Attribute>>> MailPart::attributes_named(std::string_view name) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Attribute> found;
    for (const auto& [owner, values] : state_.attributes)
        if (const auto value = values.find(std::string(name)); value != values.end())
            found.push_back({owner.first, owner.second, value->first, value->second});
    co_return found;
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
    auto& values = state_.attributes[{account, folder}];
    for (const AttributeChange& one : changes) {
        if (one.value)
            values[one.name] = *one.value;
        else
            values.erase(one.name);
    }
    change.commit();
    return {};
}

Task<Result<AcceptReceipt>> MailPart::accept(AcceptPlan plan) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_DO(state_.open());
    Transaction change(state_);
    MAIL_CO_TRY(auto receipt, state_.accept(change, plan));
    change.commit();
    co_return receipt;
}

Result<std::vector<Placed>> MailPart::append_now(const std::vector<AcceptPlan>& plans) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    std::map<AccountId, std::uint64_t> added;
    for (const AcceptPlan& plan : plans)
        for (const LocalCopy& copy : plan.local) {
            // The bytes of the plans before count as well: all of them come or none.
            MAIL_TRY(const FolderData* target,
                     state_.target_of(copy, plan.content.size() + added[copy.account]));
            added[target->folder.account] += plan.content.size() + copy.prefix.size();
        }
    std::vector<Placed> placed;
    Transaction change(state_);
    for (const AcceptPlan& plan : plans) {
        MAIL_TRY(auto receipt, state_.accept(change, plan));
        for (auto& one : receipt.local) {
            MAIL_TRY(auto where, std::move(one));
            placed.push_back(where);
        }
    }
    change.commit();
    return placed;
}

Task<Result<MailStore::Listing>> MailPart::list(FolderId id) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    Listing listing{data->folder, {}};
    for (const auto& [uid, item] : data->items)
        listing.items.push_back(item.row);
    co_return listing;
}

Task<Result<std::vector<ItemBody>>> MailPart::bodies(FolderId id, const UidSet& uids, std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<ItemBody> found;
    for (const UidRange& range : uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last && found.size() < limit; ++it) {
            const Item& item = it->second;
            found.push_back({it->first, state_.blobs.at(item.blob).message, item.prefix,
                             state_.reference(item.blob), item.saved});
        }
    co_return found;
}

Task<Result<std::string>> MailPart::read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.blobs.find(blob.id);
    if (found == state_.blobs.end())
        co_return fail(ErrorCode::not_found, "the bytes are gone");
    const std::string& bytes = *found->second.bytes;
    co_return offset >= bytes.size() ? std::string() : bytes.substr(offset, length);
}

Result<FlagReceipt> MailPart::flags_now(const FlagChange& asked) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(asked.folder));
    Transaction change(state_);
    FlagReceipt receipt;
    for (const UidRange& range : asked.uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last; ++it) {
            ItemRow& row = it->second.row;
            if (asked.unchanged_since && row.modseq > *asked.unchanged_since) {
                receipt.modified.push_back(row.uid);
                continue;
            }
            const FlagState before{row.flags, row.keywords};
            const FlagState after = apply_flags(before, asked);
            if (after != before) {
                data->folder.unseen += (before.flags & flag::seen) ? 1 : 0;
                data->folder.unseen -= (after.flags & flag::seen) ? 1 : 0;
                row.flags = after.flags;
                row.keywords = after.keywords;
                row.modseq = change.modseq(data->folder.account);
                change.change(data->folder).flagged.push_back(row);
            }
            receipt.changed.push_back(row);
        }
    receipt.modseq = data->folder.modseq;
    change.commit();
    return receipt;
}

Result<CopyReceipt> MailPart::copy_now(FolderId source, const UidSet& uids, FolderId target, bool move,
                                       std::uint64_t quota) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * from, state_.folder(source));
    MAIL_TRY(FolderData * to, state_.folder(target));
    std::vector<Item> items;
    std::uint64_t bytes = 0;
    for (const auto& [uid, item] : from->items)
        if (contains(uids, uid)) {
            items.push_back(item);
            bytes += item.row.size;
        }
    const bool grows = !move || from->folder.account != to->folder.account;
    if (quota != 0 && grows && !items.empty() && state_.usage(to->folder.account).bytes + bytes > quota)
        return fail(ErrorCode::over_quota, "the mailbox has no room for these messages");
    Transaction change(state_);
    CopyReceipt receipt{to->folder.uid_validity, {}};
    for (Item& item : items) {
        const Uid uid = item.row.uid;
        const BlobId blob = item.blob;
        receipt.pairs.emplace_back(uid, state_.add_item(change, *to, std::move(item)).row.uid);
        if (move) {
            state_.take_item(change, *from, uid);
            state_.release(blob);
        }
    }
    change.commit();
    return receipt;
}

Result<std::vector<Uid>> MailPart::expunge_now(FolderId id, const UidSet& uids, bool only_deleted) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(id));
    std::vector<Uid> gone;
    for (const auto& [uid, item] : data->items)
        if ((uids.empty() || contains(uids, uid)) && (!only_deleted || (item.row.flags & flag::deleted)))
            gone.push_back(uid);
    Transaction change(state_);
    for (const Uid uid : gone)
        state_.recover_later(data->folder.account, state_.take_item(change, *data, uid));
    change.commit();
    return gone;
}

Task<Result<std::vector<Vanished>>> MailPart::vanished(FolderId id, ModSeq since) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<Vanished> found;
    for (const auto& [uid, modseq] : data->vanished)
        if (modseq > since)
            found.push_back({uid, modseq});
    co_return found;
}

Task<Result<std::vector<MailStore::DerivedRow>>> MailPart::derived(FolderId id, const UidSet& uids,
                                                                   std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<DerivedRow> found;
    for (const UidRange& range : uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last && found.size() < limit; ++it)
            found.push_back({it->first, state_.blobs.at(it->second.blob).derived.value_or(Derived{})});
    co_return found;
}

Task<Result<void>> MailPart::put_derived(std::vector<Derived> rows) {
    const std::lock_guard lock(state_.mutex);
    for (Derived& row : rows)
        if (const auto blob = state_.blobs.find(row.blob); blob != state_.blobs.end())
            blob->second.derived = std::move(row);
    co_return Result<void>{};
}

Task<Result<void>> MailPart::drop_derived() {
    const std::lock_guard lock(state_.mutex);
    for (auto& [id, blob] : state_.blobs)
        blob.derived.reset();
    co_return Result<void>{};
}

} // namespace

std::unique_ptr<MailStore> make_mail(State& state) {
    return std::make_unique<MailPart>(state);
}

} // namespace mail::store::memory
