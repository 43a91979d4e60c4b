// SessionStory: what one SMTP connection has to tell of its messages: the connection, TLS, greeting and sign-in, which all
// its messages share, then the transaction under way. An accepted message takes the steps along (service::Incoming); a
// transaction that ends with a refusal and no acceptance gets a story of its own. Used by the session, one line at each
// place where something is decided; bounded, no I/O.
#pragma once

#include "maild/service/delivery.hpp"
#include "maild/smtp/profile.hpp"
#include "maild/smtp/proto/command.hpp"
#include "maild/smtp/proto/reply.hpp"

#include <optional>

namespace mail::net {
class Stream;
struct TlsInfo;
}

namespace mail::smtp {

class SessionStory {
  public:
    void connected(const Profile& profile, const net::Stream& stream, Time now);
    /// A trusted client speaks for somebody else from now on (XCLIENT); `name` may be empty.
    void spoken_for(const net::Stream& stream, std::string_view name, Time now);
    void greeted(std::string_view verb, std::string_view name, Time now);
    void secured(const net::TlsInfo& tls, Time now);
    void signed_in(std::string_view mailbox, Time now);
    void sign_in_failed(std::string_view why, Time now);

    void began(const Mail& mail, Time now);
    void refused_sender(const Reply& reply, Time now);
    void refused_recipient(const Rcpt& rcpt, const Reply& reply, Time now);
    /// `id` is that of the message.
    void refused_message(Id id, const std::vector<service::AcceptedRecipient>& recipients, const Reply& reply, Time now);
    /// Any other decision about the transaction.
    [[nodiscard]] service::StorySteps& steps() noexcept { return steps_; }
    /// All of it, into the message.
    void complete(service::Incoming& incoming, std::uint64_t size, Time now);
    void accepted() noexcept { is_refused_ = false; }
    /// The transaction is over. A story if something was refused and nothing accepted.
    [[nodiscard]] std::optional<store::Story> end(Time now);

  private:
    void refuse(std::string_view address, const Reply& reply, std::string_view what, Time now);

    service::StorySteps connection_{std::size_t{limit::story_session_bytes}};
    service::StorySteps steps_;
    std::string listener_;
    std::string address_;
    std::string helo_;
    std::string sender_;
    std::string recipients_; ///< refused ones, space separated
    std::vector<std::string> refused_; ///< the same, for a message that others get
    std::string subject_;
    std::string message_id_;
    Id id_;
    bool is_refused_ = false;
};

} // namespace mail::smtp
