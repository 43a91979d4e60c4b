// xtext (RFC 3461 §4): how ENVID, ORCPT and AUTH= travel in SMTP parameters. Pure functions over hostile text. Called by the
// SMTP parser and serializer, and by whoever makes delivery reports out of what was kept as it came.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail {

[[nodiscard]] std::string encode_xtext(std::string_view text);
/// Nullopt when it is no xtext.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view text);
/// For reports: empty when it is no xtext.
[[nodiscard]] std::string from_xtext(std::string_view text);
/// For reports: an ORCPT value, "type;address", with the encoding of its address undone: xtext, or the \x{HEX} forms of the
/// utf-8 type (RFC 6533 §3). Empty when it is malformed.
[[nodiscard]] std::string original_recipient(std::string_view orcpt);

} // namespace mail
