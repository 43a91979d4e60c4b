// The verbs of Mailboxes on folders, and who may do what.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "maild/service/mailboxes_state.hpp"

namespace mail::service {

Mailboxes::Mailboxes(store::Store& store, ChangeBus& bus, Directory& directory, const Clock& clock)
    : state_(std::make_shared<State>(store, bus, directory, clock)) {
    // Both only need to hear of commits while Mailboxes lives: the token goes with the state.
    auto* state = state_.get();
    state_->watching = bus.watch_all([state](const store::Changes& changes) {
        state->access.note(changes);
        state->open->note(changes);
    });
}
Mailboxes::~Mailboxes() { state_->open->clear(); }

ChangeBus& Mailboxes::bus() noexcept { return state_->bus; }

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

bool Mailboxes::is_reserved(const Place& place) {
    const std::string top = place.name.substr(0, place.name.find('/')) + '/';
    return top == other_users || top == public_folders;
}

Task<Result<std::vector<store::Folder>>> Mailboxes::folders(store::AccountId who) {
    MAIL_CO_TRY(auto out, co_await state_->store.mail().folders(who));
    MAIL_CO_DO(co_await append_shared(who, out));
    co_return out;
}

Task<Result<store::Folder>> Mailboxes::find(store::AccountId who, std::string name) {
    MAIL_CO_TRY(const auto place, co_await locate(who, std::move(name)));
    MAIL_CO_TRY(auto folder, co_await state_->store.mail().find_folder(place.account, place.name));
    MAIL_CO_DO(co_await may(who, folder, Right::lookup));
    folder.name = place.shown_before + folder.name;
    co_return folder;
}

// RFC 4314 §4 CREATE: the right to create in the closest folder above; the new folder is shared as that one is. At the top of
// somebody else's mailbox its INBOX stands for it.
Task<Result<AccessList>> Mailboxes::list_for_child(store::AccountId who, store::AccountId owner, std::string name) const {
    std::optional<store::Folder> above;
    for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0 && !above; slash = name.rfind('/', slash - 1)) {
        auto found = co_await state_->store.mail().find_folder(owner, name.substr(0, slash));
        if (found)
            above = std::move(*found);
        else if (found.error().code != ErrorCode::not_found)
            co_return fail(found.error());
    }
    if (!above && who == owner)
        co_return AccessList();
    if (!above) {
        MAIL_CO_TRY(above, co_await state_->store.mail().find_folder(owner, "INBOX"));
    }
    MAIL_CO_DO(co_await may(who, *above, Right::create));
    MAIL_CO_TRY(const auto list, co_await state_->access.of(above->id));
    co_return *list;
}

Task<Result<store::Folder>> Mailboxes::make_folder(store::AccountId account, std::string name, store::SpecialUse use,
                                                   const AccessList& list) {
    MAIL_CO_TRY(auto folder, co_await state_->store.mail().create_folder(account, std::move(name), store::FolderClass::mail, use));
    if (!list.entries().empty()) {
        MAIL_CO_DO(co_await state_->access.put(account, folder.id, list));
    }
    co_return folder;
}

Task<Result<void>> Mailboxes::make_parents(store::AccountId account, std::string name, const AccessList& list) {
    for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
        const auto made = co_await make_folder(account, name.substr(0, at), store::SpecialUse::none, list);
        if (!made && made.error().code != ErrorCode::conflict)
            co_return fail(made.error());
    }
    co_return Result<void>{};
}

Task<Result<store::Folder>> Mailboxes::create(store::AccountId who, std::string name, store::SpecialUse use) {
    MAIL_CO_TRY(const auto place, co_await locate(who, std::move(name)));
    if (is_reserved(place))
        co_return fail(ErrorCode::denied, "this name is kept for the folders of others");
    if (!place.shown_before.empty() && use != store::SpecialUse::none)
        co_return fail(ErrorCode::denied, "a special use is its owner's choice");
    MAIL_CO_TRY(const auto list, co_await list_for_child(who, place.account, place.name));
    MAIL_CO_TRY(const auto present, co_await state_->store.mail().folders(place.account));
    if (present.size() >= limit::folders_per_mailbox)
        co_return fail(ErrorCode::too_large, "the mailbox has too many folders");
    for (const auto& folder : present)
        if (folder.name == place.name)
            co_return fail(ErrorCode::conflict, "the folder exists");
    MAIL_CO_DO(co_await make_parents(place.account, place.name, list));
    MAIL_CO_TRY(auto folder, co_await make_folder(place.account, place.name, use, list));
    folder.name = place.shown_before + folder.name;
    co_return folder;
}

Task<Result<void>> Mailboxes::rename(store::AccountId who, std::string from, std::string to) {
    MAIL_CO_TRY(const auto source, co_await locate(who, std::move(from)));
    MAIL_CO_TRY(const auto target, co_await locate(who, std::move(to)));
    if (source.account != target.account || is_reserved(target) || target.name == "INBOX" ||
        target.name.starts_with(source.name + '/'))
        co_return fail(ErrorCode::invalid, "the folder cannot be moved there");
    MAIL_CO_TRY(const auto folder, co_await state_->store.mail().find_folder(source.account, source.name));
    MAIL_CO_DO(co_await may(who, folder, Right::remove_folder));
    MAIL_CO_TRY(const auto list, co_await list_for_child(who, target.account, target.name));
    MAIL_CO_DO(co_await make_parents(target.account, target.name, list));
    co_return co_await state_->store.mail().rename_folder(folder.id, target.name);
}

Task<Result<void>> Mailboxes::remove(store::AccountId who, std::string name) {
    MAIL_CO_TRY(const auto place, co_await locate(who, std::move(name)));
    MAIL_CO_TRY(const auto folder, co_await state_->store.mail().find_folder(place.account, place.name));
    MAIL_CO_DO(co_await may(who, folder, Right::remove_folder));
    if (place.name == "INBOX")
        co_return fail(ErrorCode::denied, "INBOX cannot be removed");
    co_return co_await state_->store.mail().delete_folder(folder.id);
}

Task<Result<void>> Mailboxes::subscribe(store::AccountId who, std::string name, bool subscribed) {
    MAIL_CO_TRY(auto normal, normalise(name));
    // A name of the own mailbox may be subscribed before it exists; of others', only what may be looked up.
    if (subscribed && (normal.starts_with(other_users) || normal.starts_with(public_folders))) {
        MAIL_CO_TRY(const auto folder, co_await find(who, normal));
        normal = folder.name;
    }
    co_return co_await state_->store.mail().subscribe(who, std::move(normal), subscribed);
}

Task<Result<std::vector<std::string>>> Mailboxes::subscriptions(store::AccountId who) {
    co_return co_await state_->store.mail().subscriptions(who);
}

Task<Result<store::MailStore::Usage>> Mailboxes::usage(store::AccountId who) {
    co_return co_await state_->store.mail().usage(who);
}

} // namespace mail::service
