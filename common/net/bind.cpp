#include "common/net/bind.hpp"

#include "common/base/text.hpp"

#include <array>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace mail::net {
namespace {

constexpr std::string_view forms = R"(use "ADDR:PORT", "[::1]:PORT", "*:PORT", "unix:/PATH", "fd:N" or "fd:NAME")";

std::optional<in_addr> parse4(std::string_view text) noexcept {
    std::array<char, INET_ADDRSTRLEN> copy{};
    in_addr out{};
    if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(copy.data(), text.data(), text.size());
    if (inet_pton(AF_INET, copy.data(), &out) != 1)
        return std::nullopt;
    return out;
}

std::optional<in6_addr> parse6(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    in6_addr out{};
    if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(copy.data(), text.data(), text.size());
    if (inet_pton(AF_INET6, copy.data(), &out) != 1)
        return std::nullopt;
    return out;
}

/// The IPv4 address in host byte order, also of an IPv4-mapped one.
std::optional<std::uint32_t> as_v4(std::string_view text) noexcept {
    if (const auto v4 = parse4(text))
        return ntohl(v4->s_addr);
    const auto v6 = parse6(text);
    if (!v6 || !IN6_IS_ADDR_V4MAPPED(&*v6))
        return std::nullopt;
    std::uint32_t mapped = 0;
    std::memcpy(&mapped, v6->s6_addr + 12, 4);
    return ntohl(mapped);
}

/// As systemd's FileDescriptorName= may be, and never a number.
bool is_socket_name(std::string_view name) noexcept {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !name.empty() && name.size() <= 64 && letters.find(name[0]) != letters.npos &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == name.npos;
}

Failure bad(std::string_view text, std::string_view why) {
    return fail(ErrorCode::invalid, "\"" + text::escape(text, 200) + "\" is no bind address: " + std::string(why),
                std::string(forms));
}

Result<std::vector<BindAddress>> parse_unix(std::string_view text) {
    const std::string_view path = text.substr(5);
    if (path.empty() || path[0] != '/')
        return bad(text, "the path must be absolute");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return bad(text, "the path is longer than 107 bytes");
    for (const char c : path)
        if (static_cast<unsigned char>(c) < 32 || c == 127)
            return bad(text, "the path has a control character");
    return std::vector{BindAddress{BindKind::unix_socket, std::string(path), 0, -1}};
}

} // namespace

std::string BindAddress::text() const {
    switch (kind) {
    case BindKind::tcp4:
        return address + ":" + std::to_string(port);
    case BindKind::tcp6:
        return "[" + address + "]:" + std::to_string(port);
    case BindKind::unix_socket:
        return "unix:" + address;
    case BindKind::inherited:
        break;
    }
    return "fd:" + (fd >= 0 ? std::to_string(fd) : address);
}

Result<std::vector<BindAddress>> parse_bind(std::string_view text) {
    if (text.starts_with("unix:"))
        return parse_unix(text);
    if (text.starts_with("fd:")) {
        const std::string_view name = text.substr(3);
        if (is_socket_name(name))
            return std::vector{BindAddress{BindKind::inherited, std::string(name), 0, -1}};
        const auto fd = text::number<std::uint16_t>(name);
        if (!fd || *fd < 3)
            return bad(text, "descriptors are numbered from 3, names begin with a letter");
        return std::vector{BindAddress{BindKind::inherited, {}, 0, *fd}};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return bad(text, "the port is missing");
    const auto port = text::number<std::uint16_t>(text.substr(colon + 1));
    if (!port)
        return bad(text, "the port must be a number from 0 to 65535");
    const std::string_view host = text.substr(0, colon);
    if (host == "*")
        return std::vector{BindAddress{BindKind::tcp4, "0.0.0.0", *port, -1}, BindAddress{BindKind::tcp6, "::", *port, -1}};
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        const std::string_view inner = host.substr(1, host.size() - 2);
        if (!is_ipv6(inner))
            return bad(text, "no IPv6 address is between the brackets");
        return std::vector{BindAddress{BindKind::tcp6, std::string(inner), *port, -1}};
    }
    if (is_ipv4(host))
        return std::vector{BindAddress{BindKind::tcp4, std::string(host), *port, -1}};
    return bad(text, is_ipv6(host) ? "an IPv6 address goes into brackets" : "the address must be numeric");
}

bool is_ipv4(std::string_view text) noexcept { return parse4(text).has_value(); }
bool is_ipv6(std::string_view text) noexcept { return parse6(text).has_value(); }

bool is_loopback(std::string_view address) noexcept {
    if (const auto v4 = as_v4(address))
        return *v4 >> 24 == 127;
    const auto v6 = parse6(address);
    return v6 && IN6_IS_ADDR_LOOPBACK(&*v6);
}

bool is_unroutable(std::string_view address) noexcept {
    if (const auto v4 = as_v4(address)) {
        const std::uint32_t top = *v4 >> 24;
        // RFC 6890: this network, loopback, link-local; then multicast, reserved and broadcast.
        return top == 0 || top == 127 || *v4 >> 16 == 0xA9FE || top >= 224;
    }
    const auto v6 = parse6(address);
    return !v6 || IN6_IS_ADDR_LOOPBACK(&*v6) || IN6_IS_ADDR_UNSPECIFIED(&*v6) || IN6_IS_ADDR_LINKLOCAL(&*v6) ||
           IN6_IS_ADDR_MULTICAST(&*v6);
}

std::string canonical_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (const auto v4 = as_v4(text)) {
        const in_addr address{htonl(*v4)};
        inet_ntop(AF_INET, &address, out.data(), out.size());
    } else if (const auto v6 = parse6(text)) {
        inet_ntop(AF_INET6, &*v6, out.data(), out.size());
    }
    return out.data();
}

} // namespace mail::net
