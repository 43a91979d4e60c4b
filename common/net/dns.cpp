// Typed look-ups on top of Resolver::query: reading record data. It comes from strangers' servers: every length is
// checked, and what is malformed is left out.
#include "common/net/dns.hpp"

#include "common/base/text.hpp"
#include "common/net/bind.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>

namespace mail::net {
namespace {

std::uint8_t byte_at(std::string_view data, std::size_t at) { return static_cast<std::uint8_t>(data[at]); }

/// An uncompressed wire-format name (libunbound hands them out so). Nullopt when malformed or not plain text.
std::optional<std::string> read_name(std::string_view data) {
    std::string name;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t size = byte_at(data, at++);
        if (size == 0)
            return name;
        if (size > 63 || size > data.size() - at || name.size() + size > 254)
            return std::nullopt;
        if (!name.empty())
            name += '.';
        for (const char c : data.substr(at, size)) {
            // Dots and blanks inside a label could not be told from the name's own; no mail host has them.
            if (!text::is_alnum(c) && c != '-' && c != '_')
                return std::nullopt;
            name += text::lower(c);
        }
        at += size;
    }
    return std::nullopt;
}

/// A name that is not the root.
std::optional<std::string> read_host(std::string_view data) {
    auto name = read_name(data);
    return name && !name->empty() ? name : std::nullopt;
}

/// The character strings of a TXT record, joined.
std::optional<std::string> read_txt(std::string_view data) {
    std::string joined;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t size = byte_at(data, at++);
        if (size > data.size() - at)
            return std::nullopt;
        joined.append(data.substr(at, size));
        at += size;
    }
    return joined;
}

std::optional<std::string> read_address(std::string_view data) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (data.size() == 4)
        inet_ntop(AF_INET, data.data(), text.data(), text.size());
    else if (data.size() == 16)
        inet_ntop(AF_INET6, data.data(), text.data(), text.size());
    else
        return std::nullopt;
    return text.data();
}

std::optional<MxRecord> read_mx(std::string_view data) { // RFC 1035 §3.3.9
    if (data.size() < 3)
        return std::nullopt;
    auto host = read_name(data.substr(2));
    if (!host)
        return std::nullopt;
    return MxRecord{static_cast<std::uint16_t>(byte_at(data, 0) << 8U | byte_at(data, 1)), std::move(*host)};
}

std::optional<TlsaRecord> read_tlsa(std::string_view data) { // RFC 6698 §2.1
    if (data.size() < 4)
        return std::nullopt;
    return TlsaRecord{byte_at(data, 0), byte_at(data, 1), byte_at(data, 2), std::string(data.substr(3))};
}

/// At most so many records of one answer are looked at.
constexpr std::size_t most_records = 1000;

template <class T, class Read> Result<DnsAnswer<T>> convert(Result<DnsRecords> raw, Read read) {
    if (!raw)
        return fail(std::move(raw).error());
    DnsAnswer<T> answer{{}, raw->secure, raw->ttl, std::move(raw->canonical)};
    for (std::size_t i = 0; i < std::min(raw->rdata.size(), most_records); ++i)
        if (auto record = read(raw->rdata[i]))
            answer.records.push_back(std::move(*record));
    if (answer.records.empty())
        return fail(ErrorCode::temporary, "the DNS answer is malformed");
    return answer;
}

} // namespace

Task<Result<DnsAnswer<MxRecord>>> Resolver::mx(std::string domain) {
    auto raw = co_await query(std::move(domain), DnsType::mx);
    auto answer = convert<MxRecord>(std::move(raw), read_mx);
    if (answer)
        std::stable_sort(answer->records.begin(), answer->records.end(),
                         [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
    co_return answer;
}

Task<Result<DnsAnswer<std::string>>> Resolver::ipv4(std::string name) {
    auto raw = co_await query(std::move(name), DnsType::a);
    co_return convert<std::string>(std::move(raw), read_address);
}

Task<Result<DnsAnswer<std::string>>> Resolver::ipv6(std::string name) {
    auto raw = co_await query(std::move(name), DnsType::aaaa);
    co_return convert<std::string>(std::move(raw), read_address);
}

Task<Result<DnsAnswer<std::string>>> Resolver::addresses(std::string name) {
    auto six = co_await ipv6(name);
    auto four = co_await ipv4(name);
    if (!six && !four) {
        // One sure "no" does not outweigh one "not now".
        co_return six.error().code == ErrorCode::not_found ? std::move(four) : std::move(six);
    }
    if (!six)
        co_return four;
    if (four) {
        six->records.insert(six->records.end(), four->records.begin(), four->records.end());
        six->secure = six->secure && four->secure;
        six->ttl = std::min(six->ttl, four->ttl);
    }
    co_return six;
}

Task<Result<DnsAnswer<std::string>>> Resolver::txt(std::string name) {
    auto raw = co_await query(std::move(name), DnsType::txt);
    co_return convert<std::string>(std::move(raw), read_txt);
}

Task<Result<DnsAnswer<TlsaRecord>>> Resolver::tlsa(std::string host, std::uint16_t port) {
    auto raw = co_await query("_" + std::to_string(port) + "._tcp." + host, DnsType::tlsa);
    co_return convert<TlsaRecord>(std::move(raw), read_tlsa);
}

Task<Result<DnsAnswer<std::string>>> Resolver::ptr(std::string address) {
    const std::string name = reverse_name(address);
    if (name.empty())
        co_return fail(ErrorCode::invalid, "\"" + text::escape(address, 100) + "\" is no numeric address");
    auto raw = co_await query(name, DnsType::ptr);
    co_return convert<std::string>(std::move(raw), read_host);
}

std::string reverse_name(std::string_view address) {
    const std::string plain = canonical_address(address);
    if (plain.empty())
        return {};
    std::string name;
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET, plain.c_str(), bytes.data()) == 1) { // RFC 1035 §3.5
        for (std::size_t i = 4; i-- > 0;)
            name += std::to_string(bytes[i]) + ".";
        return name + "in-addr.arpa";
    }
    inet_pton(AF_INET6, plain.c_str(), bytes.data());
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 16; i-- > 0;) { // RFC 3596 §2.5
        name += digits[bytes[i] & 15U];
        name += '.';
        name += digits[bytes[i] >> 4U];
        name += '.';
    }
    return name + "ip6.arpa";
}

} // namespace mail::net
