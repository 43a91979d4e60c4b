// Small edits on a whole message's header that delivery needs; the body is never touched.
// All functions take any bytes, CRLF or LF; what they return views into `message` or is new header bytes to
// prepend.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mail {

/// Received fields of the header section: more than limit::received_hops means a loop (RFC 5321 §6.3).
[[nodiscard]] std::size_t count_received(std::string_view message) noexcept;
/// The message without Return-Path fields that stand before any other field (RFC 5321 §4.4: only final
/// delivery adds it).
[[nodiscard]] std::string_view without_return_path(std::string_view message) noexcept;
/// A copy without the named fields (for example Bcc at submission, RFC 5322 §3.6.3).
[[nodiscard]] std::string remove_fields(std::string_view message, std::span<const std::string_view> names);
/// Header bytes for what a submitted message lacks (RFC 6409 §8): Date, Message-ID. Empty when nothing is
/// missing.
[[nodiscard]] std::string missing_fields(std::string_view message, Time now, std::string_view unique,
                                         std::string_view domain);
/// The header section holds bytes over 127: relaying it needs SMTPUTF8 (RFC 6531 §3.2).
[[nodiscard]] bool header_needs_utf8(std::string_view message) noexcept;
/// The body holds bytes over 127: relaying it needs 8BITMIME (RFC 6152).
[[nodiscard]] bool body_is_8bit(std::string_view message) noexcept;
/// True when every line of the message ends in CRLF and no bare CR, LF or NUL is in it.
[[nodiscard]] bool is_clean_crlf(std::string_view message) noexcept;

} // namespace mail
