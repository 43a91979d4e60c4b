// Mailboxes: who may do what, where names lead, and the access lists of folders.
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/service/mailboxes_state.hpp"

namespace mail::service {

namespace {

constexpr std::size_t owner_cache = 100000;
constexpr std::string_view anyone_word = "anyone";

[[nodiscard]] Failure no_folder() { return fail(ErrorCode::not_found, "no such folder"); }

} // namespace

Task<Result<RightSet>> Mailboxes::rights(store::AccountId who, store::AccountId owner, store::FolderId folder) const {
    MAIL_CO_TRY(const auto list, co_await state_->access.of(folder));
    co_return list->of(who, owner);
}

Task<Result<RightSet>> Mailboxes::may(store::AccountId who, const store::Folder& folder, Right right) const {
    MAIL_CO_TRY(const auto held, co_await rights(who, folder.account, folder.id));
    // Someone else's folder looks like one that does not exist, unless the right to look it up is there (RFC 4314 §6).
    if (!holds(held, Right::lookup))
        co_return no_folder();
    if (!holds(held, right))
        co_return fail(ErrorCode::denied, "no right to do this in " + folder.name);
    co_return held;
}

Task<Result<RightSet>> Mailboxes::authorize(store::AccountId who, store::FolderId folder, Right right) const {
    store::Folder known;
    {
        const std::lock_guard lock(state_->mutex);
        if (const auto it = state_->owners.find(folder); it != state_->owners.end()) {
            known.id = folder;
            known.account = it->second;
            known.name = "this folder";
        }
    }
    if (known.id == 0) {
        MAIL_CO_TRY(known, co_await state_->store.mail().folder(folder));
        const std::lock_guard lock(state_->mutex);
        if (state_->owners.size() >= owner_cache)
            state_->owners.clear();
        state_->owners.emplace(folder, known.account);
    }
    co_return co_await may(who, known, right);
}

std::optional<store::AccountId> Mailboxes::public_account(std::string_view address) const {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos)
        return std::nullopt;
    const auto found = state_->directory.find(std::string(public_local_part) + std::string(address.substr(at)));
    if (!found)
        return std::nullopt;
    return (*found)->account;
}

Task<Result<Mailboxes::Place>> Mailboxes::locate(store::AccountId who, std::string name) const {
    MAIL_CO_TRY(auto normal, normalise(name));
    const bool other = normal.starts_with(other_users);
    if (!other && !normal.starts_with(public_folders))
        co_return Place{who, {}, std::move(normal)};
    Place place;
    std::string rest;
    if (other) {
        // The address may hold a slash before its "@", so the level ends at the first one after it.
        const auto at = normal.find('@', other_users.size());
        const auto slash = at == std::string::npos ? at : normal.find('/', at);
        if (slash == std::string::npos)
            co_return no_folder();
        const auto owner = state_->directory.find(text::to_lower(normal.substr(other_users.size(), slash - other_users.size())));
        if (!owner)
            co_return no_folder();
        place.account = (*owner)->account;
        place.shown_before = std::string(other_users) + (*owner)->key + "/";
        rest = normal.substr(slash + 1);
    } else {
        MAIL_CO_TRY(const auto own_name, co_await state_->store.mail().account_name(who));
        const auto owner = public_account(own_name);
        if (!owner)
            co_return no_folder();
        place.account = *owner;
        place.shown_before = public_folders;
        rest = normal.substr(public_folders.size());
    }
    MAIL_CO_TRY(place.name, normalise(rest)); // INBOX in any case there too
    if (place.account == who)
        place.shown_before.clear();
    co_return place;
}

Task<Result<void>> Mailboxes::append_shared(store::AccountId who, std::vector<store::Folder>& out) {
    MAIL_CO_TRY(const auto granted, co_await state_->access.granted(who));
    if (granted.empty())
        co_return Result<void>{};
    MAIL_CO_TRY(const auto own_name, co_await state_->store.mail().account_name(who));
    const auto common = public_account(own_name);
    store::AccountId owner = 0;
    std::string before;
    for (const auto& one : granted) {
        if (one.owner != owner) {
            owner = one.owner;
            const auto name = co_await state_->store.mail().account_name(owner);
            before = !name ? std::string() : common == owner ? std::string(public_folders) : std::string(other_users) + *name + "/";
        }
        auto folder = co_await state_->store.mail().folder(one.folder);
        if (before.empty() || !folder)
            continue; // the mailbox or the folder has just gone
        folder->name = before + folder->name;
        out.push_back(std::move(*folder));
    }
    co_return Result<void>{};
}

Task<Result<std::uint64_t>> Mailboxes::quota_of(store::AccountId owner) const {
    MAIL_CO_TRY(const auto name, co_await state_->store.mail().account_name(owner));
    MAIL_CO_TRY(const auto mailbox, state_->directory.find(name));
    co_return mailbox->quota;
}

Task<Result<std::vector<NamedAccess>>> Mailboxes::access(store::AccountId who, store::FolderId folder) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::administer));
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(folder));
    MAIL_CO_TRY(const auto list, co_await state_->access.of(folder));
    std::vector<NamedAccess> out;
    const auto owner_name = co_await state_->store.mail().account_name(row.account);
    if (owner_name)
        out.push_back({*owner_name, false, list->of(row.account, row.account)});
    for (const auto& entry : list->entries()) {
        if (entry.account == row.account && !entry.negative)
            continue;
        if (entry.account == AccessList::anyone) {
            out.push_back({std::string(anyone_word), entry.negative, entry.rights});
            continue;
        }
        auto name = co_await state_->store.mail().account_name(entry.account);
        if (name) // a removed mailbox has no name, and its entry no effect
            out.push_back({std::move(*name), entry.negative, entry.rights});
    }
    co_return out;
}

Result<store::AccountId> Mailboxes::named_account(const std::string& identifier) const {
    if (text::iequals(identifier, anyone_word))
        return AccessList::anyone;
    const auto mailbox = state_->directory.find(text::to_lower(identifier));
    if (!mailbox)
        return fail(ErrorCode::not_found, "there is no mailbox " + text::escape(identifier, 64));
    return (*mailbox)->account;
}

Task<Result<void>> Mailboxes::change_access(store::AccountId who, store::FolderId folder, std::string identifier,
                                            AccessChange how, RightSet rights) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::administer));
    const bool negative = identifier.starts_with('-'); // RFC 4314 §2
    if (negative)
        identifier.erase(0, 1);
    MAIL_CO_TRY(const auto account, named_account(identifier));
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(folder));
    MAIL_CO_TRY(const auto before, co_await state_->access.of(folder));
    AccessList list = *before;
    const bool is_owner = account == row.account && !negative;
    const RightSet held = is_owner ? list.of(account, account) : list.entry(account, negative);
    const auto wanted = how == AccessChange::add      ? held | rights
                        : how == AccessChange::remove ? held & ~rights
                                                      : rights;
    if (how == AccessChange::forget || (is_owner && wanted == every_right))
        list.remove(account, negative);
    else
        list.set(account, negative, static_cast<RightSet>(is_owner ? wanted | owner_minimum : wanted));
    if (list.entries().size() > static_cast<std::size_t>(limit::rights_entries))
        co_return fail(ErrorCode::too_large, "the folder is shared with too many");
    MAIL_CO_DO(co_await state_->access.put(row.account, folder, std::move(list)));
    log(Event::rights_changed, {{"account", row.account}, {"folder", row.name}, {"by", who},
                                {"identifier", (negative ? "-" : "") + identifier},
                                {"rights", how == AccessChange::forget ? std::string() : rights_text(static_cast<RightSet>(wanted))}});
    co_return Result<void>{};
}

} // namespace mail::service
