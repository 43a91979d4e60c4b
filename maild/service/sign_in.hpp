// SignIn: password and SASL sign-in for every protocol, in one place: verifier look-up, hashing on a bounded pool, the
// cache of recent successes, delays after failures, logging, and the registry that ends sessions whose mailbox was
// disabled or changed its password. Sessions carry bytes only.
#pragma once

#include "common/async/runtime.hpp"
#include "common/base/secret.hpp"
#include "common/base/time.hpp"
#include "common/sasl/mechanism.hpp"
#include "maild/service/directory.hpp"

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace mail::service {

/// Who is asking; part of every log line.
struct Caller {
    Protocol protocol = Protocol::imap;
    std::string peer; ///< address, for the log
    std::string session; ///< sid
    bool tls = false;
    std::string channel_binding; ///< tls-exporter bytes, or empty
};

/// One SASL exchange. next() gets each response and answers what to send or how it ended.
class SaslExchange {
  public:
    struct Challenge {
        std::string bytes; ///< raw; the protocol base64s it
    };
    /// Server's last words (SCRAM's v=) are sent as a Challenge first, so Signed is always final.
    struct Signed {
        MailboxPtr mailbox;
    };
    struct Refused {
        Error error; ///< unauthorized (say no more), invalid (malformed), temporary (pool is full), denied (protocol off)
    };
    using Outcome = std::variant<Challenge, Signed, Refused>;

    virtual ~SaslExchange() = default;
    /// `response`: nullopt only on the first call without an initial response.
    [[nodiscard]] virtual Task<Outcome> next(std::optional<std::string> response) = 0;
};

class SignIn {
  public:
    SignIn(store::Store& store, Directory& directory, async::WorkerPool& pool);
    ~SignIn();
    /// Makes or reads the server's secret for fake verifiers.
    [[nodiscard]] Result<void> open();

    /// Mechanisms to advertise, strongest first; those that show the password only when `plaintext_allowed`
    /// (inside TLS, or the listener says so).
    [[nodiscard]] std::vector<std::string_view> mechanisms(bool plaintext_allowed) const;
    /// Null when `name` is not offered under these conditions.
    [[nodiscard]] std::unique_ptr<SaslExchange> begin(std::string_view name, Caller caller, bool plaintext_allowed);
    /// USER/PASS and LOGIN. Errors as SaslExchange::Refused. Takes the same time for unknown users.
    [[nodiscard]] Task<Result<MailboxPtr>> check(std::string user, Secret password, Caller caller);
    /// How long the answer to failure number `failures` (from 1) on one connection is held back: 2 s, doubling to 15 s.
    [[nodiscard]] static Duration failure_delay(unsigned failures) noexcept;
    /// Delay unit, for tests: default limit::auth_failure_delay_ms.
    static void set_failure_delay(Duration unit) noexcept;

    /// While the returned token lives, `end` is called (from any thread, once) when the mailbox is disabled, removed or
    /// gets another password.
    /// Until then the session is among sessions(), as `who` describes it.
    [[nodiscard]] std::shared_ptr<void> watch(const MailboxPtr& mailbox, std::function<void()> end, Caller who = {});
    struct OpenSession {
        Caller who;
        Time since{};
    };
    /// Who is signed in to a mailbox, the longest first.
    [[nodiscard]] std::vector<OpenSession> sessions(const std::string& mailbox_key) const;
    /// Ends them, or with a session's id that one alone; how many. They may sign in again.
    std::size_t end_sessions(const std::string& mailbox_key, const std::string& session = {});
    /// To be called after every commit that changes resources, not on the store's thread: it looks mailboxes up.
    void recheck(const store::Changes& changes);

  private:
    class Exchange;
    struct State;
    /// Whether the password is the user's; the same work for users who do not exist.
    [[nodiscard]] Task<Result<MailboxPtr>> prove(std::string user, Secret password, Caller caller);
    std::shared_ptr<State> state_;
};

} // namespace mail::service
