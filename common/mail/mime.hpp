// MIME structure of one complete message (RFC 2045, RFC 2046) as a flat tree of byte ranges, in one pass.
// Called for BODYSTRUCTURE, FETCH of sections, search and preview. No recursion: parts deeper than
// limit::mime_depth or beyond limit::mime_parts are not taken apart (octet-stream). Malformed input never
// fails: the nearest reading is taken. Ranges nest: a child's range lies inside its parent's body; sections
// of a part, put together, are its bytes.
#pragma once

#include "common/base/result.hpp"
#include "common/mail/encoded.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
    [[nodiscard]] std::string_view of(std::string_view message) const noexcept {
        return message.substr(begin, end - begin);
    }
    [[nodiscard]] bool operator==(const Range&) const = default;
};

struct Disposition {
    std::string type; ///< lower-case; empty when there was no Content-Disposition
    std::vector<Parameter> parameters;
};

struct Part {
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    std::string type = "text";     ///< lower-case
    std::string subtype = "plain"; ///< lower-case
    std::vector<Parameter>
        parameters;                ///< as sent, unquoted; RFC 2231 forms not joined: see decode_parameters
    std::string encoding = "7bit"; ///< Content-Transfer-Encoding, lower-case
    std::string id;                ///< Content-ID
    std::string description;       ///< raw, unfolded
    std::string md5;
    Disposition disposition;
    std::vector<std::string> languages;
    std::string location;

    Range header;          ///< with the empty line that ends it
    Range body;            ///< without the line end that belongs to the next boundary
    std::size_t lines = 0; ///< line ends in the body
    bool opaque = false;   ///< a limit was reached: not taken apart, shown as application/octet-stream

    std::uint32_t parent = none;
    std::uint32_t first_child =
        none; ///< of multipart: the first part; of message/rfc822: the embedded message
    std::uint32_t next_sibling = none;
    std::uint16_t depth = 0;

    [[nodiscard]] bool is_multipart() const noexcept { return type == "multipart" && !opaque; }
    [[nodiscard]] bool is_message() const noexcept {
        return type == "message" && (subtype == "rfc822" || subtype == "global") && !opaque;
    }
    [[nodiscard]] bool is_text() const noexcept { return type == "text"; }
    /// A raw parameter's value (name lower-case); empty when missing.
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;
    /// Decoded Content-Disposition filename, else Content-Type name; UTF-8, may be empty. Never a safe path.
    [[nodiscard]] std::string filename() const;
};

struct MimeTree {
    std::vector<Part> parts; ///< parts[0] is the message itself; parents stand before their children
    [[nodiscard]] const Part& root() const { return parts.front(); }
};

/// Takes the whole message apart. Always at least one part.
[[nodiscard]] MimeTree parse_mime(std::string_view message);

/// What a FETCH section names besides its part numbers (RFC 9051 §6.4.5.1).
enum class SectionText : std::uint8_t { whole, header, text, mime };

/// The part that numbers name, or nullptr: RFC 9051 §6.4.5.1 ("1" of a message that is not multipart is its
/// body; the parts of an embedded message count inside message/rfc822). Empty path: the root.
[[nodiscard]] const Part* find_part(const MimeTree& tree, std::span<const std::uint32_t> path);
/// The bytes of a section; nullopt when it does not exist (FETCH answers NIL). whole with an empty path is
/// the message; header and text with a path need message/rfc822; mime needs a path.
[[nodiscard]] std::optional<Range> find_section(const MimeTree& tree, std::string_view message,
                                                std::span<const std::uint32_t> path, SectionText text);
/// The part's body with its transfer encoding undone (RFC 3516 BINARY); `unsupported` for an unknown
/// encoding.
[[nodiscard]] Result<std::string> decoded_body(std::string_view message, const Part& part);
/// The same as UTF-8 text by its charset parameter, for search and preview; empty for parts that are not
/// text.
[[nodiscard]] std::string decoded_text(std::string_view message, const Part& part);

/// A structured "value; name=value" header (Content-Type, Content-Disposition): the value's words lower-case
/// in `value`, parameters raw, at most limit::mime_parameters.
struct ParameterizedValue {
    std::string value; ///< "text/plain", "attachment"; empty when unreadable
    std::vector<Parameter> parameters;
};
[[nodiscard]] ParameterizedValue parse_parameterized(std::string_view raw_value);

} // namespace mail
