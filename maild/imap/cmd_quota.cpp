// GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for the whole mailbox; its resource is STORAGE in units of 1024
// bytes. Limits are set by administrators alone, so there is no SETQUOTA.
#include "maild/imap/connection.hpp"

#include "maild/imap/proto/response.hpp"

namespace mail::imap {

Task<Result<void>> Session::tell_quota() {
    MAIL_CO_TRY(const auto usage, co_await services_.mailboxes.usage(account()));
    out_ += "* QUOTA \"\" (";
    if (mailbox_->quota != 0) {
        out_ += "STORAGE ";
        append_number(out_, (usage.bytes + 1023) / 1024);
        out_ += ' ';
        append_number(out_, mailbox_->quota / 1024);
    }
    out_ += ")\r\n";
    co_return Result<void>{};
}

Task<Reply> Session::cmd_getquota(const Command& command) {
    if (!std::get<MailboxArguments>(command.body).mailbox.empty())
        co_return Reply::no("no such quota root", "NONEXISTENT");
    const auto told = co_await tell_quota();
    if (!told)
        co_return Reply::no(told.error());
    co_return Reply::ok("GETQUOTA completed");
}

Task<Reply> Session::cmd_getquotaroot(const Command& command) {
    const auto folder = co_await find_folder(std::get<MailboxArguments>(command.body).mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    out_ += "* QUOTAROOT ";
    append_mailbox(out_, folder->name, utf8());
    if (folder->account != account()) { // whose root is not for this user to see
        say("");
        co_return Reply::ok("GETQUOTAROOT completed");
    }
    say(" \"\"");
    const auto told = co_await tell_quota();
    if (!told)
        co_return Reply::no(told.error());
    co_return Reply::ok("GETQUOTAROOT completed");
}

} // namespace mail::imap
