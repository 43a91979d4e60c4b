// ESEARCH: searching in several mailboxes (RFC 7377), and which mailboxes a scope means (RFC 5465 §6).
#include "maild/imap/search_job.hpp"

#include "common/base/limits.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

using ScopeKind = MailboxScope::Kind;

bool is_below(std::string_view name, std::string_view root, bool one_level) {
    if (name == root)
        return true;
    if (!name.starts_with(root) || name.size() <= root.size() || name[root.size()] != '/')
        return false;
    return !one_level || name.find('/', root.size() + 1) == std::string_view::npos;
}

} // namespace

// Names as this user sees them; what does not exist is no error (RFC 5465 §6.5).
Result<ScopeMatcher> Session::matcher_of(const MailboxScope& scope, const std::vector<std::string>& subscriptions) const {
    ScopeMatcher out;
    out.kind = scope.kind;
    out.owner = account();
    for (const auto& raw : scope.names) {
        MAIL_TRY(const auto name, decode_name(raw));
        MAIL_TRY(auto normal, service::Mailboxes::normalise(name));
        out.names.push_back(std::move(normal));
    }
    if (scope.kind == ScopeKind::subscribed)
        out.names = subscriptions;
    return out;
}

bool ScopeMatcher::matches(const store::Folder& folder) const {
    switch (kind) {
    case ScopeKind::selected:
    case ScopeKind::selected_delayed: return false;
    case ScopeKind::inboxes: return folder.account == owner && folder.name == "INBOX";
    case ScopeKind::personal: return folder.account == owner;
    case ScopeKind::subscribed:
    case ScopeKind::mailboxes: return std::find(names.begin(), names.end(), folder.name) != names.end();
    case ScopeKind::subtree:
    case ScopeKind::subtree_one:
        return std::any_of(names.begin(), names.end(), [&](const auto& root) {
            return is_below(folder.name, root, kind == ScopeKind::subtree_one);
        });
    }
    return false;
}

// The folders that any of the scopes means, each once, by name.
Task<Result<std::vector<store::Folder>>> Session::folders_in(const std::vector<MailboxScope>& scopes) {
    MAIL_CO_TRY(const auto subscriptions, co_await services_.mailboxes.subscriptions(account()));
    std::vector<ScopeMatcher> matchers;
    bool selected = false;
    for (const auto& scope : scopes) {
        selected = selected || scope.is_selected();
        MAIL_CO_TRY(auto matcher, matcher_of(scope, subscriptions));
        matchers.push_back(std::move(matcher));
    }
    MAIL_CO_TRY(auto folders, co_await services_.mailboxes.folders(account()));
    std::erase_if(folders, [&](const store::Folder& folder) {
        if (folder.folder_class != store::FolderClass::mail)
            return true;
        if (selected && selected_ && selected_->folder.id == folder.id)
            return false;
        return std::none_of(matchers.begin(), matchers.end(), [&](const auto& matcher) { return matcher.matches(folder); });
    });
    if (folders.size() > static_cast<std::size_t>(limit::imap_scope_mailboxes))
        co_return fail(ErrorCode::too_large, "these are too many mailboxes at once");
    std::sort(folders.begin(), folders.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    co_return folders;
}

// One mailbox of ESEARCH IN. Those that may not be read are passed over (RFC 7377 §2.2).
Task<Result<void>> Session::search_folder(const Command& command, const SearchArguments& arguments,
                                          const store::Folder& folder) {
    const auto handle = co_await services_.mailboxes.open(account(), folder.id);
    if (!handle)
        co_return handle.error().code == ErrorCode::temporary ? Result<void>(fail(handle.error())) : Result<void>{};
    SearchRun run;
    run.folder = folder.id;
    run.snapshot = (*handle)->current();
    run.tag = command.tag;
    const MailboxView view(run.snapshot);
    MAIL_CO_TRY(run.plan, SearchPlan::prepare(arguments.program, arguments.charset, view, {}, services_.clock.now()));
    MAIL_CO_TRY(const auto found, co_await run_search(run));
    if (found.empty())
        co_return Result<void>{}; // RFC 7377 §2.1: no response for a mailbox without results
    FoundLists lists;
    auto summary = summarize(lists, *run.snapshot, arguments, found, true);
    std::string mailbox;
    append_mailbox(mailbox, folder.name, utf8());
    summary.tag = command.tag;
    summary.mailbox = mailbox;
    summary.uid_validity = run.snapshot->folder().uid_validity;
    append_esearch(out_, summary);
    co_await flush_if_full();
    co_return Result<void>{};
}

Task<Reply> Session::cmd_esearch(const Command& command) {
    const auto& arguments = std::get<SearchArguments>(command.body);
    if (arguments.scopes.empty()) { // RFC 7377 §2.1: then it is UID SEARCH
        if (!selected_)
            co_return Reply::bad("no mailbox is selected");
        co_return co_await search_selected(command, arguments);
    }
    for (const auto& scope : arguments.scopes)
        if (scope.is_selected() && !selected_)
            co_return Reply::bad("no mailbox is selected");
    const bool numbers = std::any_of(arguments.program.keys.begin(), arguments.program.keys.end(),
                                     [](const auto& key) { return key.kind == KeyKind::sequence; });
    // RFC 7377 §2.2: numbers and saved results belong to one mailbox.
    if (numbers || arguments.return_save || arguments.return_update)
        co_return Reply::bad("message numbers, SAVE and UPDATE need the selected mailbox");
    const auto folders = co_await folders_in(arguments.scopes);
    if (!folders)
        co_return search_failed(folders.error());
    if (arguments.program.uses_modseq)
        enable_condstore();
    for (const auto& folder : *folders) {
        const auto done = co_await search_folder(command, arguments, folder);
        if (!done)
            co_return search_failed(done.error());
        if (state_ == State::ended)
            break;
    }
    co_return Reply::ok("ESEARCH completed");
}

} // namespace mail::imap
