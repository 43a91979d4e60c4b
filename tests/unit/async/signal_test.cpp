#include "common/async/runtime.hpp"
#include "common/async/signal.hpp"

#include "tests/catch.hpp"

#include <atomic>
#include <thread>

using namespace mail;
using namespace std::chrono_literals;

namespace {

Task<void> wait_once(async::Signal& signal, int& woken) {
    co_await signal.wait();
    ++woken;
}

Task<void> wait_timed(async::Signal& signal, Duration time, bool& fired) { fired = co_await signal.wait_for(time); }

/// A turn of a ping-pong over two threads: waits, then fires the other's.
Task<void> volley(async::Signal& mine, async::Signal& theirs, int turns) {
    for (int i = 0; i < turns; ++i) {
        co_await mine.wait();
        theirs.fire();
    }
}

Task<void> wait_twice(async::Signal& signal, bool& first, bool& second) {
    first = co_await signal.wait_for(5ms);
    co_await signal.wait();
    second = true;
}

/// Fires while the time-out of wait_twice's first wait has passed but was not looked at yet, and once more later.
Task<void> fire_late(async::Signal& signal, bool& second, bool& too_early) {
    co_await async::sleep_for(1ms);
    const auto until = std::chrono::steady_clock::now() + 20ms;
    while (std::chrono::steady_clock::now() < until) {
    }
    signal.fire();
    co_await async::sleep_for(30ms);
    too_early = second;
    signal.fire();
}

Task<void> take_result(async::Completion<int> completion, int& out) {
    const auto result = co_await completion.get();
    out = result ? *result : -1;
}

} // namespace

TEST_CASE("a fire before the wait is remembered once") {
    async::Signal signal;
    signal.fire();
    signal.fire();
    int woken = 0;
    async::run_until_done(wait_once(signal, woken));
    CHECK(woken == 1);
    bool fired = true;
    async::run_until_done(wait_timed(signal, 1ms, fired));
    CHECK(!fired);
}

TEST_CASE("wait_for tells a fire from a time-out") {
    async::Signal signal;
    bool fired = false;
    std::thread other([&] {
        std::this_thread::sleep_for(20ms);
        signal.fire();
    });
    async::run_until_done(wait_timed(signal, 10s, fired));
    other.join();
    CHECK(fired);
}

TEST_CASE("signals between threads lose no turn") {
    async::Runtime runtime(2);
    async::TaskGroup group;
    async::Signal ping, pong;
    constexpr int turns = 20000;
    group.spawn(runtime.executor(0), volley(ping, pong, turns));
    group.spawn(runtime.executor(1), volley(pong, ping, turns));
    runtime.start();
    ping.fire();
    CHECK(group.wait(60s));
    runtime.stop();
}

TEST_CASE("a time-out that comes too late wakes no later wait") {
    async::Runtime runtime(1);
    async::TaskGroup group;
    async::Signal signal;
    bool first = false, second = false, too_early = false;
    group.spawn(runtime.executor(0), wait_twice(signal, first, second));
    group.spawn(runtime.executor(0), fire_late(signal, second, too_early));
    runtime.start();
    CHECK(group.wait(20s));
    runtime.stop();
    CHECK(first);
    CHECK(second);
    CHECK(!too_early);
}

TEST_CASE("a completion set on another thread is seen whole, and the loop that waited may go at once") {
    for (int turn = 0; turn < 3000; ++turn) {
        async::Completion<int> completion;
        int out = 0;
        std::thread other([completion, turn] { completion.set(turn); });
        async::run_until_done(take_result(completion, out));
        other.join();
        REQUIRE(out == turn);
    }
}
