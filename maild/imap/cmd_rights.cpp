// Rights: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314). Identifiers are the addresses of mailboxes, and "anyone".
#include "maild/imap/connection.hpp"

#include "common/base/text.hpp"
#include "maild/imap/proto/response.hpp"

namespace mail::imap {

namespace {

using service::AccessChange;

// "+lr", "-w" or all of the new rights.
struct WantedRights {
    AccessChange how = AccessChange::replace;
    service::RightSet rights = 0;
};
Result<WantedRights> wanted_rights(std::string_view text) {
    WantedRights out;
    if (text.starts_with('+') || text.starts_with('-')) {
        out.how = text.front() == '+' ? AccessChange::add : AccessChange::remove;
        text.remove_prefix(1);
    }
    const auto rights = service::parse_rights(text);
    if (!rights) // RFC 4314 §3.1
        return fail(ErrorCode::invalid, "the rights are letters of lrswipkxteacd");
    out.rights = *rights;
    return out;
}

} // namespace

void Session::append_rights(const store::Folder& folder, service::RightSet rights) {
    out_ += "* MYRIGHTS ";
    append_mailbox(out_, folder.name, utf8());
    append_all(out_, {" ", service::rights_text(rights), "\r\n"});
}

Task<Reply> Session::cmd_myrights(const Command& command) {
    const auto folder = co_await find_folder(std::get<RightsArguments>(command.body).mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto rights = co_await services_.mailboxes.may(account(), *folder, service::Right::lookup);
    if (!rights)
        co_return Reply::no(rights.error());
    append_rights(*folder, *rights);
    co_return Reply::ok("MYRIGHTS completed");
}

Task<Reply> Session::cmd_getacl(const Command& command) {
    const auto folder = co_await find_folder(std::get<RightsArguments>(command.body).mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto entries = co_await services_.mailboxes.access(account(), folder->id);
    if (!entries)
        co_return Reply::no(entries.error());
    out_ += "* ACL ";
    append_mailbox(out_, folder->name, utf8());
    for (const auto& entry : *entries) {
        out_ += ' ';
        append_astring(out_, (entry.negative ? "-" : "") + entry.identifier, utf8());
        out_ += ' ';
        append_astring(out_, service::rights_text(entry.rights));
    }
    say("");
    co_return Reply::ok("GETACL completed");
}

Task<Reply> Session::cmd_setacl(const Command& command) {
    const auto& arguments = std::get<RightsArguments>(command.body);
    WantedRights wanted{.how = AccessChange::forget};
    if (command.verb == Verb::setacl) {
        const auto parsed = wanted_rights(arguments.rights);
        if (!parsed)
            co_return Reply::bad(parsed.error().message);
        wanted = *parsed;
    }
    const auto folder = co_await find_folder(arguments.mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto done = co_await services_.mailboxes.change_access(account(), folder->id, arguments.identifier, wanted.how,
                                                                 wanted.rights);
    if (!done)
        co_return Reply::no(done.error());
    co_return Reply::ok("completed");
}

// RFC 4314 §3.7: what the identifier always has, then what may be given or taken one by one.
Task<Reply> Session::cmd_listrights(const Command& command) {
    const auto& arguments = std::get<RightsArguments>(command.body);
    const auto folder = co_await find_folder(arguments.mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto allowed = co_await services_.mailboxes.may(account(), *folder, service::Right::administer);
    if (!allowed)
        co_return Reply::no(allowed.error());
    const bool negative = arguments.identifier.starts_with('-');
    const auto named = services_.mailboxes.named_account(arguments.identifier.substr(negative ? 1 : 0));
    if (!named)
        co_return Reply::no(named.error());
    out_ += "* LISTRIGHTS ";
    append_mailbox(out_, folder->name, utf8());
    out_ += ' ';
    append_astring(out_, arguments.identifier, utf8());
    const bool owner = *named == folder->account && !negative;
    say(owner ? " la r s w i p k x t e c d" : " \"\" l r s w i p k x t e c d a");
    co_return Reply::ok("LISTRIGHTS completed");
}

} // namespace mail::imap
