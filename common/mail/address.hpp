// Address: a mailbox as it stands in an SMTP envelope (RFC 5321 §4.1.2, RFC 6531 §3.3), local part and domain
// apart. Used by SMTP, the directory, the queue and the store. Pure functions, safe on any thread and on any
// bytes. An Address keeps the form it was given; equality is decided by address_key alone (NFC, A-label,
// case-folded).
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace mail {

struct Address {
    std::string local; ///< meaning, not spelling: no quotes, no backslashes; 1 to 64 bytes; UTF-8
    std::string
        domain; ///< as given: "example.org", U-labels or A-labels, or "[192.0.2.1]", "[IPv6:2001:db8::1]"

    /// As written in an envelope: the local part is quoted only where RFC 5321 §4.1.2 needs it. No angle
    /// brackets.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool empty() const noexcept { return local.empty() && domain.empty(); }
    [[nodiscard]] bool operator==(const Address&) const = default;
};

/// "local@domain" without angle brackets. Local part: dot-atom or quoted-string, at most 64 bytes, never
/// empty. Domain: host name of LDH or UTF-8 labels, or address literal, at most 255 bytes. No control
/// characters, valid UTF-8.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
/// A domain or address literal alone, by the same rules.
[[nodiscard]] Result<std::string> parse_domain(std::string_view text);
/// "[192.0.2.1]" or "[IPv6:...]": a well-formed address literal (RFC 5321 §4.1.3).
[[nodiscard]] bool is_address_literal(std::string_view domain) noexcept;

/// The form that decides equality everywhere: NFC, domain as lower-case A-label, local part case-folded,
/// unquoted local part joined by '@'. An address whose domain IDNA refuses keeps its folded bytes. No ICU
/// call for ASCII.
[[nodiscard]] std::string address_key(const Address& address);
/// The same for a domain: lower-case A-label without trailing dot; `invalid` when IDNA (UTS 46) refuses it.
[[nodiscard]] Result<std::string> domain_key(std::string_view domain);
/// The local part's half of address_key.
[[nodiscard]] std::string local_key(std::string_view local);
/// The domain as people read it: U-label, NFC; unchanged when it is not IDNA.
[[nodiscard]] std::string domain_display(std::string_view domain);

/// False: the address needs SMTPUTF8 (RFC 6531), unless only its domain is not ASCII and to_ascii_domain is
/// used.
[[nodiscard]] bool is_ascii_only(const Address& address) noexcept;
/// The same address with its domain as A-label; unchanged where IDNA refuses.
[[nodiscard]] Address to_ascii_domain(const Address& address);
/// "ann+lists@example.org" -> "ann@example.org" (RFC 5233); unchanged without '+' or when nothing stands
/// before it.
[[nodiscard]] Address without_detail(const Address& address);
/// What stands after the first '+' of the local part; empty when there is none.
[[nodiscard]] std::string_view detail_of(const Address& address) noexcept;

} // namespace mail
