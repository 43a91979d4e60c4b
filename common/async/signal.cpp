#include "common/async/signal.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <mutex>

namespace mail::async {
namespace asio = boost::asio;

struct Signal::State {
    std::mutex mutex;
    bool fired = false;
    std::function<void()> resume; // posts to the waiter's executor
};

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() = default;

void Signal::fire() {
    std::function<void()> resume;
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->resume) {
            state_->fired = true;
            return;
        }
        resume = std::exchange(state_->resume, nullptr);
    }
    resume();
}

Task<void> Signal::wait() {
    auto state = state_;
    auto initiate = [state](auto handler) {
        auto executor = asio::get_associated_executor(handler);
        // The handler is move-only; std::function wants copies.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        std::unique_lock lock(state->mutex);
        if (state->fired) {
            state->fired = false;
            lock.unlock();
            asio::post(executor, [shared] { std::move (*shared)(); });
            return;
        }
        state->resume = [shared, executor] { asio::post(executor, [shared] { std::move (*shared)(); }); };
    };
    {
        const std::lock_guard lock(state->mutex);
        if (state->fired) {
            state->fired = false;
            co_return;
        }
    }
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(std::move(initiate), asio::use_awaitable);
}

Task<bool> Signal::wait_for(Duration at_most) {
    auto executor = co_await asio::this_coro::executor;
    auto state = state_;
    auto timer = std::make_shared<asio::steady_timer>(executor, at_most);
    auto timed_out = std::make_shared<bool>(false);
    timer->async_wait([state, timed_out](boost::system::error_code error) {
        if (error)
            return;
        std::function<void()> resume;
        {
            const std::lock_guard lock(state->mutex);
            resume = std::exchange(state->resume, nullptr);
        }
        if (resume) {
            *timed_out = true;
            resume();
        }
    });
    co_await wait();
    timer->cancel();
    co_return !*timed_out;
}

Task<void> sleep_for(Duration time) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace mail::async
