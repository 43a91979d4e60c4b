// Retry arithmetic of the outbound queue: after a temporary failure, when to try again, when to warn the sender and when
// to give up (RFC 5321 §4.5.4.1: at least 30 minutes between late tries, give up after 4 to 5 days).
// Pure: the time is an argument, the jitter comes from the item's id, so five days of retries are one unit test.
// Called by queue/attempt.cpp at the end of every attempt and wherever an expiry is shown (expiry_of).
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace mail::queue {

/// How patient a route is. Defaults: 5 min, doubling to 4000 s; warning after 4 h; bounce after 5 d.
struct RetryPolicy {
    std::vector<Duration> steps;     ///< wait after the 1st, 2nd ... failure, the last one repeats; empty: the default growth
    std::optional<Duration> expire;  ///< instead of default_expiry
    Duration warn_after = std::chrono::hours(4); ///< zero: never warn
};

inline constexpr Duration default_expiry = std::chrono::hours(24 * 5);
inline constexpr Duration shortest_retry = std::chrono::seconds(1);
/// The last try is made this long before the expiry.
inline constexpr Duration last_try_margin = std::chrono::seconds(30);

struct RetryInput {
    std::int64_t id = 0;        ///< of the queue item: spreads the retries of items that failed together
    std::uint32_t attempts = 1; ///< ended attempts, the present one included
    Time created{};
    Time now{};
    bool delay_told = false;
};

struct RetryDecision {
    bool give_up = false; ///< the time is over: bounce
    Time next{};          ///< unless give_up; after now. A last try is made shortly before the expiry
    bool warn = false;    ///< tell the sender of the delay now; never together with give_up
};

/// What a temporary failure at `now` leads to.
[[nodiscard]] RetryDecision decide_retry(const RetryPolicy& policy, const RetryInput& input);
/// When an item is given up without a further try. The route it takes now decides, whatever was planned when it came.
[[nodiscard]] Time expiry_of(const RetryPolicy& policy, Time created) noexcept;
/// Wait after `attempts` failures, before jitter.
[[nodiscard]] Duration base_delay(const RetryPolicy& policy, std::uint32_t attempts) noexcept;

} // namespace mail::queue
