// Encodings of mail: RFC 2047 encoded-words, RFC 2231 parameters, base64 and quoted-printable as lenient
// decoders, charsets to UTF-8, and the i;unicode-casemap fold (RFC 5051) of searching. Pure, linear time, any
// bytes accepted; what decodes to UTF-8 always is valid UTF-8 (U+FFFD stands for what cannot be read).
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail {

/// A MIME parameter; `name` is lower-case.
struct Parameter {
    std::string name;
    std::string value;
    [[nodiscard]] bool operator==(const Parameter&) const = default;
};

/// A header value for people: unfolded, encoded-words decoded (RFC 2047 §6), other bytes taken as UTF-8 or
/// else windows-1252.
[[nodiscard]] std::string decode_header(std::string_view raw_value);
/// An unstructured value or a display name for a header we write: ASCII unchanged, else encoded-words of at
/// most 75 bytes joined by single blanks (RFC 2047 §2); fold it with make_field.
[[nodiscard]] std::string encode_header(std::string_view utf8);

/// Joins RFC 2231 continuations and decodes charsets: "filename*0*", "filename*1" become "filename", in order
/// of first appearance. Encoded-words in plain values are decoded too, as many programs write them.
[[nodiscard]] std::vector<Parameter> decode_parameters(const std::vector<Parameter>& raw);

/// Skips what is not in the alphabet, stops at padding that ends the data; `clean` (when given) is told false
/// for anything a strict decoder would refuse.
[[nodiscard]] std::string decode_base64(std::string_view encoded, bool* clean = nullptr);
[[nodiscard]] std::string decode_quoted_printable(std::string_view encoded);
/// Lines of at most 76 bytes that end in CRLF (RFC 2045 §6.7, §6.8).
[[nodiscard]] std::string encode_base64_lines(std::string_view bytes);
[[nodiscard]] std::string encode_quoted_printable(std::string_view bytes);
/// Content-Transfer-Encoding `encoding` (case ignored) undone; `unsupported` for an unknown word.
[[nodiscard]] Result<std::string> decode_transfer(std::string_view body, std::string_view encoding);

/// `unsupported` when the charset is not known; bytes that it cannot read become U+FFFD.
[[nodiscard]] Result<std::string> to_utf8(std::string_view bytes, std::string_view charset);
/// The same, but an unknown charset is read as UTF-8 or else windows-1252: for display and search.
[[nodiscard]] std::string to_utf8_lenient(std::string_view bytes, std::string_view charset);
[[nodiscard]] bool is_known_charset(std::string_view charset);
/// Bytes that are not valid UTF-8 become U+FFFD.
[[nodiscard]] std::string scrub_utf8(std::string_view bytes);
/// At most `max_bytes`, cut before the start of a character.
[[nodiscard]] std::string_view truncate_utf8(std::string_view utf8, std::size_t max_bytes) noexcept;

/// RFC 5051 §2: title-case mapped and decomposed, so that substrings compare by bytes. ASCII without ICU.
[[nodiscard]] std::string casemap(std::string_view utf8);
/// NFC; ASCII and what is not UTF-8 unchanged.
[[nodiscard]] std::string to_nfc(std::string_view utf8);

} // namespace mail
