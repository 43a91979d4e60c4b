// Dates of mail: RFC 5322 §3.3 date-time with its obsolete forms (§4.3), and the two date forms of IMAP
// (RFC 9051 §9 date-time and date). Bounded work on any bytes; never a crash on an impossible date, only
// nullopt. Called by ENVELOPE building, SORT, SEARCH SENTON, APPEND and everything that writes a Date or
// Received field.
#pragma once

#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// A point in time and the zone it was written in.
struct DateTime {
    Time time{};            ///< UTC
    int offset_minutes = 0; ///< east of UTC
    [[nodiscard]] bool operator==(const DateTime&) const = default;
};

/// A Date field's value: comments, folding, missing weekday or seconds, two-digit years and named zones are
/// understood. An unknown zone is +0000 (RFC 5322 §4.3). Years 1900 to 9999.
[[nodiscard]] std::optional<DateTime> parse_date_time(std::string_view value);
[[nodiscard]] std::optional<Time> parse_date(std::string_view value);
/// "Thu, 17 Jul 1996 02:44:25 -0700" (RFC 5322 §3.3). Times outside the years 1 to 9999 are clamped.
[[nodiscard]] std::string format_date(Time time, int offset_minutes = 0);

/// "17-Jul-1996 02:44:25 -0700", the day padded with a space: RFC 9051 §9 date-time, without its quotes.
[[nodiscard]] std::string format_internal_date(Time time, int offset_minutes = 0);
[[nodiscard]] std::optional<DateTime> parse_internal_date(std::string_view text);
/// "1-Feb-1994" (RFC 9051 §9 date), without quotes: the days since 1970-01-01 at midnight UTC.
[[nodiscard]] std::optional<Time> parse_imap_date(std::string_view text);

/// The day (midnight) a date was written on in its own zone, for SENTON and friends: RFC 9051 §6.4.4
/// disregards zones.
[[nodiscard]] Time day_of(const DateTime& date) noexcept;

} // namespace mail
