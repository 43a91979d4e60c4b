#include "common/async/signal.hpp"

#include "common/async/runtime.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace mail::async {
namespace asio = boost::asio;

namespace {

/// A suspended coroutine and where it goes on.
struct Waiter {
    Executor executor;
    explicit Waiter(Executor where) : executor(std::move(where)) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    virtual ~Waiter() = default;
    /// On the executor's thread, once.
    virtual void resume() = 0;
};
using WaiterPtr = std::unique_ptr<Waiter>;

template <class Handler> struct HandlerWaiter final : Waiter {
    Handler handler;
    HandlerWaiter(Executor where, Handler&& h) : Waiter(std::move(where)), handler(std::move(h)) {}
    void resume() override { std::move(handler)(); }
};

thread_local std::vector<WaiterPtr>* gathering = nullptr;

void wake(WaiterPtr waiter) {
    if (gathering != nullptr) {
        gathering->push_back(std::move(waiter));
        return;
    }
    auto executor = waiter->executor;
    asio::post(executor, [w = std::move(waiter)] { w->resume(); });
}

} // namespace

struct WakeBatch::State {
    std::vector<WaiterPtr> waiters;
    std::vector<WaiterPtr>* outer = nullptr;
};

WakeBatch::WakeBatch() : state_(std::make_unique<State>()) { state_->outer = std::exchange(gathering, &state_->waiters); }

WakeBatch::~WakeBatch() {
    gathering = state_->outer;
    auto& left = state_->waiters;
    while (!left.empty()) {
        const Executor executor = left.front()->executor;
        const auto others = std::stable_partition(left.begin(), left.end(), [&](const auto& w) { return w->executor == executor; });
        std::vector<WaiterPtr> mine(std::make_move_iterator(left.begin()), std::make_move_iterator(others));
        left.erase(left.begin(), others);
        asio::post(executor, [mine = std::move(mine)] {
            for (const auto& waiter : mine)
                waiter->resume();
        });
    }
}

struct Signal::State {
    std::mutex mutex;
    bool fired = false;
    WaiterPtr waiter;
    std::uint64_t turn = 0; ///< of waits that have ended; tells a late timer that its wait is over

    WaiterPtr take() {
        if (waiter)
            ++turn;
        return std::move(waiter);
    }
    /// True once for a fire() that nobody waited for.
    bool take_fired() {
        const std::lock_guard lock(mutex);
        if (!fired)
            return false;
        fired = false;
        ++turn;
        return true;
    }
};

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() = default;

void Signal::fire() {
    WaiterPtr waiter;
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->waiter) {
            state_->fired = true;
            return;
        }
        waiter = state_->take();
    }
    wake(std::move(waiter));
}

Task<void> Signal::wait() {
    auto state = state_;
    if (state->take_fired())
        co_return;
    auto initiate = [state](auto handler) {
        using Handler = decltype(handler);
        const Executor executor = asio::get_associated_executor(handler);
        WaiterPtr waiter = std::make_unique<HandlerWaiter<Handler>>(executor, std::move(handler));
        {
            const std::lock_guard lock(state->mutex);
            if (!state->fired) {
                state->waiter = std::move(waiter);
                return;
            }
            state->fired = false;
            ++state->turn;
        }
        wake(std::move(waiter));
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(std::move(initiate), asio::use_awaitable);
}

Task<bool> Signal::wait_for(Duration at_most) {
    auto executor = co_await asio::this_coro::executor;
    auto state = state_;
    auto timed_out = std::make_shared<bool>(false);
    std::uint64_t turn = 0;
    {
        const std::lock_guard lock(state->mutex);
        turn = state->turn;
    }
    asio::steady_timer timer(executor, at_most);
    timer.async_wait([state, timed_out, turn](boost::system::error_code error) {
        if (error)
            return;
        WaiterPtr waiter;
        {
            const std::lock_guard lock(state->mutex);
            if (state->turn != turn) // a later wait is not this timer's
                return;
            waiter = state->take();
        }
        if (waiter) {
            *timed_out = true;
            wake(std::move(waiter));
        }
    });
    co_await wait();
    timer.cancel();
    co_return !*timed_out;
}

Task<void> sleep_for(Duration time) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace mail::async
