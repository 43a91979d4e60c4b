#include "common/base/time.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace mail {
namespace {

class SystemClock final : public Clock {
  public:
    Time now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }
    SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

struct Unit {
    char letter;
    std::int64_t seconds;
};
constexpr std::array units{Unit{'w', 604800}, Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};
constexpr std::int64_t longest = 100LL * 366 * 86400;

} // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

std::string format_rfc3339(Time t) {
    const auto days = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date{days};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(t - days)};
    std::string out;
    out.reserve(20);
    const auto two = [&out](unsigned value, char after) {
        out += static_cast<char>('0' + value / 10 % 10);
        out += static_cast<char>('0' + value % 10);
        out += after;
    };
    const auto year = static_cast<unsigned>(std::clamp(static_cast<int>(date.year()), 0, 9999));
    two(year / 100, static_cast<char>('0' + year / 10 % 10));
    out += static_cast<char>('0' + year % 10);
    out += '-';
    two(static_cast<unsigned>(date.month()), '-');
    two(static_cast<unsigned>(date.day()), 'T');
    two(static_cast<unsigned>(clock.hours().count()), ':');
    two(static_cast<unsigned>(clock.minutes().count()), ':');
    two(static_cast<unsigned>(clock.seconds().count()), 'Z');
    return out;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
    // Fixed form YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM), or a date alone.
    const auto field = [&](std::size_t at, std::size_t length) -> std::optional<int> {
        return at + length <= text.size() ? text::number<int>(text.substr(at, length)) : std::nullopt;
    };
    if (text.size() < 10 || text[4] != '-' || text[7] != '-')
        return std::nullopt;
    const auto year = field(0, 4), month = field(5, 2), day = field(8, 2);
    if (!year || !month || !day || *year < 0 || *month < 1 || *day < 1)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok())
        return std::nullopt;
    Time result = std::chrono::sys_days{date};
    if (text.size() == 10)
        return result;
    if (text.size() < 20 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':')
        return std::nullopt;
    const auto hour = field(11, 2), minute = field(14, 2), second = field(17, 2);
    if (!hour || !minute || !second || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59 || *second < 0 ||
        *second > 60)
        return std::nullopt;
    result += std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
    std::size_t at = 19;
    if (text[at] == '.')
        for (++at; at < text.size() && text::is_digit(text[at]);)
            ++at;
    if (at + 1 == text.size() && text::upper(text[at]) == 'Z')
        return result;
    if (at + 6 != text.size() || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':')
        return std::nullopt;
    const auto zone_hour = field(at + 1, 2), zone_minute = field(at + 4, 2);
    if (!zone_hour || !zone_minute || *zone_hour < 0 || *zone_hour > 23 || *zone_minute < 0 || *zone_minute > 59)
        return std::nullopt;
    const auto offset = std::chrono::hours{*zone_hour} + std::chrono::minutes{*zone_minute};
    return text[at] == '+' ? result - offset : result + offset;
}

std::optional<Duration> parse_duration(std::string_view text) {
    if (text.empty())
        return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        std::size_t digits = 0;
        while (digits < text.size() && text::is_digit(text[digits]))
            ++digits;
        const auto amount = text::number<std::int64_t>(text.substr(0, digits));
        if (!amount || digits == text.size() || *amount > longest)
            return std::nullopt;
        std::int64_t factor = 0;
        for (const auto& unit : units)
            if (unit.letter == text[digits])
                factor = unit.seconds;
        if (factor == 0)
            return std::nullopt;
        total += *amount * factor;
        if (total > longest)
            return std::nullopt;
        text.remove_prefix(digits + 1);
    }
    return std::chrono::seconds{total};
}

std::string format_duration(Duration d) {
    std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(d).count();
    if (seconds <= 0)
        return "0s";
    std::string out;
    for (const auto& unit : units) {
        if (seconds >= unit.seconds) {
            out += std::to_string(seconds / unit.seconds) + unit.letter;
            seconds %= unit.seconds;
        }
    }
    return out;
}

} // namespace mail
