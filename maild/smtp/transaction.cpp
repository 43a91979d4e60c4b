#include "maild/smtp/transaction.hpp"

namespace mail::smtp {
namespace {

/// Parameters that are not offered here and now are unknown ones (RFC 5321 §4.1.1.11).
std::optional<Reply> check_parameters(const MailParameters& parameters, const SenderFacts& facts) {
    const auto not_offered = [](std::string_view name) {
        return Reply(555, "5.5.4", "Parameter " + std::string(name) + " is not offered");
    };
    if (parameters.require_tls && !facts.tls) // RFC 8689 §2
        return not_offered("REQUIRETLS");
    const bool is_held = parameters.hold_seconds || parameters.hold_until;
    if (is_held && !facts.profile.is_submission())
        return not_offered(parameters.hold_seconds ? "HOLDFOR" : "HOLDUNTIL");
    if (parameters.priority && !facts.profile.is_submission())
        return not_offered("MT-PRIORITY");
    constexpr auto longest = std::chrono::seconds(limit::smtp_hold_seconds);
    if (parameters.hold_seconds > std::uint64_t{limit::smtp_hold_seconds} || parameters.hold_until > facts.now + longest)
        return Reply(501, "5.5.4", "A message is held for at most " + std::to_string(limit::smtp_hold_seconds) + " seconds");
    return std::nullopt;
}

} // namespace

std::optional<Reply> Transaction::begin(const Mail& mail, const SenderFacts& facts) {
    if (facts.profile.is_submission() && !facts.signed_in && !facts.relays) {
        // RFC 4954 §6, RFC 6409 §4.3
        const bool wants_tls = !facts.tls && !facts.profile.plaintext_auth;
        return Reply(530, "5.7.0", wants_tls ? "Authentication required; use STARTTLS first" : "Authentication required");
    }
    if (auto refusal = check_parameters(mail.parameters, facts))
        return refusal;
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

std::optional<Reply> Transaction::check(const Rcpt& rcpt) const {
    if (rcpt.path.is_utf8() && !mail_.parameters.smtputf8)
        return Reply(553, "5.6.7", "Address needs SMTPUTF8");
    return std::nullopt;
}

void Transaction::add(const Rcpt& rcpt, std::shared_ptr<const service::Resolution> resolution) {
    recipients_.push_back({rcpt.path.address, std::move(resolution), rcpt.parameters.orcpt.value_or(""), rcpt.parameters.notify});
}

std::string Transaction::sender() const { return mail_.path.is_null() ? std::string() : mail_.path.address.text(); }

Time Transaction::release(Time now) const {
    const MailParameters& parameters = mail_.parameters;
    if (parameters.hold_seconds)
        return now + std::chrono::seconds(*parameters.hold_seconds);
    return parameters.hold_until.value_or(now);
}

std::int8_t Transaction::priority() const {
    const int asked = mail_.parameters.priority.value_or(0);
    return static_cast<std::int8_t>((asked > 0) - (asked < 0));
}

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

Reply sending_refusal(const Error& error) {
    if (error.code == ErrorCode::denied)
        return Reply(550, "5.7.1", error.message);
    if (error.code == ErrorCode::over_quota)
        return Reply(552, "5.2.2", error.message);
    return error.code == ErrorCode::temporary ? Reply(450, "4.7.1", error.message) : reply_for(error);
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
