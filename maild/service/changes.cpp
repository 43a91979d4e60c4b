#include "maild/service/changes.hpp"

#include <mutex>
#include <unordered_map>
#include <vector>

namespace mail::service {

struct ChangeBus::State {
    std::mutex mutex;
    std::unordered_multimap<store::FolderId, async::Signal*> folders;
    std::unordered_multimap<store::AccountId, async::Signal*> accounts;
    std::vector<std::shared_ptr<std::function<void(const store::Changes&)>>> listeners;
};

namespace {

template <class Map> void erase_one(Map& map, typename Map::key_type key, async::Signal* signal) {
    auto [first, last] = map.equal_range(key);
    for (; first != last; ++first)
        if (first->second == signal) {
            map.erase(first);
            return;
        }
}

} // namespace

ChangeBus::ChangeBus() : state_(std::make_shared<State>()) {}
ChangeBus::~ChangeBus() = default;

ChangeBus::Token ChangeBus::watch_folder(store::FolderId folder, async::Signal& signal) {
    const std::lock_guard lock(state_->mutex);
    state_->folders.emplace(folder, &signal);
    return {&signal, [state = state_, folder](async::Signal* s) {
                const std::lock_guard guard(state->mutex);
                erase_one(state->folders, folder, s);
            }};
}

ChangeBus::Token ChangeBus::watch_account(store::AccountId account, async::Signal& signal) {
    const std::lock_guard lock(state_->mutex);
    state_->accounts.emplace(account, &signal);
    return {&signal, [state = state_, account](async::Signal* s) {
                const std::lock_guard guard(state->mutex);
                erase_one(state->accounts, account, s);
            }};
}

ChangeBus::Token ChangeBus::watch_all(std::function<void(const store::Changes&)> listener) {
    auto kept = std::make_shared<std::function<void(const store::Changes&)>>(std::move(listener));
    const std::lock_guard lock(state_->mutex);
    state_->listeners.push_back(kept);
    return {kept.get(), [state = state_, kept](void*) {
                const std::lock_guard guard(state->mutex);
                std::erase(state->listeners, kept);
            }};
}

void ChangeBus::publish(const store::Changes& changes) {
    // Signals fire under the lock: a token dropped by another thread waits, so its Signal is alive here.
    const std::lock_guard lock(state_->mutex);
    for (const auto& listener : state_->listeners)
        (*listener)(changes);
    for (const auto& change : changes.folders) {
        const auto folder = state_->folders.equal_range(change.folder);
        for (auto it = folder.first; it != folder.second; ++it)
            it->second->fire();
        const auto account = state_->accounts.equal_range(change.account);
        for (auto it = account.first; it != account.second; ++it)
            it->second->fire();
    }
}

} // namespace mail::service
