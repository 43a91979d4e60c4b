// What text looks like on a terminal: display width, escaping, shortening, colour.
// Called by every printer. Pure functions; nothing here writes. Text that comes from users or from the network passes
// through clean() before it reaches a terminal, so a mailbox name can never move the cursor or fake a line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mail::mailctl {

/// What the other end of a stream can do.
struct Terminal {
    bool tty = false;
    std::size_t width = 80; ///< columns; meaningless without a tty
    bool colour = false;
};

enum class Tone : std::uint8_t { plain, title, good, warn, bad, faint };

/// Columns that `utf8` takes: wide characters count two, combining ones none.
[[nodiscard]] std::size_t display_width(std::string_view utf8);
/// Control characters, direction overrides and bytes that are not UTF-8 written out as \n, \t, \xNN or \u{N}.
[[nodiscard]] std::string clean(std::string_view text);
/// `text` if it fits into `width` columns, otherwise its beginning and an ellipsis. Expects cleaned text.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t width);
/// `text` followed (or, for numbers, preceded) by spaces up to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width, bool right = false);
/// `text` in the colour of `tone`, or as it is where colour is off.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, bool colour);
/// `text` broken at spaces into lines of at most `width` columns, every line after the first indented by `indent`.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

} // namespace mail::mailctl
