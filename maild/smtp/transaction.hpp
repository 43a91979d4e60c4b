// One mail transaction as pure state: MAIL, its RCPTs, whether chunks have begun; and the decisions that need nothing
// but what is known already. Used by the session; no I/O, no clock.
#pragma once

#include "maild/service/delivery.hpp"
#include "maild/smtp/profile.hpp"
#include "maild/smtp/proto/command.hpp"

#include <optional>
#include <vector>

namespace mail::smtp {

/// What a session knows when MAIL comes.
struct SenderFacts {
    const Profile& profile;
    service::MailboxPtr signed_in;     ///< null: nobody has
    service::SendRight right = service::SendRight::none; ///< of signed_in to this sender address
    bool relays = false;               ///< the peer's address may relay without signing in
    std::uint64_t max_size = 0;
    bool tls = false;
    Time now{};
};

class Transaction {
  public:
    /// The reply that refuses this MAIL, or nullopt after which the transaction has begun.
    [[nodiscard]] std::optional<Reply> begin(const Mail& mail, const SenderFacts& facts);
    /// The reply that refuses this RCPT before anybody is looked up: UTF-8 without SMTPUTF8.
    [[nodiscard]] std::optional<Reply> check(const Rcpt& rcpt) const;
    void add(const Rcpt& rcpt, std::shared_ptr<const service::Resolution> resolution);

    [[nodiscard]] const Mail& mail() const noexcept { return mail_; }
    /// The reverse-path without brackets; empty for the null one.
    [[nodiscard]] std::string sender() const;
    /// When the message may go on (RFC 4865); not after `now` when at once.
    [[nodiscard]] Time release(Time now) const;
    /// The queue's priority that RFC 6710's comes to.
    [[nodiscard]] std::int8_t priority() const;
    [[nodiscard]] const std::vector<service::AcceptedRecipient>& recipients() const noexcept { return recipients_; }
    /// A chunk was refused: every further one is swallowed and refused (RFC 3030 §2).
    void fail_chunks() noexcept { chunks_failed_ = true; }
    [[nodiscard]] bool have_chunks_failed() const noexcept { return chunks_failed_; }

  private:
    Mail mail_;
    std::vector<service::AcceptedRecipient> recipients_;
    bool chunks_failed_ = false;
};

/// The reply to a recipient that the directory did not resolve.
[[nodiscard]] Reply unknown_recipient(const Error& error);
/// The reply to who may not send, or not now (service::Sending).
[[nodiscard]] Reply sending_refusal(const Error& error);
/// The one reply of SMTP to a message whose recipients ended like this: 250 if anybody has it, else the first
/// temporary refusal, else the first.
[[nodiscard]] Reply overall_reply(const std::vector<Result<void>>& ends, const Reply& accepted);

} // namespace mail::smtp
