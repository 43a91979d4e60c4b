#include "common/mail/date.hpp"

#include "common/base/text.hpp"
#include "common/mail/scanner.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace mail {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/// RFC 5322 §4.3: the zones of North America; all other names count as +0000.
struct NamedZone {
    std::string_view name;
    int minutes;
};
constexpr std::array named_zones{NamedZone{"EST", -300}, NamedZone{"EDT", -240}, NamedZone{"CST", -360},
                                 NamedZone{"CDT", -300}, NamedZone{"MST", -420}, NamedZone{"MDT", -360},
                                 NamedZone{"PST", -480}, NamedZone{"PDT", -420}};

/// 1 to 12 by the first three letters; 0 when it is no month.
unsigned month_of(std::string_view word) noexcept {
    if (word.size() < 3)
        return 0;
    for (unsigned i = 0; i < month_names.size(); ++i)
        if (text::iequals(word.substr(0, 3), month_names[i]))
            return i + 1;
    return 0;
}

std::string_view read_word(Scanner& scan) noexcept {
    const std::string_view rest = scan.rest();
    std::size_t n = 0;
    while (n < rest.size() && text::is_alpha(rest[n]))
        ++n;
    scan.skip(n);
    return rest.substr(0, n);
}

/// A run of 1 to 9 digits; nullopt for none or more.
std::optional<int> read_digits(Scanner& scan, std::size_t* length = nullptr) noexcept {
    const std::string_view rest = scan.rest();
    std::size_t n = 0;
    while (n < rest.size() && text::is_digit(rest[n]))
        ++n;
    if (n == 0 || n > 9)
        return std::nullopt;
    scan.skip(n);
    if (length != nullptr)
        *length = n;
    return text::number<int>(rest.substr(0, n));
}

std::optional<int> read_year(Scanner& scan) noexcept {
    std::size_t length = 0;
    auto year = read_digits(scan, &length);
    if (!year)
        return std::nullopt;
    // RFC 5322 §4.3: two digits up to 49 are of this century, other two and all three digits count from 1900.
    if (length == 2)
        *year += *year < 50 ? 2000 : 1900;
    else if (length == 3)
        *year += 1900;
    if (*year < 1900 || *year > 9999)
        return std::nullopt;
    return year;
}

struct ClockTime {
    int hour = 0, minute = 0, second = 0;
};

std::optional<ClockTime> read_clock(Scanner& scan) {
    ClockTime clock;
    const auto hour = read_digits(scan);
    scan.skip_blanks();
    if (!hour || !scan.take(':'))
        return std::nullopt;
    scan.skip_blanks();
    const auto minute = read_digits(scan);
    if (!minute)
        return std::nullopt;
    clock.hour = *hour;
    clock.minute = *minute;
    scan.skip_blanks();
    if (scan.take(':')) {
        scan.skip_blanks();
        const auto second = read_digits(scan);
        if (!second)
            return std::nullopt;
        clock.second = *second;
    }
    // RFC 5322 §3.3: 60 is a leap second.
    if (clock.hour > 23 || clock.minute > 59 || clock.second > 60)
        return std::nullopt;
    return clock;
}

int read_zone(Scanner& scan) {
    scan.skip_blanks();
    const char sign = scan.peek();
    if (sign == '+' || sign == '-') {
        scan.skip();
        std::size_t length = 0;
        const auto digits = read_digits(scan, &length);
        if (!digits || length != 4 || *digits % 100 > 59 || *digits / 100 > 23)
            return 0;
        const int offset = *digits / 100 * 60 + *digits % 100;
        return sign == '-' ? -offset : offset;
    }
    const std::string_view word = read_word(scan);
    for (const auto& zone : named_zones)
        if (text::iequals(word, zone.name))
            return zone.minutes;
    return 0;
}

std::optional<DateTime> assemble(int year, unsigned month, int day, ClockTime clock, int offset) {
    if (day < 1 || day > 31)
        return std::nullopt;
    const year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                              std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok())
        return std::nullopt;
    const Time local = Time{sys_days{date}} + std::chrono::hours{clock.hour} + minutes{clock.minute} +
                       std::chrono::seconds{clock.second};
    return DateTime{local - minutes{offset}, offset};
}

struct Fields {
    int year, offset;
    unsigned month, day;
    std::chrono::weekday weekday;
    int hour, minute, second;
};

/// Splits for writing; clamps to the years that four digits can say and to zones below a day.
Fields split_time(Time time, int offset) {
    offset = std::clamp(offset, -1439, 1439);
    constexpr Time lowest = sys_days{std::chrono::year{1} / 1 / 2};
    constexpr Time highest = sys_days{std::chrono::year{9999} / 12 / 30};
    const Time local = std::clamp(time, lowest, highest) + minutes{offset};
    const auto day = std::chrono::floor<days>(local);
    const year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(local - day)};
    return {static_cast<int>(date.year()),
            offset,
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            std::chrono::weekday{day},
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count())};
}

} // namespace

std::optional<DateTime> parse_date_time(std::string_view value) {
    Scanner scan(value);
    scan.skip_blanks();
    unsigned month = 0;
    if (text::is_alpha(scan.peek())) {
        // A weekday, which the date itself overrules; or the month of the C library's asctime form.
        month = month_of(read_word(scan));
        scan.skip_blanks();
        while (scan.take(',') || scan.take('.'))
            scan.skip_blanks();
        if (text::is_alpha(scan.peek()))
            month = month_of(read_word(scan));
    }
    scan.skip_blanks();
    const bool asctime = month != 0;
    const auto day = read_digits(scan);
    if (!day)
        return std::nullopt;
    const auto separate = [&] {
        scan.skip_blanks();
        while (scan.take('-') || scan.take(',') || scan.take('.'))
            scan.skip_blanks();
    };
    separate();
    if (month == 0)
        month = month_of(read_word(scan));
    if (month == 0)
        return std::nullopt;
    separate();
    std::optional<int> year;
    std::optional<ClockTime> clock;
    if (asctime && scan.rest().substr(0, 3).find(':') != std::string_view::npos) {
        clock = read_clock(scan);
        scan.skip_blanks();
        year = read_year(scan);
    } else {
        year = read_year(scan);
        separate();
        clock = read_clock(scan);
    }
    if (!year || !clock)
        return std::nullopt;
    return assemble(*year, month, *day, *clock, read_zone(scan));
}

std::optional<Time> parse_date(std::string_view value) {
    if (const auto date = parse_date_time(value))
        return date->time;
    return std::nullopt;
}

std::string format_date(Time time, int offset_minutes) {
    const Fields f = split_time(time, offset_minutes);
    std::array<char, 64> out{};
    const int zone = std::abs(f.offset);
    const int n =
        std::snprintf(out.data(), out.size(), "%s, %u %s %04d %02d:%02d:%02d %c%02d%02d",
                      day_names[f.weekday.c_encoding()].data(), f.day, month_names[f.month - 1].data(),
                      f.year, f.hour, f.minute, f.second, f.offset < 0 ? '-' : '+', zone / 60, zone % 60);
    return {out.data(), static_cast<std::size_t>(n)};
}

std::string format_internal_date(Time time, int offset_minutes) {
    const Fields f = split_time(time, offset_minutes);
    std::array<char, 64> out{};
    const int zone = std::abs(f.offset);
    // RFC 9051 §9 date-day-fixed: a day below ten has a leading space.
    const int n = std::snprintf(out.data(), out.size(), "%2u-%s-%04d %02d:%02d:%02d %c%02d%02d", f.day,
                                month_names[f.month - 1].data(), f.year, f.hour, f.minute, f.second,
                                f.offset < 0 ? '-' : '+', zone / 60, zone % 60);
    return {out.data(), static_cast<std::size_t>(n)};
}

std::optional<DateTime> parse_internal_date(std::string_view text) {
    // RFC 9051 §9 date-time: fixed columns "dd-Mon-yyyy hh:mm:ss +zzzz".
    if (text.size() != 26 || text[2] != '-' || text[6] != '-' || text[11] != ' ' || text[14] != ':' ||
        text[17] != ':' || text[20] != ' ' || (text[21] != '+' && text[21] != '-'))
        return std::nullopt;
    const auto field = [&](std::size_t at, std::size_t n) -> std::optional<int> {
        for (char c : text.substr(at, n))
            if (!text::is_digit(c))
                return std::nullopt;
        return text::number<int>(text.substr(at, n));
    };
    const auto day = text[0] == ' ' ? field(1, 1) : field(0, 2);
    const auto year = field(7, 4), hour = field(12, 2), minute = field(15, 2), second = field(18, 2);
    const auto zone_hour = field(22, 2), zone_minute = field(24, 2);
    const unsigned month = month_of(text.substr(3, 3));
    if (!day || month == 0 || !year || !hour || !minute || !second || !zone_hour || !zone_minute ||
        *hour > 23 || *minute > 59 || *second > 60 || *zone_hour > 23 || *zone_minute > 59 || *year < 1)
        return std::nullopt;
    const int offset = (*zone_hour * 60 + *zone_minute) * (text[21] == '-' ? -1 : 1);
    return assemble(*year, month, *day, {*hour, *minute, *second}, offset);
}

std::optional<Time> parse_imap_date(std::string_view text) {
    // RFC 9051 §9 date-text: one or two digits of day, then fixed columns.
    const auto dash = text.find('-');
    if (dash == 0 || dash > 2 || text.size() != dash + 9 || text[dash + 4] != '-')
        return std::nullopt;
    const auto day = text::number<unsigned>(text.substr(0, dash));
    const auto year = text::number<unsigned>(text.substr(dash + 5));
    const unsigned month = month_of(text.substr(dash + 1, 3));
    if (!day || !year || month == 0 || *year < 1 || *day > 31)
        return std::nullopt;
    const auto date = assemble(static_cast<int>(*year), month, static_cast<int>(*day), {}, 0);
    return date ? std::optional<Time>(date->time) : std::nullopt;
}

Time day_of(const DateTime& date) noexcept {
    return std::chrono::floor<days>(date.time + minutes{date.offset_minutes});
}

} // namespace mail
