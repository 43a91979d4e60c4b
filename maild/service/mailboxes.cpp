// The verbs of Mailboxes on folders, and who may do what.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address.hpp"
#include "common/mail/encoded.hpp"
#include "maild/service/mailboxes_state.hpp"

namespace mail::service {

namespace {
constexpr std::size_t owner_cache = 100000;

[[nodiscard]] Failure no_folder() { return fail(ErrorCode::not_found, "no such folder"); }
} // namespace

Mailboxes::Mailboxes(store::Store& store, ChangeBus& bus, const Clock& clock)
    : state_(std::make_shared<State>(store, bus, clock)) {
    state_->watching = bus.watch_all([open = state_->open](const store::Changes& changes) { open->note(changes); });
}
Mailboxes::~Mailboxes() { state_->open->clear(); }

ChangeBus& Mailboxes::bus() noexcept { return state_->bus; }

bool Mailboxes::may(store::AccountId who, const store::Folder& folder, Right /*right*/) const {
    return folder.account == who;
}

Task<Result<void>> Mailboxes::authorize(store::AccountId who, store::FolderId folder, Right right) const {
    {
        const std::lock_guard lock(state_->mutex);
        const auto it = state_->owners.find(folder);
        if (it != state_->owners.end() && it->second == who)
            co_return Result<void>{};
    }
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(folder));
    // Someone else's folder looks like one that does not exist, unless the right to look it up is there.
    if (!may(who, row, Right::lookup))
        co_return no_folder();
    if (!may(who, row, right))
        co_return fail(ErrorCode::denied, "no right to do this in " + row.name);
    const std::lock_guard lock(state_->mutex);
    if (state_->owners.size() >= owner_cache)
        state_->owners.clear();
    if (row.account == who)
        state_->owners.emplace(folder, who);
    co_return Result<void>{};
}

Result<std::string> Mailboxes::normalise(std::string_view name) {
    if (!name.empty() && name.back() == '/')
        name.remove_suffix(1); // RFC 9051 §6.3.4: a trailing separator only announces children
    if (name.empty())
        return fail(ErrorCode::invalid, "the folder name is empty");
    if (!text::is_utf8(name))
        return fail(ErrorCode::invalid, "the folder name is not UTF-8");
    for (char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return fail(ErrorCode::invalid, "the folder name contains a control character");
    if (name.find_first_of("*%") != std::string_view::npos)
        return fail(ErrorCode::invalid, "the folder name contains a wildcard");
    std::string out = text::is_ascii(name) ? std::string(name) : to_nfc(name);
    if (out.size() > limit::folder_name_bytes)
        return fail(ErrorCode::invalid, "the folder name is too long");
    const auto levels = text::split(out, '/');
    if (levels.size() > limit::folder_depth)
        return fail(ErrorCode::invalid, "the folder is nested too deeply");
    for (const auto level : levels)
        if (level.empty() || level == "." || level == "..")
            return fail(ErrorCode::invalid, "a level of the folder name is empty or only dots");
    if (text::iequals(levels[0], "INBOX")) // RFC 9051 §5.1: INBOX in any case
        out.replace(0, 5, "INBOX");
    return out;
}

Task<Result<std::vector<store::Folder>>> Mailboxes::folders(store::AccountId who) {
    co_return co_await state_->store.mail().folders(who);
}

Task<Result<store::Folder>> Mailboxes::find(store::AccountId who, std::string name) {
    MAIL_CO_TRY(const auto normal, normalise(name));
    co_return co_await state_->store.mail().find_folder(who, normal);
}

Task<Result<void>> Mailboxes::make_parents(store::AccountId who, std::string name) {
    for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
        const auto made = co_await state_->store.mail().create_folder(who, name.substr(0, at), store::FolderClass::mail,
                                                                      store::SpecialUse::none);
        if (!made && made.error().code != ErrorCode::conflict)
            co_return fail(made.error());
    }
    co_return Result<void>{};
}

Task<Result<store::Folder>> Mailboxes::create(store::AccountId who, std::string name, store::SpecialUse use) {
    MAIL_CO_TRY(auto normal, normalise(name));
    MAIL_CO_TRY(const auto present, co_await folders(who));
    if (present.size() >= limit::folders_per_mailbox)
        co_return fail(ErrorCode::too_large, "the mailbox has too many folders");
    for (const auto& folder : present)
        if (folder.name == normal)
            co_return fail(ErrorCode::conflict, "the folder exists");
    MAIL_CO_DO(co_await make_parents(who, normal));
    co_return co_await state_->store.mail().create_folder(who, std::move(normal), store::FolderClass::mail, use);
}

Task<Result<void>> Mailboxes::rename(store::AccountId who, std::string from, std::string to) {
    MAIL_CO_TRY(const auto old_name, normalise(from));
    MAIL_CO_TRY(auto new_name, normalise(to));
    if (new_name == "INBOX" || new_name.starts_with(old_name + '/'))
        co_return fail(ErrorCode::invalid, "the folder cannot be moved there");
    MAIL_CO_TRY(const auto folder, co_await state_->store.mail().find_folder(who, old_name));
    if (!may(who, folder, Right::remove_folder))
        co_return fail(ErrorCode::denied, "no right to rename " + old_name);
    MAIL_CO_DO(co_await make_parents(who, new_name));
    co_return co_await state_->store.mail().rename_folder(folder.id, std::move(new_name));
}

Task<Result<void>> Mailboxes::remove(store::AccountId who, std::string name) {
    MAIL_CO_TRY(const auto normal, normalise(name));
    if (normal == "INBOX")
        co_return fail(ErrorCode::denied, "INBOX cannot be removed");
    MAIL_CO_TRY(const auto folder, co_await state_->store.mail().find_folder(who, normal));
    if (!may(who, folder, Right::remove_folder))
        co_return fail(ErrorCode::denied, "no right to remove " + normal);
    co_return co_await state_->store.mail().delete_folder(folder.id);
}

Task<Result<void>> Mailboxes::subscribe(store::AccountId who, std::string name, bool subscribed) {
    MAIL_CO_TRY(auto normal, normalise(name));
    co_return co_await state_->store.mail().subscribe(who, std::move(normal), subscribed);
}

Task<Result<std::vector<std::string>>> Mailboxes::subscriptions(store::AccountId who) {
    co_return co_await state_->store.mail().subscriptions(who);
}

Task<Result<store::MailStore::Usage>> Mailboxes::usage(store::AccountId who) {
    co_return co_await state_->store.mail().usage(who);
}

} // namespace mail::service
