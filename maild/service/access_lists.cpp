#include "maild/service/access_lists.hpp"

#include "maild/store/store.hpp"

#include <algorithm>

namespace mail::service {

namespace {

constexpr std::string_view attribute_name = "rights";

AccessList list_in(const std::vector<store::Attribute>& attributes) {
    for (const auto& attribute : attributes)
        if (attribute.name == attribute_name)
            return AccessList::parse(attribute.value);
    return {};
}

} // namespace

void AccessLists::note(const store::Changes& changes) {
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes.folders)
        if (change.folder != 0 && (change.attributes || change.folder_deleted))
            stale_[change.folder] = {change.account, ++changes_};
}

void AccessLists::keep(store::AccountId owner, store::FolderId folder, AccessList list) {
    if (const auto before = lists_.find(folder); before != lists_.end()) {
        for (const auto& entry : before->second.list->entries())
            grants_[entry.account].erase(folder);
        lists_.erase(before);
    }
    if (list.entries().empty())
        return;
    for (const auto& entry : list.entries())
        grants_[entry.account].insert(folder);
    lists_[folder] = {owner, std::make_shared<const AccessList>(std::move(list))};
}

Task<Result<void>> AccessLists::load() {
    MAIL_CO_TRY(const auto rows, co_await store_.attributes_named(attribute_name));
    const std::lock_guard lock(mutex_);
    if (!loaded_) // what changed meanwhile is stale and read again
        for (const auto& row : rows)
            keep(row.account, row.folder, AccessList::parse(row.value));
    loaded_ = true;
    co_return Result<void>{};
}

Task<Result<void>> AccessLists::refresh() {
    bool loaded = false;
    {
        const std::lock_guard lock(mutex_);
        loaded = loaded_;
        if (loaded && stale_.empty())
            co_return Result<void>{};
    }
    if (!loaded) {
        MAIL_CO_DO(co_await load());
    }
    std::vector<std::pair<store::FolderId, Stale>> waiting;
    {
        const std::lock_guard lock(mutex_);
        waiting.assign(stale_.begin(), stale_.end());
    }
    for (const auto& [folder, stale] : waiting) {
        const auto rows = co_await store_.attributes(stale.owner, folder);
        if (!rows && rows.error().code != ErrorCode::not_found)
            co_return fail(rows.error());
        const std::lock_guard lock(mutex_);
        // Whoever read it first, or after a later change, has the better answer.
        const auto at = stale_.find(folder);
        if (at == stale_.end() || at->second.at != stale.at)
            continue;
        keep(stale.owner, folder, rows ? list_in(*rows) : AccessList());
        stale_.erase(at);
    }
    co_return Result<void>{};
}

Task<Result<AccessListPtr>> AccessLists::of(store::FolderId folder) {
    static const auto none = std::make_shared<const AccessList>();
    MAIL_CO_DO(co_await refresh());
    const std::lock_guard lock(mutex_);
    const auto found = lists_.find(folder);
    co_return found == lists_.end() ? AccessListPtr(none) : found->second.list;
}

Task<Result<std::vector<AccessLists::Granted>>> AccessLists::granted(store::AccountId who) {
    MAIL_CO_DO(co_await refresh());
    std::vector<Granted> out;
    const std::lock_guard lock(mutex_);
    for (const auto named : {who, AccessList::anyone}) {
        const auto folders = grants_.find(named);
        if (folders == grants_.end())
            continue;
        for (const auto folder : folders->second) {
            const auto& kept = lists_.at(folder);
            if (kept.owner != who && holds(kept.list->of(who, kept.owner), Right::lookup))
                out.push_back({folder, kept.owner});
        }
    }
    const auto before = [](const Granted& a, const Granted& b) {
        return a.owner != b.owner ? a.owner < b.owner : a.folder < b.folder;
    };
    const auto same = [](const Granted& a, const Granted& b) { return a.folder == b.folder; };
    std::sort(out.begin(), out.end(), before);
    out.erase(std::unique(out.begin(), out.end(), same), out.end());
    co_return out;
}

Task<Result<void>> AccessLists::put(store::AccountId owner, store::FolderId folder, AccessList list) {
    std::vector<store::AttributeChange> changes(1);
    changes[0].name = attribute_name;
    if (!list.entries().empty())
        changes[0].value = list.text();
    co_return co_await store_.put_attributes(owner, folder, std::move(changes));
}

} // namespace mail::service
