// Points in time are UTC microseconds. Wall and monotonic clocks are injected (Clock), so that tests set them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mail {

using Duration = std::chrono::microseconds;
using Time = std::chrono::time_point<std::chrono::system_clock, Duration>;
using SteadyTime = std::chrono::steady_clock::time_point;

[[nodiscard]] inline std::int64_t to_micros(Time t) noexcept { return t.time_since_epoch().count(); }
[[nodiscard]] inline Time from_micros(std::int64_t us) noexcept { return Time{Duration{us}}; }

/// RFC 3339 in UTC with seconds, for example 2026-01-31T12:00:00Z.
[[nodiscard]] std::string format_rfc3339(Time t);
[[nodiscard]] std::optional<Time> parse_rfc3339(std::string_view text);
/// "90s", "15m", "4h", "5d", "2w" and sums such as "1h30m"; a bare number is refused. Range 0 to 100 years.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back to the same whole seconds.
[[nodiscard]] std::string format_duration(Duration d);

/// Both clocks. Implementations are safe to call from any thread.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Time now() const = 0;
    [[nodiscard]] virtual SteadyTime steady() const = 0;
};

/// The machine's own clocks; lives for the whole process.
[[nodiscard]] const Clock& system_clock();

} // namespace mail
