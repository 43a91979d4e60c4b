// LIST with its extensions (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154), LSUB, NAMESPACE.
#include "maild/imap/connection.hpp"

#include "maild/imap/proto/list_pattern.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/imap/special_use.hpp"

#include <algorithm>
#include <map>

namespace mail::imap {

namespace {

struct Entry {
    const store::Folder* folder = nullptr; ///< null: the name exists only as a parent or a subscription
    bool subscribed = false;
    bool has_children = false;
    bool child_subscribed = false;
    bool child_special = false;
};
using Entries = std::map<std::string, Entry, std::less<>>;

// Every folder, every subscription, and the names above them.
Entries entries_of(const std::vector<store::Folder>& folders, const std::vector<std::string>& subscriptions) {
    Entries entries;
    for (const auto& folder : folders)
        if (folder.folder_class == store::FolderClass::mail)
            entries[folder.name].folder = &folder;
    for (const auto& name : subscriptions)
        entries[name].subscribed = true;
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (const auto& [name, entry] : entries)
        names.push_back(name);
    for (const auto& name : names) {
        const auto child = entries[name];
        for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0; slash = name.rfind('/', slash - 1)) {
            auto& parent = entries[name.substr(0, slash)];
            parent.has_children = parent.has_children || child.folder != nullptr;
            parent.child_subscribed = parent.child_subscribed || child.subscribed;
            parent.child_special =
                parent.child_special || (child.folder != nullptr && !special_use_attribute(child.folder->special_use).empty());
        }
    }
    return entries;
}

bool is_special(const Entry& entry) {
    return entry.folder != nullptr && !special_use_attribute(entry.folder->special_use).empty();
}

// RFC 5258 §3: does the entry itself meet the selection options?
bool is_selected(const Entry& entry, const ListArguments& arguments) {
    if (arguments.select_subscribed && !entry.subscribed)
        return false;
    if (arguments.select_special_use && !is_special(entry))
        return false;
    return arguments.select_subscribed || entry.folder != nullptr || entry.has_children;
}

std::string attributes_of(const Entry& entry, const ListArguments& arguments) {
    std::string out;
    const auto add = [&out](std::string_view word) {
        if (!out.empty() && !word.empty())
            out += ' ';
        out += word;
    };
    if (entry.folder == nullptr)
        add(arguments.extended ? "\\NonExistent" : "\\Noselect");
    add(entry.has_children ? "\\HasChildren" : "\\HasNoChildren");
    if (entry.subscribed && (arguments.select_subscribed || arguments.return_subscribed))
        add("\\Subscribed");
    if (entry.folder != nullptr)
        add(special_use_attribute(entry.folder->special_use));
    return out;
}

} // namespace

Task<Reply> Session::cmd_list(const Command& command) {
    const auto& arguments = std::get<ListArguments>(command.body);
    // RFC 9051 §6.3.9: an empty pattern asks for the separator.
    if (!arguments.extended && arguments.patterns.front().empty()) {
        say("* LIST (\\Noselect) \"/\" \"\"");
        co_return Reply::ok("LIST completed");
    }
    const auto reference = decode_name(arguments.reference);
    std::vector<ListPattern> patterns;
    for (const auto& raw : arguments.patterns) {
        const auto pattern = decode_name(raw);
        if (!reference || !pattern)
            co_return Reply::no(reference ? pattern.error() : reference.error());
        patterns.emplace_back(*reference + *pattern);
    }
    const auto folders = co_await services_.mailboxes.folders(account());
    if (!folders)
        co_return Reply::no(folders.error());
    const auto subscriptions = co_await services_.mailboxes.subscriptions(account());
    if (!subscriptions)
        co_return Reply::no(subscriptions.error());
    const bool use_subscriptions = arguments.select_subscribed || arguments.return_subscribed;
    const auto entries = entries_of(*folders, use_subscriptions ? *subscriptions : std::vector<std::string>{});
    for (const auto& [name, entry] : entries) {
        const bool matches = std::any_of(patterns.begin(), patterns.end(), [&name = name](const auto& p) { return p.matches(name); });
        if (!matches)
            continue;
        const bool itself = is_selected(entry, arguments);
        // RFC 5258 §3.5: a parent whose children meet the selection is named with CHILDINFO.
        const bool for_children = arguments.select_recursive &&
                                  ((arguments.select_subscribed && entry.child_subscribed) ||
                                   (arguments.select_special_use && entry.child_special));
        if (!itself && !for_children)
            continue;
        append_list(out_, {.attributes = attributes_of(entry, arguments), .name = name,
                           .child_subscribed = for_children && arguments.select_subscribed}, utf8());
        if (entry.folder != nullptr) {
            const auto done = co_await list_further(*entry.folder, arguments);
            if (!done)
                co_return Reply::no(done.error());
        }
        co_await flush_if_full();
    }
    co_return Reply::ok("LIST completed");
}

// What RETURN asks for beside the LIST response itself.
Task<Result<void>> Session::list_further(const store::Folder& folder, const ListArguments& arguments) {
    if (arguments.return_my_rights) { // RFC 8440 §3
        MAIL_CO_TRY(const auto rights, co_await services_.mailboxes.may(account(), folder, service::Right::lookup));
        append_rights(folder, rights);
    }
    if (!arguments.return_metadata.empty()) {
        MAIL_CO_DO(co_await list_metadata(folder, arguments.return_metadata));
    }
    if (arguments.return_status == 0)
        co_return Result<void>{};
    const auto readable = co_await services_.mailboxes.may(account(), folder, service::Right::read);
    if (!readable && readable.error().code == ErrorCode::denied)
        co_return Result<void>{}; // RFC 5819 §2: no STATUS for what cannot be opened
    co_return co_await append_status_line(folder, arguments.return_status);
}

// RFC 3501 §6.3.9.
Task<Reply> Session::cmd_lsub(const Command& command) {
    const auto& arguments = std::get<ListArguments>(command.body);
    const auto reference = decode_name(arguments.reference);
    const auto raw = decode_name(arguments.patterns.front());
    if (!reference || !raw)
        co_return Reply::no(reference ? raw.error() : reference.error());
    const ListPattern pattern(*reference + *raw);
    const auto subscriptions = co_await services_.mailboxes.subscriptions(account());
    if (!subscriptions)
        co_return Reply::no(subscriptions.error());
    for (const auto& [name, entry] : entries_of({}, *subscriptions)) {
        if (!pattern.matches(name) || (!entry.subscribed && !entry.child_subscribed))
            continue;
        // "foo/bar" is subscribed and "%" asked for: "foo" comes as \Noselect.
        append_list(out_, {.verb = "LSUB", .attributes = entry.subscribed ? "" : "\\Noselect", .name = name}, utf8());
        co_await flush_if_full();
    }
    co_return Reply::ok("LSUB completed");
}

Task<Reply> Session::cmd_namespace(const Command&) {
    // RFC 2342 §5: the own mailbox, those of others, and what is everybody's.
    say(std::string("* NAMESPACE ((\"\" \"/\")) ((\"") + std::string(service::other_users) + "\" \"/\")) ((\"" +
        std::string(service::public_folders) + "\" \"/\"))");
    co_return Reply::ok("NAMESPACE completed");
}

} // namespace mail::imap
