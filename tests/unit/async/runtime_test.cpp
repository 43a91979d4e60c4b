#include "common/async/runtime.hpp"
#include "common/async/signal.hpp"

#include "tests/catch.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace mail;
using namespace std::chrono_literals;

namespace {

Task<void> count(std::atomic<int>& counter) {
    ++counter;
    co_return;
}

Task<void> sleep_long(std::atomic<int>& ended) {
    co_await async::sleep_for(1h);
    ++ended;
}

Task<void> throws() {
    co_await async::sleep_for(1ms);
    throw std::runtime_error("on purpose");
}

Task<void> work_on(async::WorkerPool& pool, int number, std::atomic<int>& sum) {
    std::function<Result<int>()> job = [number] { return Result<int>(number); };
    const auto result = co_await pool.run<int>(std::move(job));
    sum += result ? *result : 1000000;
}

} // namespace

TEST_CASE("a task group counts, refuses after close, cancels and is not hurt by exceptions") {
    async::Runtime runtime(2);
    async::TaskGroup group;
    runtime.start();
    std::atomic<int> counter{0}, ended{0};
    for (int i = 0; i < 1000; ++i)
        REQUIRE(group.spawn(runtime.next(), count(counter)));
    group.spawn(runtime.next(), throws());
    CHECK(group.wait(20s));
    CHECK(counter == 1000);
    for (int i = 0; i < 50; ++i)
        group.spawn(runtime.next(), sleep_long(ended));
    CHECK(!group.wait(10ms));
    group.close();
    CHECK(!group.spawn(runtime.next(), count(counter)));
    CHECK(group.size() == 50);
    group.cancel();
    CHECK(group.wait(20s));
    runtime.stop();
}

TEST_CASE("a worker pool gives every caller its own result and refuses what is too much") {
    async::Runtime runtime(2);
    async::TaskGroup group;
    std::atomic<int> sum{0};
    {
        async::WorkerPool pool(2, 2000);
        runtime.start();
        for (int i = 1; i <= 1000; ++i)
            group.spawn(runtime.next(), work_on(pool, i, sum));
        CHECK(group.wait(20s));
    }
    CHECK(sum == 500500);
    runtime.stop();
    async::WorkerPool small(1, 1);
    std::atomic<bool> holding{false}, go{false};
    REQUIRE(small.submit([&] {
        holding = true;
        while (!go)
            std::this_thread::yield();
    }));
    while (!holding)
        std::this_thread::yield();
    CHECK(small.submit([] {}));
    CHECK(!small.submit([] {}));
    go = true;
}
