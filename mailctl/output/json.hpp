// JSON for people and scripts: two spaces of indent, members in the server's order, control characters escaped (also
// DEL and C1, which some terminals obey). One line per value for NDJSON.
#pragma once

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>

namespace mail::mailctl {

/// Indented, ends with a newline.
[[nodiscard]] std::string json_text(const boost::json::value& value);
/// One line, ends with a newline.
[[nodiscard]] std::string json_line(const boost::json::value& value);

/// DEL and U+0080 to U+009F within quoted strings as \u00NN: JSON and YAML allow them raw, terminals may obey them.
[[nodiscard]] std::string without_terminal_codes(std::string_view text);

} // namespace mail::mailctl
