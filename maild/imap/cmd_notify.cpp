// NOTIFY (RFC 5465): changes of mailboxes other than the selected one are told as STATUS, LIST and METADATA responses, those
// of the selected one as ever, all of them as soon as they happen.
#include "maild/imap/fetch_job.hpp"
#include "maild/imap/notify_job.hpp"

#include "common/base/limits.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/imap/special_use.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::string_view supported_events = "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "
                                              "MailboxMetadataChange ServerMetadataChange)";

// RFC 5465 §5: what STATUS tells of a mailbox that changed.
std::uint16_t status_items(bool condstore) {
    const auto items = static_cast<unsigned>(StatusItem::messages) | static_cast<unsigned>(StatusItem::uid_next) |
                       static_cast<unsigned>(StatusItem::uid_validity) | static_cast<unsigned>(StatusItem::unseen);
    return static_cast<std::uint16_t>(items | (condstore ? static_cast<unsigned>(StatusItem::highest_modseq) : 0U));
}

std::vector<std::string> changed_entries(const service::Mailboxes::Metadata& before, const service::Mailboxes::Metadata& now) {
    std::vector<std::string> out;
    for (const auto& entry : now)
        if (std::find(before.begin(), before.end(), entry) == before.end())
            out.push_back(entry.first);
    for (const auto& entry : before) {
        const bool stays = std::any_of(now.begin(), now.end(), [&](const auto& other) { return other.first == entry.first; });
        if (!stays)
            out.push_back(entry.first);
    }
    return out;
}

} // namespace

bool Session::Notifications::wants(NotifyEvent event) const {
    return std::any_of(rules.begin(), rules.end(), [event](const Rule& rule) { return rule.group.has(event); });
}

const NotifyGroup* Session::group_of(const store::Folder& folder) const {
    for (const auto& rule : notify_->rules)
        if (rule.scope.matches(folder))
            return &rule.group;
    return nullptr;
}

Task<Reply> Session::cmd_notify(const Command& command) {
    const auto& arguments = std::get<NotifyArguments>(command.body);
    for (const auto& group : arguments.groups)
        if (group.unknown_event || group.has(NotifyEvent::annotation_change))
            co_return Reply::no("some of these events are not known here", std::string(supported_events));
    if (arguments.groups.empty()) {
        notify_.reset();
        co_return Reply::ok("NOTIFY completed");
    }
    const auto subscriptions = co_await services_.mailboxes.subscriptions(account());
    if (!subscriptions)
        co_return Reply::no(subscriptions.error());
    auto wanted = std::make_unique<Notifications>();
    for (const auto& group : arguments.groups) {
        if (group.scope.is_selected()) {
            wanted->selected = group;
            continue;
        }
        auto matcher = matcher_of(group.scope, *subscriptions);
        if (!matcher)
            co_return Reply::no(matcher.error());
        wanted->rules.push_back({std::move(*matcher), group});
    }
    notify_ = std::move(wanted); // RFC 5465 §3.1: replaces what was asked before
    const auto noticed = co_await notice_folders(true);
    if (!noticed && noticed.error().code == ErrorCode::too_large) {
        notify_.reset();
        co_return Reply::no("these are too many mailboxes", "NOTIFICATIONOVERFLOW"); // RFC 5465 §5.8
    }
    if (!noticed) {
        notify_.reset();
        co_return Reply::no(noticed.error());
    }
    if (arguments.status) {
        const auto folders = co_await services_.mailboxes.folders(account());
        if (!folders)
            co_return Reply::no(folders.error());
        for (const auto& folder : *folders) {
            const auto* group = group_of(folder);
            const bool is_selected = selected_ && selected_->folder.id == folder.id;
            if (group == nullptr || !group->has(NotifyEvent::message_new) || is_selected || !notify_->known.contains(folder.id))
                continue;
            const auto told = co_await append_status_line(folder, status_items(condstore_));
            if (!told)
                co_return Reply::no(told.error());
        }
    }
    co_return Reply::ok("NOTIFY completed");
}

// Whose changes wake this session: its own, and those of everybody whose folders it may see.
void Session::watch_owners(const std::vector<store::Folder>& folders) {
    std::set<store::AccountId> owners{account()};
    if (notify_->wants(NotifyEvent::server_metadata))
        owners.insert(0);
    for (const auto& folder : folders)
        owners.insert(folder.account);
    for (const auto owner : owners)
        if (!notify_->watches.contains(owner))
            notify_->watches[owner] = services_.mailboxes.bus().watch_account(owner, doorbell_->signal);
}

// Compares the store with what is known; `quiet`: only learns it.
Task<Result<void>> Session::notice_folders(bool quiet) {
    MAIL_CO_TRY(auto folders, co_await services_.mailboxes.folders(account()));
    watch_owners(folders);
    if (quiet) { // what changed before the watch began must not be missed
        MAIL_CO_TRY(folders, co_await services_.mailboxes.folders(account()));
    }
    if (folders.size() > static_cast<std::size_t>(limit::imap_scope_mailboxes) + static_cast<std::size_t>(limit::folders_per_mailbox))
        co_return fail(ErrorCode::too_large, "too many mailboxes");
    MAIL_CO_TRY(auto subscriptions, co_await services_.mailboxes.subscriptions(account()));
    const std::set<std::string> subscribed(subscriptions.begin(), subscriptions.end());
    for (auto& [id, known] : notify_->known)
        known.seen = false;
    for (const auto& folder : folders) {
        if (folder.folder_class != store::FolderClass::mail)
            continue;
        MAIL_CO_DO(co_await notice_folder(folder, subscribed.contains(folder.name), quiet));
    }
    notify_->subscriptions = subscribed;
    notice_gone(folders);
    if (!notify_->wants(NotifyEvent::server_metadata))
        co_return Result<void>{};
    MAIL_CO_TRY(auto metadata, co_await services_.mailboxes.metadata(account(), 0));
    const auto changed = changed_entries(notify_->server_metadata, metadata);
    notify_->server_metadata = std::move(metadata);
    if (!quiet && !changed.empty()) {
        out_ += "* METADATA \"\"";
        for (const auto& name : changed)
            append_all(out_, {" ", name});
        say("");
    }
    co_return Result<void>{};
}

Task<Result<void>> Session::notice_folder(const store::Folder& folder, bool subscribed, bool quiet) {
    const auto* group = group_of(folder);
    if (group == nullptr)
        co_return Result<void>{};
    const bool is_new = !notify_->known.contains(folder.id);
    auto& known = notify_->known[folder.id];
    const auto before = known;
    known.name = folder.name;
    known.uid_next = folder.uid_next;
    known.messages = folder.messages;
    known.modseq = folder.modseq;
    known.seen = true;
    const bool renamed = !is_new && before.name != folder.name;
    const bool was_subscribed = notify_->subscriptions.contains(folder.name);
    const bool name_event = group->has(NotifyEvent::mailbox_name) && (is_new || renamed);
    const bool subscription_event = group->has(NotifyEvent::subscription_change) && subscribed != was_subscribed && !renamed;
    if (!quiet && (name_event || subscription_event)) { // RFC 5465 §5.4, §5.5
        std::string attributes(special_use_attribute(folder.special_use));
        if (subscribed)
            attributes += attributes.empty() ? "\\Subscribed" : " \\Subscribed";
        append_list(out_, {.attributes = attributes, .name = folder.name, .old_name = renamed ? std::string_view(before.name) : std::string_view()}, utf8());
    }
    const bool grown = group->has(NotifyEvent::message_new) && folder.uid_next != before.uid_next;
    const bool shrunk = group->has(NotifyEvent::message_expunge) && folder.messages < before.messages;
    bool metadata_changed = false;
    if (group->has(NotifyEvent::mailbox_metadata))
        metadata_changed = co_await notice_metadata(folder, quiet || is_new);
    // A new name, subscription or metadata counts as a change of the folder too, but not of its messages.
    const bool other_change = renamed || subscribed != was_subscribed || metadata_changed;
    const bool flagged = group->has(NotifyEvent::flag_change) && folder.modseq != before.modseq && !other_change;
    const bool is_selected = selected_ && selected_->folder.id == folder.id;
    if (!quiet && !is_new && !is_selected && (grown || shrunk || flagged)) {
        MAIL_CO_DO(co_await append_status_line(folder, status_items(condstore_)));
    }
    co_return Result<void>{};
}

// RFC 5465 §5.6: the names of the entries that changed, without values.
Task<bool> Session::notice_metadata(const store::Folder& folder, bool quiet) {
    auto metadata = co_await services_.mailboxes.metadata(account(), folder.id);
    if (!metadata)
        co_return false; // gone, or no longer for this user
    auto& known = notify_->known[folder.id].metadata;
    const auto changed = changed_entries(known, *metadata);
    known = std::move(*metadata);
    if (quiet || changed.empty())
        co_return false;
    out_ += "* METADATA ";
    append_mailbox(out_, folder.name, utf8());
    for (const auto& name : changed)
        append_all(out_, {" ", name});
    say("");
    co_return true;
}

// RFC 5465 §5.4: what was deleted, or may no longer be looked up, is \NonExistent.
void Session::notice_gone(const std::vector<store::Folder>& folders) {
    for (auto it = notify_->known.begin(); it != notify_->known.end();) {
        const auto& [id, known] = *it;
        if (known.seen) {
            ++it;
            continue;
        }
        store::Folder gone;
        gone.account = account();
        gone.name = known.name;
        const bool reused = std::any_of(folders.begin(), folders.end(), [&](const auto& folder) { return folder.name == gone.name; });
        const auto* group = group_of(gone);
        if (!reused && group != nullptr && group->has(NotifyEvent::mailbox_name))
            append_list(out_, {.attributes = "\\NonExistent", .name = gone.name}, utf8());
        it = notify_->known.erase(it);
    }
}

Task<void> Session::tell_notifications() {
    const auto told = co_await notice_folders(false);
    if (told || !notify_)
        co_return;
    append_status(out_, "*", "OK", "NOTIFICATIONOVERFLOW", told.error().message); // RFC 5465 §5.8
    notify_.reset();
}

// RFC 5465 §5.2: what was asked of new messages in the selected mailbox.
Task<void> Session::fetch_new(store::Uid after) {
    const auto& items = notify_->selected->fetch;
    if (items.attributes == 0 && items.sections.empty())
        co_return;
    FetchJob job;
    job.items = items;
    for (auto& section : job.items.sections)
        section.peek = true; // nobody has read it yet
    const auto first = selected_->view.snapshot().find(after + 1).position + 1;
    if (first > selected_->view.size())
        co_return;
    job.positions = {{first, selected_->view.size()}};
    if (uid_only_ || !job.items.has(FetchAttribute::uid))
        job.items.add(FetchAttribute::uid);
    const auto done = co_await run_fetch(job);
    static_cast<void>(done); // the client may ask again
}

} // namespace mail::imap
