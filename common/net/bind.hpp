// Bind addresses: where a listener waits, as written in a `listener` resource:
// "ADDR:PORT", "[::1]:PORT", "*:PORT" (both families), "unix:PATH", "fd:N" and "fd:NAME" (socket activation).
// Numeric addresses only; no name is ever looked up here. Pure; called by the schema's checks and by the server.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::net {

enum class BindKind : std::uint8_t { tcp4, tcp6, unix_socket, inherited };

struct BindAddress {
    BindKind kind = BindKind::tcp4;
    std::string address;    ///< numeric, without brackets; for unix_socket the path; for inherited the name, if any
    std::uint16_t port = 0; ///< 0: any free port
    int fd = -1;            ///< for inherited by number
    /// The form parse_bind reads back: "127.0.0.1:25", "[::1]:25", "unix:/run/x", "fd:3", "fd:imap".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool operator==(const BindAddress&) const = default;
};

/// One address, or two for "*:PORT" (IPv4 first). Errors: invalid, with a hint that shows the forms.
[[nodiscard]] Result<std::vector<BindAddress>> parse_bind(std::string_view text);

/// "127.0.0.1" and "::1" style text, brackets not allowed.
[[nodiscard]] bool is_ipv4(std::string_view text) noexcept;
[[nodiscard]] bool is_ipv6(std::string_view text) noexcept;
/// 127.0.0.0/8, ::1 and their mapped forms.
[[nodiscard]] bool is_loopback(std::string_view address) noexcept;
/// True for addresses no remote mail server can have: loopback, unspecified, link-local, multicast, broadcast.
[[nodiscard]] bool is_unroutable(std::string_view address) noexcept;
/// The one spelling of a numeric address (RFC 5952; IPv4-mapped IPv6 becomes IPv4); empty when it is none.
[[nodiscard]] std::string canonical_address(std::string_view text);

} // namespace mail::net
