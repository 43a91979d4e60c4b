#include "common/async/runtime.hpp"

#include "common/base/log.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace mail::async {
namespace asio = boost::asio;

struct Runtime::State {
    using Guard = asio::executor_work_guard<asio::io_context::executor_type>;
    std::vector<std::unique_ptr<asio::io_context>> contexts;
    std::vector<Guard> guards;
    std::vector<std::thread> threads;
    std::atomic<unsigned> turn{0};
};

Runtime::Runtime(unsigned threads) : state_(std::make_unique<State>()) {
    for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
        state_->contexts.push_back(std::make_unique<asio::io_context>(1));
        state_->guards.emplace_back(state_->contexts.back()->get_executor());
    }
}
Runtime::~Runtime() { stop(); }
unsigned Runtime::threads() const noexcept { return static_cast<unsigned>(state_->contexts.size()); }
Executor Runtime::executor(unsigned index) const { return state_->contexts[index % threads()]->get_executor(); }
Executor Runtime::next() const { return executor(state_->turn.fetch_add(1, std::memory_order_relaxed)); }

void Runtime::start() {
    state_->threads.reserve(state_->contexts.size());
    for (auto& context : state_->contexts)
        state_->threads.emplace_back([&io = *context] { io.run(); });
}

void Runtime::stop() {
    for (auto& context : state_->contexts)
        context->stop();
    for (auto& thread : state_->threads)
        thread.join();
    state_->threads.clear();
}

struct TaskGroup::State {
    struct Child {
        asio::cancellation_signal cancel;
        Executor executor;
    };
    mutable std::mutex mutex;
    std::condition_variable empty;
    std::list<std::shared_ptr<Child>> children;
    std::atomic<std::size_t> count{0};
    bool closed = false;
};

TaskGroup::TaskGroup() : state_(std::make_shared<State>()) {}
TaskGroup::~TaskGroup() = default;

bool TaskGroup::spawn(const Executor& executor, Task<void> task) {
    auto child = std::make_shared<State::Child>();
    child->executor = executor;
    std::list<std::shared_ptr<State::Child>>::iterator place;
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->closed)
            return false;
        place = state_->children.insert(state_->children.end(), child);
        ++state_->count;
    }
    auto finished = [state = state_, place, child](std::exception_ptr error) {
        if (error) {
            try {
                std::rethrow_exception(error);
            } catch (const boost::system::system_error& e) {
                if (e.code() != asio::error::operation_aborted) // cancel() ends tasks this way
                    log(Event::session_failed, {{"reason", e.what()}});
            } catch (const std::exception& e) {
                log(Event::session_failed, {{"reason", e.what()}});
            }
        }
        const std::lock_guard lock(state->mutex);
        state->children.erase(place);
        if (--state->count == 0)
            state->empty.notify_all();
    };
    asio::co_spawn(executor, std::move(task), asio::bind_cancellation_slot(child->cancel.slot(), std::move(finished)));
    return true;
}

std::size_t TaskGroup::size() const noexcept { return state_->count; }

void TaskGroup::close() noexcept {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
}

void TaskGroup::cancel() {
    const std::lock_guard lock(state_->mutex);
    for (const auto& child : state_->children)
        asio::post(child->executor, [child] { child->cancel.emit(asio::cancellation_type::terminal); });
}

bool TaskGroup::wait(Duration at_most) {
    std::unique_lock lock(state_->mutex);
    return state_->empty.wait_for(lock, at_most, [this] { return state_->count == 0; });
}

struct WorkerPool::State {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> jobs;
    std::vector<std::thread> threads;
    std::size_t limit = 0;
    bool stopping = false;
};

WorkerPool::WorkerPool(unsigned threads, std::size_t queue) : state_(std::make_unique<State>()) {
    state_->limit = queue;
    state_->threads.reserve(std::max(threads, 1U));
    try {
        while (state_->threads.size() < std::max(threads, 1U))
            state_->threads.emplace_back(work, std::ref(*state_));
    } catch (const std::system_error&) { // no more threads are allowed: fewer do the same
        if (state_->threads.empty())
            throw;
    }
}

void WorkerPool::work(State& state) {
    std::unique_lock lock(state.mutex);
    for (;;) {
        state.wake.wait(lock, [&] { return state.stopping || !state.jobs.empty(); });
        if (state.jobs.empty())
            return;
        auto job = std::move(state.jobs.front());
        state.jobs.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake.notify_all();
    for (auto& thread : state_->threads)
        thread.join();
}

bool WorkerPool::submit(std::function<void()> job) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping || state_->jobs.size() >= state_->limit)
        return false;
    state_->jobs.push_back(std::move(job));
    state_->wake.notify_one();
    return true;
}

namespace {

/// Contexts of run_until_done() live for ever: who woke its last coroutine may still be inside post() when it returns.
class Contexts {
  public:
    std::unique_ptr<asio::io_context> take() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty())
            return std::make_unique<asio::io_context>(1);
        auto context = std::move(idle_.back());
        idle_.pop_back();
        context->restart();
        return context;
    }
    void give_back(std::unique_ptr<asio::io_context> context) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(context));
    }

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<asio::io_context>> idle_;
};

Contexts& contexts() {
    static auto* const instance = new Contexts;
    return *instance;
}

} // namespace

void run_until_done(Task<void> task) {
    auto context = contexts().take();
    std::exception_ptr failure;
    asio::co_spawn(*context, std::move(task), [&failure](std::exception_ptr error) { failure = error; });
    context->run();
    contexts().give_back(std::move(context));
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace mail::async
