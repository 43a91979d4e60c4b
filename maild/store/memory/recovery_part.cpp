// RecoveryStore in memory, and the accounts of resources.
#include "maild/store/memory/state.hpp"
#include "maild/store/ready.hpp"
#include "maild/store/recovery_rules.hpp"

#include <algorithm>

namespace mail::store::memory {
namespace {

class RecoveryPart final : public RecoveryStore {
  public:
    explicit RecoveryPart(State& state) : state_(state) {}

    Task<Result<std::vector<RecoverableItem>>> list(AccountId account, RecoverablePage page) override {
        const std::lock_guard lock(state_.mutex);
        return ready(Result<std::vector<RecoverableItem>>(list_now(account, page)));
    }
    Task<Result<RecoverableUse>> use(AccountId account) override { return ready(use_now(account)); }
    Task<Result<RestoreReceipt>> restore(RestoreRequest request) override { return ready(restore_now(request)); }
    Task<Result<OldItems>> old_items(AgeRule rule, std::size_t limit) override { return ready(old_now(rule, limit)); }
    Task<Result<Expired>> expire(Expiry expiry) override { return ready(expire_now(expiry)); }
    Task<Result<std::vector<RemovedAccount>>> removed(std::string name) override {
        const std::lock_guard lock(state_.mutex);
        return ready(Result<std::vector<RemovedAccount>>(removed_now(name)));
    }

  private:
    RecoverableItem item_of(RecoverableId id, const Recoverable& kept) const;
    std::vector<RecoverableItem> list_now(AccountId account, const RecoverablePage& page) const;
    Result<RecoverableUse> use_now(AccountId account);
    FolderData& folder_for(Transaction& change, AccountId account, const std::string& name);
    FolderData& home_of(Transaction& change, const Recoverable& kept);
    Result<RestoreReceipt> restore_now(const RestoreRequest& asked);
    Result<OldItems> old_now(const AgeRule& rule, std::size_t limit);
    Result<Expired> expire_now(const Expiry& expiry);
    std::vector<RemovedAccount> removed_now(const std::string& name) const;

    State& state_;
};

RecoverableItem RecoveryPart::item_of(RecoverableId id, const Recoverable& kept) const {
    const ItemRow& row = kept.item.row;
    return {id,         kept.folder,   kept.folder_name, row.uid,          row.flags,   row.keywords, row.internal_date,
            kept.item.saved, kept.expunged, row.size,         kept.item.prefix, state_.reference(kept.item.blob)};
}

std::vector<RecoverableItem> RecoveryPart::list_now(AccountId account, const RecoverablePage& page) const {
    std::vector<RecoverableItem> items;
    if (!page.ids.empty()) {
        for (const RecoverableId id : page.ids)
            if (const auto found = state_.recoverable.find(id); found != state_.recoverable.end() && found->second.account == account)
                items.push_back(item_of(id, found->second));
        return items;
    }
    for (const auto& [id, kept] : state_.recoverable) {
        const bool beyond = page.newest_first ? page.beyond == 0 || id < page.beyond : id > page.beyond;
        if (kept.account == account && beyond)
            items.push_back(item_of(id, kept));
    }
    if (page.newest_first)
        std::reverse(items.begin(), items.end());
    items.resize(std::min(items.size(), page.limit));
    return items;
}

Result<RecoverableUse> RecoveryPart::use_now(AccountId account) {
    const std::lock_guard lock(state_.mutex);
    const auto owner = state_.accounts.find(account);
    if (owner == state_.accounts.end())
        return fail(ErrorCode::not_found, "the account does not exist");
    RecoverableUse use;
    use.keeping = owner->second.keeping;
    use.held_since = owner->second.held_since;
    for (const auto& [id, kept] : state_.recoverable) {
        if (kept.account != account)
            continue;
        ++use.items;
        use.bytes += kept.item.row.size;
        if (!use.oldest)
            use.oldest = kept.expunged;
    }
    return use;
}

FolderData& RecoveryPart::folder_for(Transaction& change, AccountId account, const std::string& name) {
    if (const auto found = state_.folder_names.find({account, name}); found != state_.folder_names.end())
        return state_.folders.at(found->second);
    SpecialUse use = default_use(name);
    for (const auto& [id, data] : state_.folders)
        if (data.folder.account == account && data.folder.special_use == use)
            use = SpecialUse::none;
    return state_.make_folder(change, account, name, FolderClass::mail, use);
}

FolderData& RecoveryPart::home_of(Transaction& change, const Recoverable& kept) {
    const auto same = state_.folders.find(kept.folder);
    if (same != state_.folders.end() && same->second.folder.account == kept.account)
        return same->second;
    for (const std::string& parent : parents_of(kept.folder_name))
        folder_for(change, kept.account, parent);
    return folder_for(change, kept.account, kept.folder_name);
}

Result<RestoreReceipt> RecoveryPart::restore_now(const RestoreRequest& asked) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_DO(state_.inbox(asked.account));
    FolderData* chosen = nullptr;
    if (asked.folder != 0) {
        MAIL_TRY(chosen, state_.folder(asked.folder));
        if (chosen->folder.account != asked.account)
            return fail(ErrorCode::not_found, "the folder does not exist");
    }
    Transaction change(state_);
    RestoreReceipt receipt;
    for (const RecoverableId id : asked.ids) {
        const auto found = state_.recoverable.find(id);
        if (found == state_.recoverable.end() || found->second.account != asked.account) {
            receipt.missing.push_back(id);
            continue;
        }
        if (asked.quota != 0 && state_.usage(asked.account).bytes + found->second.item.row.size > asked.quota) {
            receipt.over_quota = true;
            break;
        }
        FolderData& folder = chosen != nullptr ? *chosen : home_of(change, found->second);
        Item item = std::move(found->second.item);
        state_.recoverable.erase(found);
        item.row.flags = static_cast<std::uint8_t>(item.row.flags & ~flag::deleted);
        const BlobId blob = item.blob;
        const Item& back = state_.add_item(change, folder, std::move(item));
        receipt.items.push_back({id, folder.folder.id, folder.folder.name, back.row.uid, back.row.size});
        state_.release(blob); // the reference it had as a recoverable item
    }
    change.commit();
    return receipt;
}

Result<OldItems> RecoveryPart::old_now(const AgeRule& rule, std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    MAIL_TRY(const FolderData* data, state_.folder(rule.folder));
    OldItems old;
    for (const auto& [uid, item] : data->items) {
        const Time age = rule.age == AgeOf::saved ? item.saved : item.row.internal_date;
        if (age >= rule.before)
            continue;
        old.more = old.uids.size() == limit;
        if (old.more)
            break;
        old.uids.push_back(uid);
        old.bytes += item.row.size;
        old.oldest = std::min(old.oldest.value_or(age), age);
    }
    return old;
}

Result<Expired> RecoveryPart::expire_now(const Expiry& expiry) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(expiry.rule.folder));
    MAIL_DO(state_.inbox(data->folder.account));
    const bool for_good = expiry.for_good && !state_.is_held(data->folder.account);
    Transaction change(state_);
    Expired expired;
    for (const Uid uid : expiry.uids) {
        const auto found = data->items.find(uid);
        if (found == data->items.end() ||
            (expiry.rule.age == AgeOf::saved ? found->second.saved : found->second.row.internal_date) >= expiry.rule.before)
            continue;
        Item item = state_.take_item(change, *data, uid);
        if (for_good) {
            state_.release(item.blob);
            ++expired.for_good;
        } else {
            state_.recover_later(data->folder, std::move(item));
            ++expired.recoverable;
        }
    }
    change.commit();
    return expired;
}

std::vector<RemovedAccount> RecoveryPart::removed_now(const std::string& name) const {
    std::vector<RemovedAccount> out;
    for (const auto& [id, account] : state_.accounts) {
        if (!account.removed || (!name.empty() && account.name != name))
            continue;
        const auto use = state_.usage(id);
        out.push_back({id, account.kind, account.name, account.created, *account.removed, account.keeping, account.spec,
                       account.set, use.items, use.bytes, account.purging});
    }
    std::sort(out.begin(), out.end(), [](const RemovedAccount& a, const RemovedAccount& b) {
        return std::pair(a.removed, a.id) > std::pair(b.removed, b.id);
    });
    return out;
}

} // namespace

void State::keep_account(Transaction& change, const ResourceWrite& write) {
    const bool removes = write.action == ResourceWrite::Action::remove;
    const Time now = clock.now();
    AccountId id = write.reconnect;
    for (const auto& [other, account] : accounts)
        if (!account.removed && account.kind == write.kind && account.name == write.name)
            id = other;
    if (removes && id != 0) {
        Account& account = accounts[id];
        account.removed = now;
        const Resource& resource = resources[{write.kind, write.name}];
        account.spec = resource.spec;
        account.set = resource.set;
    }
    if (removes || !write.has_account)
        return;
    const bool is_new = id == 0;
    if (is_new)
        id = ++last_id;
    Account& account = accounts[id];
    const bool was_held = account.keeping.held(now);
    account.removed.reset();
    account.kind = write.kind;
    account.name = write.name;
    account.keeping = write.keeping;
    if (!account.keeping.held(now))
        account.held_since.reset();
    else if (!was_held)
        account.held_since = now;
    if (!is_new)
        return;
    account.created = now;
    for (const DefaultFolder& folder : default_folders()) {
        make_folder(change, id, std::string(folder.name), FolderClass::mail, folder.special_use);
        account.subscriptions.insert(std::string(folder.name));
    }
}

std::unique_ptr<RecoveryStore> make_recovery(State& state) { return std::make_unique<RecoveryPart>(state); }

} // namespace mail::store::memory
