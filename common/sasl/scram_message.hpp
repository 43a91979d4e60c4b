// The grammar of SCRAM messages (RFC 5802 §7), shared by both sides. Strict: attributes in their order, no unknown
// mandatory extension (m=), nonces of printable characters without comma. Views point into the given message.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::sasl::scram {

inline constexpr std::size_t max_message_bytes = 8192;
inline constexpr std::size_t max_nonce_bytes = 1024;
inline constexpr std::size_t max_name_bytes = 1024;

struct ClientFirst {
    std::string_view gs2_header; ///< with its final comma
    char binding_flag = 'n';     ///< n: cannot bind, y: could but thinks the server cannot, p: binds
    std::string_view binding_name;
    std::string authzid;
    std::string_view bare;
    std::string username;
    std::string_view nonce;
};
[[nodiscard]] Result<ClientFirst> parse_client_first(std::string_view message);

struct ServerFirst {
    std::string_view nonce;
    std::string salt;
    std::uint32_t iterations = 0;
};
[[nodiscard]] Result<ServerFirst> parse_server_first(std::string_view message);

struct ClientFinal {
    std::string channel_binding; ///< decoded
    std::string_view nonce;
    std::string proof; ///< decoded, 32 bytes
    std::string_view without_proof;
};
[[nodiscard]] Result<ClientFinal> parse_client_final(std::string_view message);

/// The decoded signature of "v=..."; an error also for "e=...".
[[nodiscard]] Result<std::string> parse_server_final(std::string_view message);

/// RFC 5802 §5.1: "=" and "," of a name as =3D and =2C, and back (error on any other "=").
[[nodiscard]] std::string escape_name(std::string_view name);
[[nodiscard]] Result<std::string> unescape_name(std::string_view escaped);
/// Byte by byte; both have the same length.
[[nodiscard]] std::string exclusive_or(std::string_view a, std::string_view b);

} // namespace mail::sasl::scram
