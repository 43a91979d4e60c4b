// What a client that did not say UTF8 gets instead of header sections in UTF-8 (RFC 6856 §4): a surrogate in ASCII, as
// RFC 6857 and RFC 6858 describe it. The message in the store stays as it is. Pure, used by the session.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail::pop3 {

/// `header`: a header section with or without its empty line. Text and display names become encoded-words, addresses that
/// are not ASCII a placeholder, other fields that cannot be shown are left out. nullopt: it can be sent as it is, because
/// it is ASCII, or because it is not UTF-8 and so nothing that UTF8 mode would be for.
[[nodiscard]] std::optional<std::string> ascii_surrogate(std::string_view header);

/// `message`: a whole one. The same for its header section and for those of all its parts and embedded messages that
/// parse_mime takes apart; an embedded message/global whose header is ASCII now is called message/rfc822. Bodies stay as
/// they are, byte for byte. nullopt: nothing had to change.
[[nodiscard]] std::optional<std::string> ascii_surrogate_of_message(std::string_view message);

} // namespace mail::pop3
