// One SMTP, submission or LMTP connection (RFC 5321, 6409, 2033) as a coroutine; what differs is the Profile.
// A message is in its mailboxes or its queue, durably, before its 250 is sent. Only CR LF ends a line. Replies of
// pipelined commands leave in one write (RFC 2920). Runs on its stream's thread. The stream's ender() ends it with 421
// instead of the next command, so that no message under way is lost.
// Commands are found in one table (session.cpp); handlers are in cmd_*.cpp, one file per family.
#pragma once

#include "common/net/reader.hpp"
#include "common/net/stream.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/sending.hpp"
#include "maild/service/sign_in.hpp"
#include "maild/smtp/profile.hpp"
#include "maild/smtp/proto/command.hpp"
#include "maild/smtp/proto/framer.hpp"
#include "maild/smtp/services.hpp"
#include "maild/smtp/session_story.hpp"
#include "maild/smtp/standing.hpp"
#include "maild/smtp/transaction.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace mail::service {
struct ConfigSnapshot;
}

namespace mail::smtp {

class Intake;

class Session {
  public:
    /// `id` is the sid of log lines. `stream` outlives the session; with implicit TLS its handshake is done.
    Session(Services services, Profile profile, net::Stream& stream, std::string id);
    ~Session();
    [[nodiscard]] Task<void> run(); ///< the whole connection, greeting to end
    /// As if this mailbox had signed in; before run(). For rehearsals, which know no password.
    void sign_in_as(service::MailboxPtr mailbox);

  private:
    /// How far the conversation is; a set of these says where a command is allowed.
    enum State : std::uint8_t { connected = 1, greeted = 2, sender = 4, recipients = 8, chunking = 16, anywhere = 31 };
    struct Row {
        Verb verb;
        std::uint8_t states;
        Task<void> (Session::*handler)(Command command);
        std::string_view otherwise; ///< text of 503 in other states
    };
    [[nodiscard]] static const Row& row_of(Verb verb) noexcept;

    // session.cpp: lines in, replies out
    [[nodiscard]] Task<void> dispatch(Command command);
    /// A line, or how there is none (need_more: the connection has ended and closing_ is set).
    [[nodiscard]] Task<LineFramer::Status> next_line(std::string& line, bool sasl);
    [[nodiscard]] Task<void> answer_bad_line(LineFramer::Status status);
    [[nodiscard]] Task<bool> greet(); ///< false: the session is over already
    [[nodiscard]] Reply greeting() const;
    /// Writes what is due and reads once; false at the end of the connection, closing_ is then set.
    [[nodiscard]] Task<bool> fill(Duration patience);
    [[nodiscard]] bool must_end() const noexcept { return stream_.is_ending() && state_ != chunking; }
    [[nodiscard]] Task<void> flush();
    void say(const Reply& reply);
    /// Says a 4xx or 5xx that is the client's fault: counted, slowed down, at last 421.
    [[nodiscard]] Task<void> refuse(Reply reply);
    [[nodiscard]] Task<void> refuse(int code, std::string_view enhanced, std::string_view text) {
        return refuse(Reply(code, enhanced, std::string(text)));
    }
    void close_with(const Reply& reply); ///< its last words; nothing that follows is read as a command
    [[nodiscard]] Task<void> say_goodbye();
    void reset();  ///< ends the transaction; one that was refused gets its story
    void forget(); ///< as if nothing had been said yet (RFC 3207 §4.2)

    // cmd_peer.cpp
    void meet_peer();
    [[nodiscard]] Task<void> cmd_etrn(Command command);
    [[nodiscard]] Task<void> cmd_xclient(Command command);
    [[nodiscard]] std::optional<Reply> take_attributes(const Xclient& xclient);

    // cmd_hello.cpp
    [[nodiscard]] Task<void> cmd_hello(Command command);
    [[nodiscard]] Task<void> cmd_starttls(Command command);
    [[nodiscard]] Task<void> cmd_plain(Command command); ///< RSET, NOOP, QUIT, HELP, VRFY
    [[nodiscard]] Task<void> cmd_disabled(Command command);
    [[nodiscard]] Task<void> cmd_foreign(Command command);
    [[nodiscard]] Reply ehlo_reply() const;
    [[nodiscard]] bool offers_tls() const noexcept;
    [[nodiscard]] bool offers_auth() const noexcept;

    // cmd_auth.cpp
    [[nodiscard]] Task<void> cmd_auth(Command command);
    [[nodiscard]] Task<void> exchange(service::SaslExchange& exchange, std::optional<std::string> response);
    /// The client's answer to a challenge; nullopt: it gave up or broke the rules and has its reply.
    [[nodiscard]] Task<std::optional<std::string>> ask(std::string challenge);
    [[nodiscard]] Task<void> sign_in_failed(Error error);

    // cmd_envelope.cpp
    [[nodiscard]] Task<void> cmd_mail(Command command);
    [[nodiscard]] Task<void> cmd_rcpt(Command command);
    [[nodiscard]] std::optional<Reply> check_count(const Rcpt& rcpt); ///< 452: there are enough of them already
    void tell_of_limit(std::string_view limit);
    [[nodiscard]] Task<void> refuse_recipient(const Rcpt& rcpt, Reply reply);
    [[nodiscard]] bool may_relay() const noexcept { return mailbox_ != nullptr || standing_.relays; }

    // sender_rules.cpp
    /// Why the sender of this transaction may not write to an address that exists.
    [[nodiscard]] std::optional<Reply> refuse_writer(const service::Resolution& resolution) const;
    /// Why there is no room, as far as it is known before the message.
    [[nodiscard]] Task<std::optional<Reply>> refuse_full(service::ResolutionPtr resolution);
    /// Why the user may not send (further); `next` is the recipient asked about, null at MAIL.
    [[nodiscard]] Task<std::optional<Reply>> refuse_sending(const Address* next);
    /// Counts the message for its user; false: it is refused and answered.
    [[nodiscard]] Task<bool> count_sending(service::Incoming& incoming);
    void give_back_sending();
    [[nodiscard]] service::SendingRequest sending_request() const;

    // cmd_data.cpp
    [[nodiscard]] Task<void> cmd_data(Command command);
    [[nodiscard]] Task<void> cmd_bdat(Command command);
    [[nodiscard]] std::optional<Reply> refuse_chunk(const Bdat& bdat);
    /// fill() within bytes of which `received` have come `since` then: also false, with 421, when that is too slow.
    [[nodiscard]] Task<bool> fill_message(SteadyTime since, std::uint64_t received);
    /// Reads a chunk into `intake` (null: it is swallowed). False at the end of the connection.
    [[nodiscard]] Task<bool> read_chunk(std::uint64_t size, Intake* intake);
    [[nodiscard]] std::unique_ptr<Intake> make_intake();
    [[nodiscard]] Task<void> complete(Intake& intake); ///< makes the whole message durable and answers
    /// The same words for the message: once, or once for every recipient in LMTP (RFC 2033 §4.2).
    void answer_message(const Reply& reply);
    void refuse_message(const Reply& reply);
    [[nodiscard]] std::uint64_t max_message_size() const noexcept;
    [[nodiscard]] std::size_t max_recipients() const noexcept;

    Services services_;
    Profile profile_;
    net::Stream& stream_;
    net::Reader reader_;
    LineFramer framer_;
    std::string id_;
    std::shared_ptr<const service::ConfigSnapshot> config_; ///< as of the current command
    State state_ = connected;
    bool closing_ = false;
    bool lingering_ = false; ///< the client may still be sending: read on a little so that it sees our last words
    bool broken_ = false;    ///< a write failed: the client is gone
    Standing standing_;
    bool extended_ = false; ///< EHLO or LHLO, not HELO
    std::string out_;       ///< replies not yet written
    std::string helo_;
    unsigned errors_ = 0, refused_recipients_ = 0, failures_ = 0; ///< failures of sign-in
    std::size_t messages_ = 0; ///< transactions begun
    std::set<std::string> domains_; ///< of recipients, where their number is limited
    service::MailboxPtr mailbox_; ///< who has signed in
    std::shared_ptr<void> watch_;
    Transaction transaction_;
    bool told_of_limit_ = false; ///< in this transaction
    Id message_id_; ///< of the message being received
    std::unique_ptr<Intake> chunks_; ///< between BDAT commands
    LineEndings chunk_endings_;
    SessionStory story_;
    service::SendingTaken taken_; ///< for the message under way
};

} // namespace mail::smtp
