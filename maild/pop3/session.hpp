// One POP3 connection (RFC 1939) as a coroutine: AUTHORIZATION, TRANSACTION on a maildrop, UPDATE at QUIT.
// Deletions happen at QUIT alone; a connection that breaks deletes nothing (RFC 1939 §6). Runs on its stream's thread,
// whose ender() ends it with -ERR [SYS/TEMP] instead of the next command.
#pragma once

#include "common/net/reader.hpp"
#include "common/net/stream.hpp"
#include "maild/pop3/maildrop.hpp"
#include "maild/pop3/proto/command.hpp"
#include "maild/service/sign_in.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mail::pop3 {

struct Services {
    service::Mailboxes& mailboxes;
    service::SignIn& sign_in;
    MaildropLocks& locks;
};

/// What the listener decides.
struct Profile {
    std::string hostname;
    bool offer_stls = false;
    bool plaintext_auth = false; ///< passwords may be sent without TLS
    std::shared_ptr<const net::TlsServer> tls; ///< for STLS
    std::function<bool()> is_overloaded; ///< empty: never
};

class Session {
  public:
    Session(Services services, Profile profile, net::Stream& stream, std::string id);
    /// The whole connection, greeting to end.
    [[nodiscard]] Task<void> run();

  private:
    enum class State : std::uint8_t { authorization, transaction, done };

    [[nodiscard]] Task<void> handle(Command command);
    [[nodiscard]] Task<void> before_sign_in(Command command);
    [[nodiscard]] Task<void> after_sign_in(Command command);
    [[nodiscard]] Task<void> authenticate(Command command);
    [[nodiscard]] Task<void> password(Command command);
    [[nodiscard]] Task<void> signed_in(service::MailboxPtr mailbox);
    [[nodiscard]] Task<void> refused(Error error);
    [[nodiscard]] Task<void> start_tls();
    [[nodiscard]] Task<void> retrieve(std::uint32_t number, std::optional<std::uint32_t> lines);
    [[nodiscard]] Task<void> quit();
    [[nodiscard]] Task<Result<std::string>> next_line(std::size_t max);
    [[nodiscard]] Task<Result<std::string>> sasl_line();
    [[nodiscard]] Task<void> flush();
    void capabilities();
    void list_mechanisms();
    void totals();
    void list(const Command& command, bool unique_ids);
    void remove(const Command& command);
    void bad(std::string_view why);
    void say(std::string_view line);
    [[nodiscard]] std::vector<std::string_view> mechanisms() const;
    [[nodiscard]] bool passwords_allowed() const;
    [[nodiscard]] service::Caller caller() const;

    Services services_;
    Profile profile_;
    net::Stream& stream_;
    net::Reader reader_;
    std::string id_;
    State state_ = State::authorization;
    std::string out_;  ///< replies not yet written: pipelined commands share one write
    std::string user_; ///< of USER, waiting for PASS
    unsigned errors_ = 0;
    unsigned failures_ = 0;
    bool utf8_ = false;   ///< UTF8 was said (RFC 6856 §2)
    bool broken_ = false; ///< a write failed: the client is gone
    std::shared_ptr<void> watch_;
    std::unique_ptr<Maildrop> drop_; ///< once signed in
};

} // namespace mail::pop3
