// ENVELOPE of RFC 9051 §7.5.2: the fields of a header, and their exact form on the wire.
// Also the two ways IMAP writes a string (append_nstring), which BODYSTRUCTURE shares.
#pragma once

#include "common/mail/address_list.hpp"
#include "common/mail/header.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

struct Envelope {
    std::optional<std::string> date;    ///< unfolded, as sent
    std::optional<std::string> subject; ///< unfolded, not decoded
    std::vector<ListedAddress> from;
    std::vector<ListedAddress> sender;   ///< from when the message has none
    std::vector<ListedAddress> reply_to; ///< from when the message has none
    std::vector<ListedAddress> to;
    std::vector<ListedAddress> cc;
    std::vector<ListedAddress> bcc;
    std::optional<std::string> in_reply_to;
    std::optional<std::string> message_id;
};

[[nodiscard]] Envelope make_envelope(const HeaderView& header);
/// "(date subject from sender reply-to to cc bcc in-reply-to message-id)".
void append_envelope(std::string& out, const Envelope& envelope);

/// A quoted string, or a literal "{n}CRLF..." when the bytes hold CR, LF or 8-bit bytes that are not UTF-8,
/// or are over 1000 bytes. NUL becomes U+FFFD (a literal may not hold it). UTF-8 is quoted only when
/// `utf8_quoted` (after ENABLE UTF8=ACCEPT or IMAP4rev2); else it is a literal.
void append_string(std::string& out, std::string_view value, bool utf8_quoted = false);
/// NIL for nullopt; else append_string.
void append_nstring(std::string& out, const std::optional<std::string>& value, bool utf8_quoted = false);

} // namespace mail
