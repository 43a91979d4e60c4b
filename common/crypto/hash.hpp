// Hashes, HMAC, PBKDF2, random bytes and constant-time comparison over OpenSSL's EVP: the only folder that includes it.
// Used by sasl (SCRAM, RFC 5802), mailauth and the store. All functions are thread-safe and take and return raw bytes;
// text::hex and text::base64 make them printable. A failure inside the library is a broken machine and aborts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mail::crypto {

inline constexpr std::size_t sha256_bytes = 32;
inline constexpr std::size_t sha1_bytes = 20;

[[nodiscard]] std::string sha256(std::string_view data);
[[nodiscard]] std::string sha1(std::string_view data);
/// RFC 2104 with SHA-256.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view data);
/// RFC 8018 §5.2, one block of 32 bytes: SCRAM's Hi(). Slow on purpose: about 0.3 µs per round; never on an I/O thread.
[[nodiscard]] std::string pbkdf2_hmac_sha256(std::string_view password, std::string_view salt, std::uint32_t rounds);

/// SHA-256 of bytes that come in pieces.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::string_view data);
    /// The digest of all bytes so far; the object then starts anew.
    [[nodiscard]] std::string finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Bytes of the system's secure generator.
[[nodiscard]] std::string random_bytes(std::size_t count);
/// A random token of `count` bytes in URL-safe characters (RFC 4648 §5 without padding).
[[nodiscard]] std::string random_token(std::size_t count);
/// Compares in a time that depends on the length of `b` alone; different lengths are unequal.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

} // namespace mail::crypto
