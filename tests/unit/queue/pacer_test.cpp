#include "maild/queue/pacer.hpp"
#include "tests/catch.hpp"

#include <map>

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;

TEST_CASE("no rate, no wait") {
    Pacer pacer;
    for (int i = 0; i < 1000; ++i)
        CHECK(pacer.admit("a", 0, SteadyTime{}) == Duration::zero());
}

TEST_CASE("a rate is kept, and what waits comes back spread out") {
    Pacer pacer;
    const SteadyTime start{std::chrono::hours(1)};
    std::multimap<SteadyTime, int> due;
    for (int i = 0; i < 600; ++i)
        due.emplace(start, i);
    std::map<long, int> by_minute;
    std::size_t asked = 0;
    while (!due.empty()) {
        REQUIRE(++asked < 3000); // an item comes back few times
        const auto [at, item] = *due.begin();
        due.erase(due.begin());
        const Duration pause = pacer.admit("host", 60, at);
        if (pause == Duration::zero())
            ++by_minute[std::chrono::duration_cast<std::chrono::minutes>(at - start).count()];
        else
            due.emplace(at + pause, item);
    }
    int total = 0;
    for (const auto& [minute, count] : by_minute) {
        CHECK(count <= 63);
        total += count;
    }
    CHECK(total == 600);
    CHECK(by_minute.size() <= 14);
    CHECK(pacer.admit("other", 60, start) == Duration::zero());
}
