// Client sides of SASL exchanges as state machines without I/O: PLAIN, LOGIN, SCRAM-SHA-256 (RFC 4616, 5802, 7677).
// Used by the outbound SMTP client (routes with user and password) and by tests. The caller carries bytes and base64.
// step() of SCRAM runs PBKDF2 with the server's rounds (at most limit::scram_iterations_ceiling, under a second).
#pragma once

#include "common/base/result.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mail::sasl {

struct Credentials {
    std::string username;
    std::string password;
    std::string authzid; ///< usually empty
};

class ClientMechanism {
  public:
    virtual ~ClientMechanism() = default;
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// The initial response; nullopt when the server speaks first (LOGIN).
    [[nodiscard]] virtual std::optional<std::string> initial() = 0;
    /// The response to a challenge; an error ends the exchange (send "*").
    [[nodiscard]] virtual Result<std::string> step(std::string_view challenge) = 0;
    /// Asked when the server reports success: false when the server has not proved that it knows the password.
    [[nodiscard]] virtual bool is_complete() const noexcept = 0;
};

/// The strongest mechanism among `offered` (names of an AUTH line, any case), or null when none is known.
/// `plaintext` allows PLAIN and LOGIN: true only inside TLS that was verified or when the administrator says so.
[[nodiscard]] std::unique_ptr<ClientMechanism> choose_client_mechanism(std::span<const std::string_view> offered,
                                                                       Credentials credentials, bool plaintext);
/// One mechanism by name; `nonce` empty draws a random one.
[[nodiscard]] std::unique_ptr<ClientMechanism> make_client_mechanism(std::string_view name, Credentials credentials,
                                                                     std::string nonce = {});

} // namespace mail::sasl
