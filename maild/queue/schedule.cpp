#include "maild/queue/schedule.hpp"

#include <algorithm>

namespace mail::queue {
namespace {

constexpr Duration first_delay = std::chrono::minutes(5);
constexpr Duration longest_delay = std::chrono::seconds(4000);

/// A well-mixed number from id and attempt (the finaliser of splitmix64).
std::uint64_t mix(std::uint64_t value) noexcept {
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

/// `delay` plus or minus at most a tenth, the same for the same item and attempt.
Duration with_jitter(Duration delay, std::int64_t id, std::uint32_t attempts) noexcept {
    const auto seed = mix(static_cast<std::uint64_t>(id) * 2654435761U + attempts);
    const auto permille = static_cast<std::int64_t>(seed % 201) - 100; // -100 ... +100
    return delay + Duration(delay.count() / 1000 * permille);
}

} // namespace

Duration base_delay(const RetryPolicy& policy, std::uint32_t attempts) noexcept {
    const std::uint32_t failures = std::max(attempts, 1U);
    if (!policy.steps.empty()) {
        const std::size_t index = std::min<std::size_t>(failures, policy.steps.size()) - 1;
        return std::max(policy.steps[index], shortest_retry);
    }
    Duration delay = first_delay;
    for (std::uint32_t i = 1; i < failures && delay < longest_delay; ++i)
        delay *= 2;
    return std::min(delay, longest_delay);
}

Time expiry_of(const RetryPolicy& policy, Time created) noexcept {
    return created + policy.expire.value_or(default_expiry);
}

RetryDecision decide_retry(const RetryPolicy& policy, const RetryInput& input) {
    RetryDecision decision;
    const Time expires = expiry_of(policy, input.created);
    if (input.now >= expires) {
        decision.give_up = true;
        return decision;
    }
    const Duration delay = with_jitter(base_delay(policy, input.attempts), input.id, input.attempts);
    decision.next = input.now + delay;
    if (decision.next >= expires)
        decision.next = expires - input.now > 2 * last_try_margin ? expires - last_try_margin : expires;
    decision.warn = !input.delay_told && policy.warn_after > Duration::zero() &&
                    input.now - input.created >= policy.warn_after;
    return decision;
}

} // namespace mail::queue
