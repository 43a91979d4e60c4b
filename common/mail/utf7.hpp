// Modified UTF-7 of mailbox names (RFC 3501 §5.1.3). Names inside the house are UTF-8; IMAP4rev1 sessions see modified UTF-7,
// sessions that enabled IMAP4rev2 see UTF-8 (RFC 9051 §5.1). Maildir++ folders have such names on disk too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// nullopt for what RFC 3501 §5.1.3 forbids: 8-bit bytes, unterminated or empty shifts, printable ASCII in base64,
/// lone surrogates, superfluous shifts, nonzero padding bits. So decoding and encoding again gives the same bytes.
[[nodiscard]] std::optional<std::string> decode_utf7(std::string_view encoded);
/// `utf8` must be valid UTF-8; other bytes become U+FFFD.
[[nodiscard]] std::string encode_utf7(std::string_view utf8);

/// A name as a client sent it, to UTF-8; nullopt when it is not well-formed. Modified UTF-7 sessions may send
/// valid UTF-8 too, as long as no "&" is in the name.
[[nodiscard]] std::optional<std::string> decode_mailbox_name(std::string_view raw, bool utf8_session);

} // namespace mail
