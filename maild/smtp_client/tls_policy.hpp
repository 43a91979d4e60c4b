// How much encryption a way to a remote server asks for. Used by routes and by the client session.
#pragma once

#include <cstdint>

namespace mail::smtp_client {

enum class TlsPolicy : std::uint8_t {
    none,          ///< never
    opportunistic, ///< where offered; any certificate; plain when the handshake fails (RFC 7435)
    required,      ///< encrypted or not at all; any certificate
    verified,      ///< encrypted with a certificate that names the host and is trusted
    dane,          ///< encrypted with a certificate that its TLSA records name (RFC 7672)
};

/// Never in clear text.
[[nodiscard]] constexpr bool requires_tls(TlsPolicy policy) noexcept { return policy >= TlsPolicy::required; }
/// Never with a certificate that was not checked.
[[nodiscard]] constexpr bool requires_certificate(TlsPolicy policy) noexcept { return policy >= TlsPolicy::verified; }

} // namespace mail::smtp_client
