// What is stored instead of a password: a SCRAM-SHA-256 verifier (RFC 5802 §3, RFC 7677), against which PLAIN and LOGIN
// are checked too. Used by the directory, the schema's password field and the server mechanisms. Pure and thread-safe;
// make_verifier and check_password take PBKDF2's time (about 10 ms at the default rounds): call them on a worker pool.
// Text form: {SCRAM-SHA-256}rounds:salt:stored_key:server_key, each part after the first in base64.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::sasl {

struct Verifier {
    std::string salt; ///< raw bytes, 1 to max_salt_bytes
    std::uint32_t iterations = 0;
    std::string stored_key; ///< H(ClientKey), 32 bytes
    std::string server_key; ///< HMAC(SaltedPassword, "Server Key"), 32 bytes

    bool operator==(const Verifier&) const = default;
};

inline constexpr std::size_t max_salt_bytes = 64;

/// RFC 4013: the password as it is hashed. Plain ASCII stays as it is. Errors: empty, longer than
/// limit::password_bytes, not UTF-8, or with control and other forbidden characters.
[[nodiscard]] Result<std::string> prepare_password(std::string_view password);

/// A verifier with a fresh random salt.
[[nodiscard]] Result<Verifier> make_verifier(std::string_view password,
                                             std::uint32_t iterations = std::uint32_t{limit::scram_iterations});
/// The same with the given salt; for tests and for checks against an existing salt.
[[nodiscard]] Result<Verifier> make_verifier_with_salt(std::string_view password, std::string_view salt,
                                                       std::uint32_t iterations);

[[nodiscard]] std::string to_text(const Verifier& verifier);
/// Strict: rounds between limit::scram_iterations_floor and _ceiling, keys of 32 bytes, padded base64, nothing else.
[[nodiscard]] Result<Verifier> parse_verifier(std::string_view text);

/// Whether the password belongs to the verifier; costs the same for every password that may be hashed at all.
[[nodiscard]] bool check_password(const Verifier& verifier, std::string_view password);

/// For a user who does not exist: looks like any other verifier, is the same at every ask, and fits no password.
/// `secret` is a key of this server that never leaves it; `user` is the name as the client gave it, folded to lower case.
[[nodiscard]] Verifier fake_verifier(std::string_view secret, std::string_view user,
                                     std::uint32_t iterations = std::uint32_t{limit::scram_iterations});

} // namespace mail::sasl
