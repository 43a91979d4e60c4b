// Paths of MAIL and RCPT (RFC 5321 §4.1.2, RFC 6531 §3.3) and xtext (RFC 3461 §4). Pure functions over hostile text:
// linear, without recursion. What is inside the angle brackets is judged by mail::parse_address.
#pragma once

#include "common/base/result.hpp"
#include "common/mail/address.hpp"
#include "common/mail/xtext.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail::smtp {

/// "<>" is empty; "<postmaster>" has a local part and no domain.
struct Path {
    Address address;

    bool operator==(const Path&) const = default;
    [[nodiscard]] bool is_null() const noexcept { return address.empty(); }
    [[nodiscard]] bool is_bare_postmaster() const noexcept { return !address.local.empty() && address.domain.empty(); }
    /// Needs SMTPUTF8 (RFC 6531 §3.4).
    [[nodiscard]] bool is_utf8() const noexcept;
    /// As it stands in an envelope, with angle brackets.
    [[nodiscard]] std::string text() const;
};

/// Takes a path off the front of `rest`. Source routes are read and ignored (RFC 5321 appendix C). `null_allowed`:
/// "<>" is a path (MAIL); otherwise "<postmaster>" is (RCPT).
[[nodiscard]] Result<Path> take_path(std::string_view& rest, bool null_allowed);

/// EHLO's argument: a domain or an address literal by RFC 5321 §4.1.3. Nothing depends on it but what we write down.
[[nodiscard]] bool is_helo_name(std::string_view name) noexcept;

using mail::decode_xtext;
using mail::encode_xtext;

} // namespace mail::smtp
