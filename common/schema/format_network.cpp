#include "common/schema/format.hpp"

#include "common/base/text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace mail::schema {

namespace {

std::string quoted(std::string_view text) {
    return "\"" + text::escape(text, 80) + "\"";
}

struct Ip {
    std::array<unsigned char, 16> bytes{};
    bool is_ipv6 = false;
};

std::optional<Ip> parse_ip(std::string_view text) {
    if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const std::string terminated(text);
    Ip ip;
    if (inet_pton(AF_INET, terminated.c_str(), ip.bytes.data()) == 1)
        return ip;
    if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) != 1)
        return std::nullopt;
    // RFC 4291 §2.5.5.2: an IPv4-mapped address is the IPv4 address.
    constexpr std::array<unsigned char, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), ip.bytes.begin())) {
        Ip v4;
        std::copy(ip.bytes.begin() + 12, ip.bytes.end(), v4.bytes.begin());
        return v4;
    }
    ip.is_ipv6 = true;
    return ip;
}

std::string ip_text(const Ip& ip) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    inet_ntop(ip.is_ipv6 ? AF_INET6 : AF_INET, ip.bytes.data(), out.data(),
              static_cast<socklen_t>(out.size()));
    return out.data();
}

Result<std::string> canonical_ip(std::string_view text) {
    const auto ip = parse_ip(text);
    if (!ip)
        return fail(ErrorCode::invalid, quoted(text) + " is no IP address",
                    "write it like 192.0.2.1 or 2001:db8::1");
    return ip_text(*ip);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    return text.size() <= 5 ? text::number<std::uint16_t>(text) : std::nullopt;
}

/// "host:port", "[v6]:port", "host", "[v6]" or a bare IPv6 address, apart; nullopt when the form is broken.
struct Split {
    std::string_view host;
    std::optional<std::uint16_t> port;
};
std::optional<Split> split_port(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos)
            return std::nullopt;
        const std::string_view rest = text.substr(close + 1);
        Split out{text.substr(1, close - 1), std::nullopt};
        if (!rest.empty() && (rest.front() != ':' || !(out.port = parse_port(rest.substr(1)))))
            return std::nullopt;
        return out.host.find(':') == std::string_view::npos ? std::nullopt : std::optional(out);
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
        return Split{text, std::nullopt};
    Split out{text.substr(0, colon), parse_port(text.substr(colon + 1))};
    return out.port ? std::optional(out) : std::nullopt;
}

std::string join_port(const std::string& host, std::optional<std::uint16_t> port) {
    if (!port)
        return host;
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(*port);
}

Result<std::string> canonical_endpoint(std::string_view text) {
    const auto split = split_port(text);
    if (split && split->port != 0) {
        if (const auto ip = parse_ip(split->host))
            return join_port(ip_text(*ip), split->port);
        const auto host = host_format.canonical(split->host);
        if (host)
            return join_port(*host, split->port);
    }
    return fail(ErrorCode::invalid, quoted(text) + " is no host with or without port",
                "write it like smtp.example.org:587, 192.0.2.1:25 or [2001:db8::1]:25");
}

Result<std::string> canonical_ip_endpoint(std::string_view text) {
    const auto split = split_port(text);
    const auto ip = split ? parse_ip(split->host) : std::nullopt;
    if (!ip || split->port == 0)
        return fail(ErrorCode::invalid, quoted(text) + " is no IP address with or without port",
                    "write it like 127.0.0.1, 127.0.0.1:5353 or [::1]:53");
    return join_port(ip_text(*ip), split->port);
}

constexpr std::size_t longest_socket_path = 107; // sun_path without its final zero

/// What LISTEN_FDNAMES may hold, as far as people name sockets.
bool is_socket_name(std::string_view name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !name.empty() && name.size() <= 64 && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

Result<std::string> canonical_bind(std::string_view text) {
    const auto broken = [&] {
        return fail(ErrorCode::invalid, quoted(text) + " is no bind address",
                    "write 127.0.0.1:25, [::1]:25, *:25 or unix:/path");
    };
    if (text.starts_with("unix:")) {
        const auto path = path_format.canonical(text.substr(5));
        if (!path || path->size() > longest_socket_path)
            return broken();
        return "unix:" + *path;
    }
    if (text.starts_with("fd:")) {
        const auto name = text.substr(3);
        if (is_socket_name(name))
            return std::string(text);
        const auto number = text::number<std::uint16_t>(name);
        if (!number || *number < 3)
            return broken();
        return "fd:" + std::to_string(*number);
    }
    const auto split = split_port(text);
    if (!split || !split->port)
        return broken();
    if (split->host == "*")
        return join_port("*", split->port);
    const auto ip = parse_ip(split->host);
    if (!ip)
        return broken();
    return join_port(ip_text(*ip), split->port);
}

Result<std::string> canonical_network(std::string_view text) {
    MAIL_TRY(const auto network, parse_network(text));
    Ip ip;
    std::copy(std::begin(network.bytes), std::end(network.bytes), ip.bytes.begin());
    ip.is_ipv6 = network.is_ipv6;
    const int whole = network.is_ipv6 ? 128 : 32;
    return network.prefix == whole ? ip_text(ip) : ip_text(ip) + "/" + std::to_string(network.prefix);
}

/// "sha256:" and 64 digits, with or without colons as openssl prints them; else a host name or an address.
Result<std::string> canonical_client_certificate(std::string_view text) {
    constexpr std::string_view tag = "sha256:";
    if (text::istarts_with(text, tag)) {
        std::string digits;
        for (const char c : text.substr(tag.size()))
            if (c != ':')
                digits += c;
        digits = text::to_lower(digits);
        if (digits.size() == 64 && digits.find_first_not_of("0123456789abcdef") == std::string::npos)
            return std::string(tag) + digits;
    } else if (text.find('@') != std::string_view::npos) {
        if (auto address = own_address_format.canonical(text))
            return address;
    } else if (auto host = host_format.canonical(text)) {
        return host;
    }
    return fail(ErrorCode::invalid, quoted(text) + " names no certificate",
                "write sha256:FINGERPRINT (openssl x509 -noout -fingerprint -sha256), relay.example.org or ann@example.org");
}

} // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    MAIL_TRY(const auto canonical, canonical_endpoint(text));
    const auto split = split_port(canonical);
    Endpoint out;
    out.host = split->host;
    out.port = split->port.value_or(0);
    out.is_numeric = parse_ip(split->host).has_value();
    return out;
}

Result<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    const auto ip = parse_ip(address);
    std::optional<std::uint8_t> prefix;
    if (ip) {
        const bool is_mapped = !ip->is_ipv6 && address.find(':') != std::string_view::npos;
        const std::uint8_t offset = is_mapped ? 96 : 0;
        const std::uint8_t whole = ip->is_ipv6 || is_mapped ? 128 : 32;
        prefix = slash == std::string_view::npos ? whole : text::number<std::uint8_t>(text.substr(slash + 1));
        if (prefix && (*prefix > whole || *prefix < offset))
            prefix.reset();
        if (prefix)
            prefix = static_cast<std::uint8_t>(*prefix - offset);
    }
    if (!prefix)
        return fail(ErrorCode::invalid, quoted(text) + " is no network",
                    "write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
    Network out;
    out.is_ipv6 = ip->is_ipv6;
    out.prefix = *prefix;
    std::copy(ip->bytes.begin(), ip->bytes.end(), std::begin(out.bytes));
    for (int bit = out.prefix; bit < 128; ++bit)
        out.bytes[bit / 8] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
    return out;
}

std::vector<Network> parse_networks(const std::vector<std::string>& texts) {
    std::vector<Network> out;
    for (const auto& text : texts)
        if (const auto network = parse_network(text))
            out.push_back(*network);
    return out;
}

bool contains(const std::vector<Network>& networks, std::string_view address) {
    if (networks.empty() || address.empty())
        return false;
    // parse_ip makes an IPv4 address of ::ffff:192.0.2.1, which is how a listener for both families sees it.
    const auto ip = parse_ip(address);
    return ip && std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
        const auto whole = static_cast<std::size_t>(network.prefix / 8);
        const int mask = 0xff & (0xff00 >> (network.prefix % 8));
        return network.is_ipv6 == ip->is_ipv6 && std::equal(network.bytes, network.bytes + whole, ip->bytes.begin()) &&
               (mask == 0 || ((network.bytes[whole] ^ ip->bytes[whole]) & mask) == 0);
    });
}

const TextFormat bind_format{"bind address", "127.0.0.1:25, [::1]:25, *:25, unix:/path, fd:3 or fd:name",
                             canonical_bind};
const TextFormat endpoint_format{"endpoint", "a host with or without port", canonical_endpoint};
const TextFormat ip_endpoint_format{"IP endpoint", "an IP address with or without port",
                                    canonical_ip_endpoint};
const TextFormat ip_format{"IP address", "an IPv4 or IPv6 address", canonical_ip};
const TextFormat client_certificate_format{"client certificate", "sha256:FINGERPRINT, or a name in the certificate",
                                           canonical_client_certificate};
const TextFormat network_format{"network", "a network such as 10.0.0.0/8, or one address", canonical_network};

} // namespace mail::schema
