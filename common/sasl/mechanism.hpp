// Server sides of SASL exchanges as state machines without I/O: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 (RFC 5802, 7677).
// Used by SMTP, IMAP, POP3 and ManageSieve sessions, which carry the bytes (base64, "*" to cancel) and do the waiting:
//   step = start(initial response, if any); then, until Done or Failed:
//   More         -> send the challenge, read a response, step = step(response)
//   NeedVerifier -> look the user up (fake_verifier when unknown), step = verifier(v)
//   CheckPlain   -> check_password on a worker, step = outcome(accepted)
// Answers to every kind of failure are alike: the caller says nothing but "authentication failed" (faults A01, A03).
// A mechanism object serves one exchange on one thread. Input is bounded by the caller (limit::smtp_auth_line).
#pragma once

#include "common/base/secret.hpp"
#include "common/sasl/verifier.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace mail::sasl {

/// Send `challenge` (raw bytes; may be empty) and wait for the client's response.
struct More {
    std::string challenge;
};
struct NeedVerifier {
    std::string username;
};
struct CheckPlain {
    std::string username;
    Secret password;
};
/// The client has proved to be `authcid`; an `authzid` that is not empty asks to act as someone else.
struct Done {
    std::string authcid;
    std::string authzid;
};
/// `reason` is for the log alone; `username` may be empty.
struct Failed {
    std::string reason;
    std::string username;
    bool malformed = false; ///< the client broke the syntax (SMTP 501) rather than failing to prove itself (535)
};
using Step = std::variant<More, NeedVerifier, CheckPlain, Done, Failed>;

/// RFC 5056 binding of the exchange to its TLS connection. `data` empty: none is available.
struct ChannelBinding {
    std::string type; ///< "tls-exporter" or "tls-server-end-point"
    std::string data;
};

class ServerMechanism {
  public:
    virtual ~ServerMechanism() = default;
    /// Begins; nullopt is no initial response, an empty one is a response of no bytes.
    [[nodiscard]] virtual Step start(std::optional<std::string_view> initial) = 0;
    [[nodiscard]] virtual Step step(std::string_view response) = 0;
    /// Answers NeedVerifier; only then.
    [[nodiscard]] virtual Step verifier(const Verifier& verifier);
    /// Answers CheckPlain; only then.
    [[nodiscard]] virtual Step outcome(bool accepted);
};

/// Names in the order in which they are offered, strongest first.
[[nodiscard]] std::span<const std::string_view> server_mechanisms() noexcept;
/// Whether the mechanism shows the password to whoever listens: wants TLS.
[[nodiscard]] bool is_plaintext(std::string_view mechanism) noexcept;
/// The server side of `name` (any case), or null when it is not offered. -PLUS names need a binding with data.
[[nodiscard]] std::unique_ptr<ServerMechanism> make_server_mechanism(std::string_view name, ChannelBinding binding = {});
/// The server side of SCRAM with a nonce of the caller's choice; for tests with the examples of RFC 7677.
[[nodiscard]] std::unique_ptr<ServerMechanism> make_scram_server(std::string nonce, bool plus, ChannelBinding binding);

} // namespace mail::sasl
