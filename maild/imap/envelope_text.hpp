// Reading back the ENVELOPE that the store keeps, for SEARCH: the fields as text that people would recognise, without
// touching the message. Pure; bounded by the length of the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::imap {

struct EnvelopeText {
    std::string from, to, cc, bcc; ///< "Name <mailbox@host>, ...", decoded, casemapped for searching
    std::string subject;           ///< decoded, casemapped
    std::string message_id;        ///< casemapped
};

namespace envelope_field {
inline constexpr std::uint8_t from = 1, to = 2, cc = 4, bcc = 8, subject = 16, message_id = 32;
}

/// Only the fields in `wanted` (envelope_field bits) are filled; nullopt when `envelope` is not one.
[[nodiscard]] std::optional<EnvelopeText> read_envelope(std::string_view envelope, std::uint8_t wanted);

} // namespace mail::imap
