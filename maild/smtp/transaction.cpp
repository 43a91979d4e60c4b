#include "maild/smtp/transaction.hpp"

namespace mail::smtp {

std::optional<Reply> Transaction::begin(const Mail& mail, const SenderFacts& facts) {
    if (facts.profile.is_submission() && !facts.signed_in && !facts.relays) {
        // RFC 4954 §6, RFC 6409 §4.3
        const bool wants_tls = !facts.tls && !facts.profile.plaintext_auth;
        return Reply(530, "5.7.0", wants_tls ? "Authentication required; use STARTTLS first" : "Authentication required");
    }
    // RFC 1870 §6.1: refused before a byte of it is sent.
    if (mail.parameters.size && *mail.parameters.size > facts.max_size)
        return Reply(552, "5.3.4", "Message too large; at most " + std::to_string(facts.max_size) + " bytes");
    if (mail.path.is_utf8() && !mail.parameters.smtputf8) // RFC 6531 §3.5
        return Reply(553, "5.6.7", "Address needs SMTPUTF8");
    if (facts.signed_in && !mail.path.is_null() && facts.right == service::SendRight::none)
        return Reply(553, "5.7.1", "Sender address is not yours"); // RFC 6409 §6.1
    mail_ = mail;
    recipients_.clear();
    chunks_failed_ = false;
    return std::nullopt;
}

std::optional<Reply> Transaction::check(const Rcpt& rcpt, std::size_t max_recipients) const {
    // RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
    if (recipients_.size() >= max_recipients)
        return Reply(452, "4.5.3", "Too many recipients");
    if (rcpt.path.is_utf8() && !mail_.parameters.smtputf8)
        return Reply(553, "5.6.7", "Address needs SMTPUTF8");
    return std::nullopt;
}

void Transaction::add(const Rcpt& rcpt, std::shared_ptr<const service::Resolution> resolution) {
    recipients_.push_back({rcpt.path.address, std::move(resolution), rcpt.parameters.orcpt.value_or(""), rcpt.parameters.notify});
}

std::string Transaction::sender() const { return mail_.path.is_null() ? std::string() : mail_.path.address.text(); }

Reply unknown_recipient(const Error& error) {
    switch (error.code) {
    case ErrorCode::not_found:
        return Reply(550, "5.1.1", "No such user here");
    case ErrorCode::denied:
        return Reply(550, "5.2.1", "Mailbox disabled");
    case ErrorCode::invalid:
        return Reply(554, "5.4.6", "Routing loop or too many recipients behind this address");
    default:
        return reply_for(error);
    }
}

Reply overall_reply(const std::vector<Result<void>>& ends, const Reply& accepted) {
    std::optional<Reply> refusal;
    for (const Result<void>& end : ends) {
        if (end)
            return accepted;
        Reply reply = reply_for(end.error());
        if (!refusal || (reply.is_temporary() && !refusal->is_temporary()))
            refusal = std::move(reply);
    }
    return refusal.value_or(accepted);
}

} // namespace mail::smtp
