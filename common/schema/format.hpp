// TextFormat: the form a text must have (an address, a domain, a bind address ...): one function that checks
// it and brings it to its canonical form, and one that gives the key by which two forms are equal. Used by
// field tables. Pure; safe on any bytes. Numeric addresses only; nothing is looked up.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

struct TextFormat {
    std::string_view name;        ///< "address", "bind": as shown by explain and JSON Schema
    std::string_view explanation; ///< "an address such as ann@example.org"
    /// The canonical form: what is stored and shown. Errors: invalid, with a sentence that fits after "field:
    /// ".
    Result<std::string> (*canonical)(std::string_view);
    /// The comparison form of a canonical text; null: the text itself.
    std::string (*key)(std::string_view) = nullptr;
};

extern const TextFormat address_format;     ///< mailbox address; local part as given, domain as A-label
extern const TextFormat own_address_format; ///< the same, equal without regard to the case of the local part
extern const TextFormat
    address_name_format; ///< canonical form is address_key: the name of mailboxes, aliases, groups
extern const TextFormat domain_format;         ///< lower-case A-label
extern const TextFormat domain_pattern_format; ///< a domain, "*.example.org" or "*"
extern const TextFormat address_pattern_format; ///< an address, a domain, "*.example.org", "*", or "<>"
extern const TextFormat host_format;           ///< host name, lower case
extern const TextFormat name_format;        ///< name of an object: letters, digits, ".", "_", "-"; at most 64
extern const TextFormat bind_format;        ///< "ADDR:PORT", "[::1]:PORT", "*:PORT", "unix:PATH", "fd:N", "fd:NAME"
extern const TextFormat endpoint_format;    ///< "host", "host:port", "192.0.2.1:25", "[2001:db8::1]:25"
extern const TextFormat ip_endpoint_format; ///< the same with numeric addresses only
extern const TextFormat ip_format;          ///< one IPv4 or IPv6 address
extern const TextFormat network_format;     ///< "192.0.2.0/24", "2001:db8::/32" or one address
extern const TextFormat client_certificate_format; ///< "sha256:HEX" or a name in a certificate
extern const TextFormat path_format;        ///< a file: absolute path without control characters
extern const TextFormat timezone_format;    ///< IANA time zone name
extern const TextFormat time_format;        ///< RFC 3339, in UTC; a date alone is its midnight
extern const TextFormat line_format;        ///< one line of UTF-8 without control characters

/// "host:port" apart; port 0 when none is written. Expects what endpoint_format accepts.
struct Endpoint {
    std::string host; ///< without brackets
    std::uint16_t port = 0;
    bool is_numeric = false;
};
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

/// One network as bytes, for containment checks.
struct Network {
    unsigned char bytes[16] = {};
    bool is_ipv6 = false;
    int prefix = 0;
};
[[nodiscard]] Result<Network> parse_network(std::string_view text);
/// Networks of a list whose texts were checked; what is none is left out.
[[nodiscard]] std::vector<Network> parse_networks(const std::vector<std::string>& texts);
/// Whether a numeric address is in one of them. Also an IPv4 address in its IPv6-mapped form; an empty one never is.
[[nodiscard]] bool contains(const std::vector<Network>& networks, std::string_view address);

} // namespace mail::schema
