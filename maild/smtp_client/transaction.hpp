// Transaction: the state of one send() of a client session, and the rules of what may leave to a server with given
// capabilities (SIZE, 8BITMIME, SMTPUTF8, REQUIRETLS). Private to smtp_client: session.hpp is the door.
#pragma once

#include "maild/smtp/proto/command.hpp"
#include "maild/smtp_client/session.hpp"

namespace mail::smtp_client {

/// How the bytes travel.
enum class Way : std::uint8_t {
    data,     ///< DATA with dots
    one_trip, ///< one BDAT LAST in the same write as the envelope: CHUNKING and PIPELINING, small and clean messages
    chunks,   ///< BDAT after the envelope's replies: BINARYMIME
};

struct Session::Transaction {
    Transaction(const Message& the_message, MessageSource& the_source)
        : message(the_message), source(the_source), outcomes(the_message.recipients.size()) {}

    const Message& message;
    MessageSource& source;
    std::vector<std::optional<Outcome>> outcomes; ///< set when decided
    smtp::Mail mail;
    std::vector<smtp::Rcpt> rcpts;          ///< those to be offered
    std::vector<std::size_t> offered;       ///< their places in message.recipients
    std::vector<std::size_t> accepted;      ///< places of those the server took
    std::optional<std::string> content;     ///< the whole message when it is held in memory
    std::uint64_t size = 0;                 ///< of what is sent, before dots
    Way way = Way::data;
    bool reset = false;       ///< RSET goes first
    bool require_tls = false; ///< MAIL carries REQUIRETLS
    bool answered = false;    ///< a reply of this transaction has come
    bool unanswered_loss = false;
    bool mail_refused = false;
    bool envelope_only = false; ///< a probe: nothing after RCPT

    /// Decides every recipient that is not yet decided.
    void decide_all(const Outcome& outcome);
    [[nodiscard]] bool is_open() const noexcept; ///< some recipient is undecided
    /// Lines of the envelope as they go over the wire.
    [[nodiscard]] std::string mail_line() const;
    [[nodiscard]] std::string rcpt_line(std::size_t index) const { return smtp::serialize(rcpts[index]); }
    /// All of them in one write, with DATA or the whole message at the end.
    [[nodiscard]] std::string group() const;

    /// Reads the content (or its head) and decides what goes how; recipients that cannot be served are decided.
    [[nodiscard]] Task<void> prepare(const Capabilities& server, bool verified_tls);

  private:
    [[nodiscard]] Task<Result<std::string>> read_head();
    [[nodiscard]] Task<Result<void>> read_all();
    void plan_addresses(const Capabilities& server, bool utf8_header);
    [[nodiscard]] Task<void> plan_body(const Capabilities& server);
};

} // namespace mail::smtp_client
