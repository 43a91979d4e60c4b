#include "maild/store/memory/state.hpp"

#include <algorithm>

namespace mail::store::memory {
namespace {

class ResourcePart final : public ResourceStore {
  public:
    explicit ResourcePart(State& state) : state_(state) {}
    Task<Result<std::uint64_t>> revision() override {
        const std::lock_guard lock(state_.mutex);
        co_return state_.revision;
    }
    Result<std::uint64_t> revision_now() override {
        const std::lock_guard lock(state_.mutex);
        return state_.revision;
    }
    Task<Result<Resource>> get(std::string_view kind, std::string_view name) override {
        co_return get_now(kind, name);
    }
    Task<Result<std::vector<Resource>>> list(ResourcePage page) override;
    Task<Result<AddressEntry>> find_address(std::string_view key) override {
        co_return find_address_now(key);
    }
    Task<Result<std::uint64_t>> apply(ResourceBatch batch) override { co_return apply_now(batch); }
    Task<Result<std::vector<HistoryEntry>>> history(std::size_t limit) override;
    Task<Result<std::uint64_t>> record(HistoryEntry entry) override;
    Task<Result<std::string>> applied_hash() override {
        const std::lock_guard lock(state_.mutex);
        co_return state_.applied_hash;
    }
    Result<AddressEntry> find_address_now(std::string_view key) override;
    Result<Resource> get_now(std::string_view kind, std::string_view name) override;
    Result<AccountId> find_account_now(std::string_view key) override {
        const std::lock_guard lock(state_.mutex);
        return state_.account_of(key);
    }

  private:
    Result<std::uint64_t> apply_now(const ResourceBatch& batch);
    Result<void> check(const ResourceBatch& batch) const;
    Result<void> check_reconnect(const ResourceWrite& write) const;
    std::uint64_t add_to_history(HistoryEntry entry);
    void write(Transaction& change, const ResourceWrite& write);

    State& state_;
};

Result<AddressEntry> ResourcePart::find_address_now(std::string_view key) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.addresses.find(std::string(key));
    if (found == state_.addresses.end())
        return fail(ErrorCode::not_found, "no such address");
    return found->second;
}

Result<Resource> ResourcePart::get_now(std::string_view kind, std::string_view name) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.resources.find({std::string(kind), std::string(name)});
    if (found == state_.resources.end())
        return fail(ErrorCode::not_found, std::string(kind) + " " + std::string(name) + " does not exist");
    return found->second;
}

Task<Result<std::vector<Resource>>> ResourcePart::list(ResourcePage page) {
    const std::lock_guard lock(state_.mutex);
    std::vector<Resource> found;
    for (const auto& [key, resource] : state_.resources) {
        if ((!page.kind.empty() && key.first != page.kind) || key.second <= page.after)
            continue;
        if (!page.domain.empty() && !key.second.ends_with("@" + page.domain))
            continue;
        if (!page.set.empty() && resource.set != page.set)
            continue;
        found.push_back(resource);
        if (found.size() == page.limit)
            break;
    }
    co_return found;
}

Failure address_taken(const std::string& address, const ResourceKey& owner) {
    return fail(ErrorCode::conflict,
                "the address " + address + " belongs to " + owner.first + " " + owner.second);
}

Result<void> ResourcePart::check_reconnect(const ResourceWrite& write) const {
    const auto found = state_.accounts.find(write.reconnect);
    if (found == state_.accounts.end() || !found->second.removed || found->second.purging || found->second.kind != write.kind)
        return fail(ErrorCode::not_found, "the removed mailbox is gone for good");
    for (const auto& [id, account] : state_.accounts)
        if (!account.removed && account.kind == write.kind && account.name == write.name)
            return fail(ErrorCode::conflict, write.kind + " " + write.name + " exists");
    return {};
}

/// Nothing is written before the whole batch is known to be possible.
Result<void> ResourcePart::check(const ResourceBatch& batch) const {
    if (batch.base_revision && *batch.base_revision != state_.revision)
        return fail(ErrorCode::stale,
                    "the configuration has changed since revision " + std::to_string(*batch.base_revision),
                    "plan again");
    std::set<ResourceKey> changing;
    std::map<std::string, ResourceKey> taken;
    for (const ResourceWrite& write : batch.writes) {
        const ResourceKey key{write.kind, write.name};
        if (!changing.insert(key).second)
            return fail(ErrorCode::invalid, write.kind + " " + write.name + " is named twice in one change");
        if (write.action == ResourceWrite::Action::remove && !state_.resources.contains(key))
            return fail(ErrorCode::not_found, write.kind + " " + write.name + " does not exist");
        if (write.reconnect != 0) {
            MAIL_DO(check_reconnect(write));
        }
        if (write.action == ResourceWrite::Action::put)
            for (const std::string& address : write.addresses)
                if (const auto [other, fresh] = taken.try_emplace(address, key);
                    !fresh && other->second != key)
                    return address_taken(address, other->second);
    }
    for (const auto& [address, key] : taken)
        if (const auto found = state_.addresses.find(address); found != state_.addresses.end())
            if (const ResourceKey owner{found->second.kind, found->second.name}; !changing.contains(owner))
                return address_taken(address, owner);
    return {};
}

void ResourcePart::write(Transaction& change, const ResourceWrite& write) {
    const ResourceKey key{write.kind, write.name};
    std::erase_if(state_.addresses, [&](const auto& entry) {
        return entry.second.kind == write.kind && entry.second.name == write.name;
    });
    state_.keep_account(change, write);
    change.resources.push_back(write.kind + "/" + write.name);
    if (write.action == ResourceWrite::Action::remove) {
        state_.resources.erase(key);
        return;
    }
    const Time now = state_.clock.now();
    const auto [place, fresh] = state_.resources.try_emplace(key);
    Resource& resource = place->second;
    if (fresh)
        resource.created = now;
    resource = {write.kind, write.name, write.spec, write.set, state_.revision, resource.created, now};
}

Result<std::uint64_t> ResourcePart::apply_now(const ResourceBatch& batch) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_DO(check(batch));
    if (!batch.applied_hash.empty())
        state_.applied_hash = batch.applied_hash;
    if (batch.writes.empty())
        return state_.revision;
    Transaction change(state_);
    change.revision = ++state_.revision;
    for (const ResourceWrite& one : batch.writes)
        write(change, one);
    // Addresses last: one may go from a resource to another within the batch.
    for (const ResourceWrite& one : batch.writes)
        if (one.action == ResourceWrite::Action::put)
            for (const std::string& address : one.addresses)
                state_.addresses[address] = {address, one.kind, one.name};
    add_to_history({0, state_.revision, {}, batch.actor, batch.writes.front().set, batch.summary, batch.operations});
    change.commit();
    return state_.revision;
}

/// Its number. The oldest entries make room.
std::uint64_t ResourcePart::add_to_history(HistoryEntry entry) {
    auto& history = state_.history;
    entry.number = history.empty() ? 1 : history.back().number + 1;
    entry.at = state_.clock.now();
    history.push_back(std::move(entry));
    if (history.size() > static_cast<std::size_t>(limit::history_entries))
        history.erase(history.begin());
    return history.back().number;
}

Task<Result<std::uint64_t>> ResourcePart::record(HistoryEntry entry) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_DO(state_.open());
    entry.revision = 0;
    for (auto it = state_.history.rbegin(); entry.number != 0 && it != state_.history.rend(); ++it)
        if (it->number == entry.number && it->revision == 0) {
            entry.at = state_.clock.now();
            *it = std::move(entry);
            co_return it->number;
        }
    co_return add_to_history(std::move(entry));
}

Task<Result<std::vector<HistoryEntry>>> ResourcePart::history(std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    std::vector<HistoryEntry> newest;
    for (auto it = state_.history.rbegin(); it != state_.history.rend() && newest.size() < limit; ++it)
        newest.push_back(*it);
    co_return newest;
}

} // namespace

std::unique_ptr<ResourceStore> make_resources(State& state) {
    return std::make_unique<ResourcePart>(state);
}

} // namespace mail::store::memory
