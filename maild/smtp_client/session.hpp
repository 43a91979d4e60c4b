// Session: one connection to a remote SMTP server as its client (RFC 5321, with 1870, 2920, 3030, 3207, 3461, 4954, 6152,
// 6531, 8689). open() greets, encrypts and signs in; send() carries one message to several recipients and may be called
// again and again; each recipient gets its own Outcome with the remote's own words. Used by queue/delivery.
// Promises: every stage has its time-out and every reply its bounds (faults O04, O05); nothing the remote sent before a
// TLS handshake is used after it (O01); what leaves has CR LF line ends only (O13); an Outcome is `delivered` only after
// the remote's own 2xx to the whole message (O06). Lives on its stream's I/O thread.
#pragma once

#include "common/async/runtime.hpp"
#include "common/base/secret.hpp"
#include "common/net/reader.hpp"
#include "maild/smtp/proto/command.hpp"
#include "maild/smtp_client/capabilities.hpp"
#include "maild/smtp_client/message.hpp"
#include "maild/smtp_client/outcome.hpp"
#include "maild/smtp_client/tls_policy.hpp"

namespace mail::sasl {
class ClientMechanism;
}

namespace mail::smtp_client {

/// RFC 5321 §4.5.3.2.
struct Timeouts {
    Duration greeting = std::chrono::seconds(300);
    Duration ehlo = std::chrono::seconds(300);
    Duration tls = std::chrono::seconds(120);
    Duration auth = std::chrono::seconds(120);
    Duration mail = std::chrono::seconds(300);
    Duration rcpt = std::chrono::seconds(300);
    Duration data = std::chrono::seconds(120);
    Duration block = std::chrono::seconds(180);     ///< for each quarter of a mebibyte
    Duration final_reply = std::chrono::seconds(600); ///< RFC 1047: giving up early makes duplicates
    Duration quit = std::chrono::seconds(5);
};

struct SessionOptions {
    std::string ehlo = "localhost";
    TlsPolicy tls = TlsPolicy::opportunistic;
    bool implicit_tls = false; ///< TLS from the first byte (port 465, RFC 8314)
    const net::TlsClient* tls_client = nullptr; ///< null: no TLS; then required and verified fail
    std::string server_name;   ///< for SNI and the name check
    std::vector<std::string> further_names; ///< that the certificate may also name
    std::vector<net::TlsaRecord> tlsa;      ///< with TlsPolicy::dane
    bool trusted_host = false; ///< that this is the right host was validated (RFC 8689 §4.2.1)
    std::string user;          ///< empty: no sign-in
    Secret password;
    async::WorkerPool* pool = nullptr; ///< for SCRAM's hashing; null: on the caller's thread
    Timeouts timeouts;
    std::size_t transcript_bytes = 6144; ///< most that transcript() keeps; 0: none
};

struct Opened {
    Outcome outcome;         ///< delivered: the session is open
    bool tls_failed = false; ///< the handshake failed; with TlsPolicy::opportunistic try again without
    bool tls_missing = false; ///< TLS was wanted and the server offers none
};

struct Sent {
    std::vector<Outcome> outcomes; ///< one per recipient, in order
    bool unanswered = false; ///< the connection was already lost when the transaction began: safe to send elsewhere at once
};

class Session {
  public:
    Session(std::unique_ptr<net::Stream> stream, SessionOptions options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] Task<Opened> open();
    /// `message` and `source` outlive the call.
    [[nodiscard]] Task<Sent> send(const Message& message, MessageSource& source);
    /// MAIL and RCPT only: what would become of `message`, whose bytes are not asked for. The transaction is then undone.
    [[nodiscard]] Task<Sent> probe(const Message& message);
    /// Says goodbye, bounded by Timeouts::quit, and closes.
    [[nodiscard]] Task<void> quit();
    void close() noexcept;

    /// Another send() may be tried.
    [[nodiscard]] bool is_usable() const noexcept { return usable_; }
    [[nodiscard]] const Capabilities& capabilities() const noexcept { return capabilities_; }
    [[nodiscard]] const net::TlsInfo* tls() const noexcept { return stream_->tls(); }
    /// What was said since the start or the last send(); lines "C: ..." and "S: ...", secrets and content left out.
    [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }

  private:
    struct Transaction;

    // I/O, session.cpp
    [[nodiscard]] Task<Result<smtp::Reply>> read_reply(Duration timeout);
    [[nodiscard]] Result<std::optional<smtp::Reply>> take_reply();
    [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Duration timeout);
    /// One command line, CR LF included, and its reply.
    [[nodiscard]] Task<Result<smtp::Reply>> ask(std::string_view line, Duration timeout);
    void note_sent(std::string_view line);
    void note(std::string_view who, std::string_view line);

    // opening, open.cpp
    [[nodiscard]] Task<Outcome> greet();
    [[nodiscard]] Task<Outcome> hello();
    [[nodiscard]] Task<Opened> secure();
    [[nodiscard]] Task<Opened> handshake();
    [[nodiscard]] Task<Outcome> sign_in();
    [[nodiscard]] Task<Outcome> exchange(sasl::ClientMechanism& mechanism);

    // one message, transaction.cpp
    [[nodiscard]] Task<void> offer(Transaction& t);
    [[nodiscard]] Task<void> offer_one_by_one(Transaction& t);
    [[nodiscard]] Task<void> read_envelope_replies(Transaction& t);
    [[nodiscard]] Task<void> read_data_reply(Transaction& t);
    [[nodiscard]] Task<void> transfer(Transaction& t);
    [[nodiscard]] Task<void> finish(Transaction& t);
    void lost(Transaction& t, const Error& error, std::string_view stage);
    void take_mail_reply(Transaction& t, const smtp::Reply& reply);
    void take_rcpt_reply(Transaction& t, std::size_t index, const smtp::Reply& reply);

    // the message's bytes, content.cpp
    [[nodiscard]] Task<Result<void>> write_data(Transaction& t);
    [[nodiscard]] Task<Result<void>> write_chunks(Transaction& t);

    std::unique_ptr<net::Stream> stream_;
    net::Reader reader_;
    SessionOptions options_;
    Capabilities capabilities_;
    smtp::ReplyParser parser_;
    std::string transcript_;
    bool usable_ = false;
    bool needs_reset_ = false; ///< the last transaction did not end with 2xx
};

} // namespace mail::smtp_client
