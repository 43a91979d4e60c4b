#include "maild/queue/pacer.hpp"

#include <algorithm>

namespace mail::queue {
namespace {
constexpr Duration minute = std::chrono::minutes(1);
/// So much may leave in one burst, as time of the rate.
constexpr Duration burst = std::chrono::seconds(2);
} // namespace

Duration Pacer::admit(const std::string& key, unsigned per_minute, SteadyTime now) {
    if (per_minute == 0)
        return Duration::zero();
    if (paces_.size() >= most_keys)
        std::erase_if(paces_, [now](const auto& entry) { return entry.second.free_at <= now && entry.second.queue_at <= now; });
    if (paces_.size() >= most_keys)
        return Duration::zero(); // better too fast than an unbounded table
    const Duration interval = minute / per_minute;
    Pace& pace = paces_[key];
    pace.free_at = std::max(pace.free_at, now);
    if (pace.free_at - now < std::max(burst, interval)) {
        pace.free_at += interval;
        return Duration::zero();
    }
    pace.queue_at = std::max(pace.queue_at, pace.free_at) + interval;
    return std::chrono::duration_cast<Duration>(pace.queue_at - now);
}

} // namespace mail::queue
