// Housekeeping of the engine in memory: what goes for good.
#include "maild/store/memory/state.hpp"
#include "maild/store/recovery_rules.hpp"

namespace mail::store::memory {

void State::purge_recoverable(const Maintenance& what, Maintained& done) {
    if (!what.accounts_after)
        return;
    const Time now = clock.now();
    std::map<AccountId, std::uint64_t> bytes_of;
    for (const auto& [id, kept] : recoverable)
        if (kept.account > *what.accounts_after)
            bytes_of[kept.account] += kept.item.row.size;
    for (auto& [owner, bytes] : bytes_of) {
        if (is_held(owner))
            continue;
        const Account& account = accounts[owner];
        const AccountAges ages = ages_of(what, account.name, account.keeping, now);
        for (auto at = recoverable.begin(); at != recoverable.end();) {
            const bool over = ages.recoverable_bytes != 0 && bytes > ages.recoverable_bytes;
            if (at->second.account != owner || (at->second.expunged >= ages.recoverable_before && !over)) {
                ++at;
                continue;
            }
            bytes -= at->second.item.row.size;
            release(at->second.item.blob);
            at = recoverable.erase(at);
            if (++done.items == what.slice) {
                done.accounts_after = owner - 1;
                return;
            }
        }
    }
}

namespace {

/// Takes one item of a removed account; false: it has none.
bool purge_one(State& state, AccountId account) {
    for (auto& [id, data] : state.folders) {
        if (data.folder.account != account || data.items.empty())
            continue;
        state.release(data.items.begin()->second.blob);
        data.items.erase(data.items.begin());
        return true;
    }
    for (auto at = state.recoverable.begin(); at != state.recoverable.end(); ++at)
        if (at->second.account == account) {
            state.release(at->second.item.blob);
            state.recoverable.erase(at);
            return true;
        }
    return false;
}

void forget(State& state, AccountId account) {
    std::erase_if(state.folders, [&](const auto& entry) { return entry.second.folder.account == account; });
    std::erase_if(state.folder_names, [&](const auto& entry) { return entry.first.first == account; });
    std::erase_if(state.attributes, [&](const auto& entry) { return entry.first.first == account; });
    state.accounts.erase(account);
}

} // namespace

void State::purge_removed(const Maintenance& what, Maintained& done) {
    const Time now = clock.now();
    std::vector<AccountId> due;
    for (const auto& [id, account] : accounts)
        if (account.removed && *account.removed < ages_of(what, account.name, {}, now).removed_before && !is_held(id))
            due.push_back(id);
    std::size_t purged = 0;
    for (const AccountId id : due) {
        accounts[id].purging = true;
        while (purge_one(*this, id)) {
            ++done.items;
            if (++purged == what.slice) {
                done.more = true;
                return;
            }
        }
        done.accounts.push_back(accounts[id].name);
        forget(*this, id);
    }
}

} // namespace mail::store::memory
