// How much encryption a way to a remote server asks for. Used by routes and by the client session.
#pragma once

#include <cstdint>

namespace mail::smtp_client {

enum class TlsPolicy : std::uint8_t {
    none,          ///< never
    opportunistic, ///< where offered; any certificate; plain when the handshake fails (RFC 7435)
    required,      ///< encrypted or not at all; any certificate
    verified,      ///< encrypted with a certificate that names the host and is trusted
};

} // namespace mail::smtp_client
