#include "maild/queue/schedule.hpp"
#include "tests/catch.hpp"

#include <vector>

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time{Duration{1'700'000'000'000'000}};

struct Story {
    std::vector<Duration> tries; ///< since the start
    std::vector<Duration> warnings;
    Duration bounced{};
};

/// A remote that answers 4xx for ever, in virtual time.
Story refuse_for_ever(const RetryPolicy& policy, std::int64_t id) {
    Story story;
    Time now = start;
    bool told = false;
    for (std::uint32_t attempts = 1; attempts < 10'000; ++attempts) {
        // As the scheduler does: an item whose time is over is bounced without a try.
        if (now >= expiry_of(policy, start)) {
            story.bounced = now - start;
            return story;
        }
        story.tries.push_back(now - start);
        const RetryDecision decision = decide_retry(policy, {id, attempts, start, now, told});
        if (decision.give_up) {
            story.bounced = now - start;
            return story;
        }
        REQUIRE(decision.next > now);
        if (decision.warn) {
            story.warnings.push_back(now - start);
            told = true;
        }
        now = decision.next;
    }
    FAIL("retries do not end");
    return story;
}

} // namespace

// Faults O07: back-off from 5 min to 4000 s with 10 % jitter, a warning after 4 h, a bounce after 5 d.
TEST_CASE("five days of temporary failures with the default schedule") {
    for (std::int64_t id : {1, 2, 77, 1'000'000'007}) {
        const Story story = refuse_for_ever({}, id);
        REQUIRE(story.tries.size() > 100);
        REQUIRE(story.tries.size() < 130);
        const Duration plan[] = {300s, 600s, 1200s, 2400s, 4000s, 4000s};
        for (std::size_t i = 0; i + 1 < story.tries.size() - 2; ++i) {
            const Duration gap = story.tries[i + 1] - story.tries[i];
            const Duration base = plan[std::min<std::size_t>(i, 5)];
            CHECK(gap >= base * 9 / 10);
            CHECK(gap <= base * 11 / 10);
        }
        REQUIRE(story.warnings.size() == 1);
        CHECK(story.warnings[0] >= 4h);
        CHECK(story.warnings[0] < 4h + 4400s);
        CHECK(story.bounced == Duration(24h * 5));
        CHECK(story.tries.back() == Duration(24h * 5) - last_try_margin);
    }
}

TEST_CASE("items that failed together come back apart") {
    std::vector<Time> due;
    for (std::int64_t id = 1; id <= 200; ++id)
        due.push_back(decide_retry({}, {id, 5, start, start + 1h, false}).next);
    std::sort(due.begin(), due.end());
    CHECK(due.back() - due.front() > 600s);
    CHECK(std::unique(due.begin(), due.end()) - due.begin() > 80);
    // The same question has the same answer.
    CHECK(decide_retry({}, {7, 5, start, start, false}).next == decide_retry({}, {7, 5, start, start, false}).next);
}

TEST_CASE("a route's own schedule, expiry and warning") {
    RetryPolicy policy;
    policy.steps = {1min, 2min, 10min};
    policy.expire = 2h;
    policy.warn_after = 30min;
    const Story story = refuse_for_ever(policy, 42);
    CHECK(base_delay(policy, 1) == Duration(1min));
    CHECK(base_delay(policy, 3) == Duration(10min));
    CHECK(base_delay(policy, 400) == Duration(10min));
    CHECK(story.bounced == Duration(2h));
    REQUIRE(story.warnings.size() == 1);
    CHECK(story.warnings[0] >= 30min);
    policy.warn_after = {};
    CHECK(refuse_for_ever(policy, 42).warnings.empty());
}

TEST_CASE("the route's expiry counts, longer or shorter than the default") {
    RetryPolicy longer;
    longer.expire = 24h * 9;
    CHECK(expiry_of(longer, start) == start + 24h * 9);
    CHECK(refuse_for_ever(longer, 9).bounced == Duration(24h * 9));
    CHECK(expiry_of({}, start) == start + default_expiry);
    RetryPolicy shorter;
    shorter.expire = 6h;
    const RetryDecision over = decide_retry(shorter, {1, 3, start, start + 6h, false});
    CHECK(over.give_up);
    CHECK_FALSE(over.warn);
}

TEST_CASE("a zero step still leaves a second") {
    RetryPolicy policy;
    policy.steps = {0s};
    CHECK(decide_retry(policy, {1, 1, start, start, false}).next > start);
}
