// The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): a proxy's first bytes, which say for whom it
// connects. Only connections from addresses that a listener trusts begin with one; from everybody else the same bytes are
// just bad input of the listener's protocol. The parser is pure, strict and bounded (limit::proxy_header_bytes) and never
// asks for a byte beyond the header: what follows may be a TLS handshake.
#pragma once

#include "common/net/stream.hpp"

#include <optional>
#include <string_view>

namespace mail::net {

struct ProxyHeader {
    /// Who the proxy speaks for; nullopt: for itself (LOCAL, UNKNOWN, or an address family without addresses).
    std::optional<Peer> source;
};

struct ProxyProgress {
    std::size_t need = 0; ///< bytes that may safely be read on; 0: the header is whole
    std::size_t size = 0; ///< of the whole header
    ProxyHeader header;   ///< when whole
};

/// `bytes`: everything that came so far. Errors: invalid, too_large.
[[nodiscard]] Result<ProxyProgress> parse_proxy_header(std::string_view bytes);

/// Takes the header off the stream within limit::proxy_header_seconds and makes its source the stream's peer.
/// Errors: those of the parser, timeout, closed.
[[nodiscard]] Task<Result<void>> take_proxy_header(Stream& stream);

} // namespace mail::net
