// Signal: wakes one waiting coroutine from any thread. Completion<T>: a Signal that carries a value, for work that
// ends on another thread (the store's writer, a resolver, a worker pool).
#pragma once

#include "common/async/task.hpp"
#include "common/base/time.hpp"

#include <memory>
#include <optional>

namespace mail::async {

/// One waiter at a time. fire() before wait() is remembered once, so no wake-up is lost. Thread-safe.
class Signal {
  public:
    Signal();
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;
    /// Resumes on the waiting coroutine's own executor.
    [[nodiscard]] Task<void> wait();
    /// The same with an end; true if fired, false at the time-out.
    [[nodiscard]] Task<bool> wait_for(Duration at_most);
    void fire();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// While one lives, fire() on its thread only notes who is to wake; its end wakes them, each thread's in one go. For
/// code that ends many waits at once: a wake-up per wait costs more than the wait was worth.
class WakeBatch {
  public:
    WakeBatch();
    ~WakeBatch();
    WakeBatch(const WakeBatch&) = delete;
    WakeBatch& operator=(const WakeBatch&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Handed to code that finishes later. Copies share one result; the first set() counts. Dropped without set(): the
/// waiter gets ErrorCode::internal "abandoned" only through get()'s owner, so owners always set.
template <class T> class Completion {
  public:
    Completion() : shared_(std::make_shared<Shared>()) {}
    void set(Result<T> result) const {
        shared_->result = std::move(result);
        shared_->signal.fire();
    }
    [[nodiscard]] Task<Result<T>> get() const {
        auto shared = shared_;
        co_await shared->signal.wait();
        co_return std::move(shared->result);
    }

  private:
    struct Shared {
        Signal signal;
        Result<T> result;
    };
    std::shared_ptr<Shared> shared_;
};

/// Sleeps on the caller's executor; ends early without error when the task is cancelled.
[[nodiscard]] Task<void> sleep_for(Duration time);

} // namespace mail::async
