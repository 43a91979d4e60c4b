// Pacer: rates a minute by key (a destination, a sender). Says of each recipient that is about to leave whether it may, or how
// long it must wait; those that wait are spread over the time to come, so that they do not all come back at once.
// Pure; the caller brings the time and the lock. Bounded in keys.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>

namespace mail::queue {

class Pacer {
  public:
    static constexpr std::size_t most_keys = 20'000;
    /// Zero: it may leave now and is counted. Otherwise nothing is counted and it is to be asked for again after so long.
    [[nodiscard]] Duration admit(const std::string& key, unsigned per_minute, SteadyTime now);

  private:
    struct Pace {
        SteadyTime free_at{};  ///< when the rate is used up to now
        SteadyTime queue_at{}; ///< when the last one that waits may come back
    };
    std::unordered_map<std::string, Pace> paces_;
};

} // namespace mail::queue
