#include "common/net/proxy_header.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/checksum.hpp"
#include "common/net/bind.hpp"

#include <array>

#include <arpa/inet.h>

namespace mail::net {
namespace {

using Parsed = Result<ProxyProgress>;

Failure bad(const char* what) { return fail(ErrorCode::invalid, std::string("PROXY header: ") + what); }

Parsed need(std::size_t bytes) { return ProxyProgress{bytes, 0, {}}; }
Parsed whole(std::size_t size, std::optional<Peer> source) { return ProxyProgress{0, size, {std::move(source)}}; }

Peer peer_of(std::string address, std::uint16_t port) {
    Peer peer;
    peer.address = std::move(address);
    peer.port = port;
    peer.loopback = is_loopback(peer.address);
    return peer;
}

constexpr std::string_view v1_mark = "PROXY ";
constexpr std::size_t v1_shortest = 15; ///< "PROXY UNKNOWN\r\n"
constexpr std::size_t v1_longest = 107;

std::optional<std::uint16_t> port_of(std::string_view text) {
    // Section 2.1: decimal, no leading zeros.
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0'))
        return std::nullopt;
    return text::number<std::uint16_t>(text);
}

/// "TCP4 SRC DST SPORT DPORT" or "UNKNOWN" and anything.
Parsed parse_v1_line(std::string_view line, std::size_t size) {
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN "))
        return whole(size, std::nullopt);
    const auto words = text::split(line, ' ');
    if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6"))
        return bad("TCP4 or TCP6, two addresses and two ports are expected");
    const bool is_v4 = words[0] == "TCP4";
    const auto is_address = is_v4 ? is_ipv4 : is_ipv6;
    const auto port = port_of(words[3]);
    if (!is_address(words[1]) || !is_address(words[2]) || !port || !port_of(words[4]))
        return bad("an address or port is malformed");
    return whole(size, peer_of(canonical_address(words[1]), *port));
}

Parsed parse_v1(std::string_view bytes) {
    const std::size_t lf = bytes.find('\n');
    if (lf == bytes.npos) {
        if (bytes.size() >= v1_longest)
            return bad("the line is too long");
        if (bytes.size() < v1_shortest)
            return need(v1_shortest - bytes.size());
        return need(bytes.back() == '\r' ? 1 : 2); // its end is at least so far
    }
    if (lf < v1_shortest - 1 || lf >= v1_longest || bytes[lf - 1] != '\r')
        return bad("the line does not end in CR LF");
    const std::string_view line = bytes.substr(v1_mark.size(), lf - 1 - v1_mark.size());
    if (line.find_first_of(std::string_view("\r\0", 2)) != line.npos)
        return bad("control characters in the line");
    return parse_v1_line(line, lf + 1);
}

constexpr std::string_view v2_mark("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_head = 16;

std::uint16_t number16(std::string_view bytes) {
    return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[0]) << 8) | static_cast<unsigned char>(bytes[1]));
}

std::string address_text(int family, std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, bytes.data(), text.data(), text.size());
    return canonical_address(text.data());
}

/// Section 2.2.5 and following: type, length, value; the checksum must be right where there is one.
bool are_fields_sound(std::string_view header, std::size_t at) {
    constexpr unsigned char crc32c_type = 0x03;
    while (at < header.size()) {
        if (header.size() - at < 3)
            return false;
        const std::size_t length = number16(header.substr(at + 1));
        if (header.size() - at - 3 < length)
            return false;
        if (static_cast<unsigned char>(header[at]) == crc32c_type) {
            if (length != 4)
                return false;
            std::string zeroed(header);
            zeroed.replace(at + 3, 4, 4, '\0');
            const std::uint32_t said = std::uint32_t{number16(header.substr(at + 3))} << 16 | number16(header.substr(at + 5));
            if (crypto::crc32c(zeroed) != said)
                return false;
        }
        at += 3 + length;
    }
    return true;
}

Parsed parse_v2(std::string_view bytes) {
    if (bytes.size() < v2_head)
        return need(v2_head - bytes.size());
    const auto version = static_cast<unsigned char>(bytes[12]);
    const auto family = static_cast<unsigned char>(bytes[13]);
    if (version != 0x20 && version != 0x21)
        return bad("unknown version or command");
    const std::size_t size = v2_head + number16(bytes.substr(14));
    if (size > std::size_t{limit::proxy_header_bytes})
        return fail(ErrorCode::too_large, "PROXY header: it is too long");
    if (bytes.size() < size)
        return need(size - bytes.size());
    const std::string_view header = bytes.substr(0, size);
    if (version == 0x20) // LOCAL: a health check of the proxy's own
        return whole(size, std::nullopt);
    constexpr unsigned char unspecified = 0x00, tcp4 = 0x11, tcp6 = 0x21, unix_stream = 0x31;
    const std::size_t addresses = family == tcp4 ? 12 : family == tcp6 ? 36 : family == unix_stream ? 216 : 0;
    if (addresses == 0 && family != unspecified)
        return bad("an address family or transport that cannot be");
    if (size < v2_head + addresses)
        return bad("the addresses are cut off");
    if (family == unspecified)
        return whole(size, std::nullopt);
    if (!are_fields_sound(header, v2_head + addresses))
        return bad("its extra fields are malformed");
    if (family == unix_stream)
        return whole(size, std::nullopt);
    const std::size_t width = family == tcp4 ? 4 : 16;
    const std::uint16_t port = number16(header.substr(v2_head + 2 * width));
    return whole(size, peer_of(address_text(family == tcp4 ? AF_INET : AF_INET6, header.substr(v2_head, width)), port));
}

} // namespace

Parsed parse_proxy_header(std::string_view bytes) {
    const auto may_be = [&](std::string_view mark) { return mark.starts_with(bytes.substr(0, mark.size())); };
    if (bytes.empty())
        return need(v1_shortest);
    if (may_be(v1_mark))
        return parse_v1(bytes);
    if (may_be(v2_mark))
        return parse_v2(bytes);
    return bad("the connection does not begin with one");
}

Task<Result<void>> take_proxy_header(Stream& stream) {
    std::array<char, static_cast<std::size_t>(limit::proxy_header_bytes)> buffer{};
    std::size_t size = 0;
    stream.set_timeout(std::chrono::seconds(limit::proxy_header_seconds)); // for the whole header
    for (;;) {
        MAIL_CO_TRY(auto progress, parse_proxy_header({buffer.data(), size}));
        if (progress.need == 0) {
            if (progress.header.source)
                stream.set_peer(std::move(*progress.header.source));
            co_return Result<void>{};
        }
        const std::span<char> room = std::span<char>(buffer).subspan(size, progress.need);
        MAIL_CO_TRY(const std::size_t got, co_await stream.read_some(room));
        if (got == 0)
            co_return fail(ErrorCode::closed, "PROXY header: the connection ended within it");
        size += got;
    }
}

} // namespace mail::net
