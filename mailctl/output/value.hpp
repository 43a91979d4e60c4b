// Reading the server's JSON for people: members by dotted path, raw text for scripts, human text for tables.
// Called by the printers. Pure. Units name what a number means; a value that does not fit its unit is shown as it is.
#pragma once

#include "common/base/time.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::mailctl {

enum class Unit : std::uint8_t { text, number, bytes, seconds, time, boolean };

/// The member at "spec.quota" or "last_error.code"; null pointer when any step is missing.
[[nodiscard]] const boost::json::value* at_path(const boost::json::value& from, std::string_view path);
/// As a script wants it: null and absent are empty, lists joined with commas, objects as compact JSON; sizes in bytes
/// and durations in seconds where the unit says so.
[[nodiscard]] std::string raw_text(const boost::json::value* value, Unit unit = Unit::text);
/// As a person wants it: 2 GiB, 3m ago, yes, "-" for nothing and for a size or duration that is set to 0. Not yet cleaned.
[[nodiscard]] std::string human_text(const boost::json::value* value, Unit unit, Time now);
/// The text or "" when it is absent or no string.
[[nodiscard]] std::string text_at(const boost::json::value& from, std::string_view path);
/// The number or 0.
[[nodiscard]] std::int64_t number_at(const boost::json::value& from, std::string_view path);
/// 1536 -> "1.5 KiB".
[[nodiscard]] std::string human_bytes(std::int64_t bytes);
/// "3m ago", "in 4h", "now"; the largest unit that fits.
[[nodiscard]] std::string human_moment(Time then, Time now);
/// "3d 4h", "12m", "7s".
[[nodiscard]] std::string human_span(std::int64_t seconds);

} // namespace mail::mailctl
