// Splitting a header section into fields (RFC 5322 §2.2), by views into the message: nothing is copied.
// Hostile input is kept as it is: a line without colon, a fold on the first line or a NUL becomes a Field
// without a name, so that fields always cover the whole section, byte for byte. Linear time, lines end in
// CRLF or bare LF.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

struct Field {
    std::string_view name;  ///< without colon and blanks before it; empty when the line is not a field
    std::string_view value; ///< raw: after the colon, with its folding, without the last line end
    std::string_view whole; ///< every byte of the field with its line end
};

struct HeaderView {
    std::vector<Field> fields;
    std::string_view section;    ///< all fields, without the empty line
    std::size_t body_offset = 0; ///< after the empty line; the message's size when there is none
    bool has_separator = false;  ///< an empty line was there

    /// The first field of that name (ASCII case ignored), or nullptr.
    [[nodiscard]] const Field* find(std::string_view name) const noexcept;
    /// The raw value of the first field of that name; empty when missing.
    [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// Reads from the start of `message` to the first empty line. Views point into `message`.
[[nodiscard]] HeaderView parse_header(std::string_view message);
/// Only the size of the header section with its empty line; no allocation.
[[nodiscard]] std::size_t header_size(std::string_view message) noexcept;
/// Removes line ends that are followed by blank (RFC 5322 §2.2.3), stray CR, LF and NUL; trims both ends.
[[nodiscard]] std::string unfold(std::string_view raw_value);
/// IMAP HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 9051 §6.4.5.1): the chosen fields in their order and bytes,
/// then the empty line. `header` is a header section with or without its empty line.
[[nodiscard]] std::string select_fields(std::string_view header, std::span<const std::string> names,
                                        bool inverted);
/// Folds `value` after commas and blanks so that lines stay near 78 bytes, ends it with CRLF: "Name:
/// value\r\n". Control characters in `value` become blanks, so that no second field can be smuggled in.
[[nodiscard]] std::string make_field(std::string_view name, std::string_view value);

} // namespace mail
