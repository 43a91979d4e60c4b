// Runtime: the I/O threads (one io_context each), TaskGroup: who owns background coroutines, WorkerPool: a small bounded
// pool for CPU-heavy or hostile work (password hashing, big MIME trees), so that nothing blocks an I/O thread over 1 ms.
#pragma once

#include "common/async/task.hpp"
#include "common/async/signal.hpp"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

namespace mail::async {

using Executor = boost::asio::any_io_executor;

/// As many I/O threads as asked for; a connection lives on one of them for life.
class Runtime {
  public:
    explicit Runtime(unsigned threads);
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    [[nodiscard]] unsigned threads() const noexcept;
    /// Executor of thread `index` (taken modulo threads()).
    [[nodiscard]] Executor executor(unsigned index) const;
    /// Round robin over the threads. Thread-safe.
    [[nodiscard]] Executor next() const;
    /// Starts the threads; returns at once. Throws std::system_error when the system allows no more.
    void start();
    /// Stops all threads and joins them. Coroutines still suspended are destroyed.
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Owns coroutines: SIGTERM = stop spawning, ask them to end, wait, then cancel. Thread-safe.
class TaskGroup {
  public:
    TaskGroup();
    ~TaskGroup(); ///< all tasks must have ended
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    /// Runs `task` on `executor`. An exception that leaves it is logged as session_failed. False after close().
    bool spawn(const Executor& executor, Task<void> task);
    [[nodiscard]] std::size_t size() const noexcept;
    /// No further spawn() is taken.
    void close() noexcept;
    /// Emits Asio cancellation to every task.
    void cancel();
    /// Waits until no task is left or `at_most` has passed; call from outside the I/O threads. True if none is left.
    bool wait(Duration at_most);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Bounded blocking pool: at most `queue` jobs wait; more are refused with ErrorCode::temporary.
class WorkerPool {
  public:
    /// Fewer threads where the system allows no more; throws std::system_error when it allows none.
    WorkerPool(unsigned threads, std::size_t queue);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    /// False when the queue is full. Jobs must not throw.
    [[nodiscard]] bool submit(std::function<void()> job);
    /// Starts `job` on the pool; what it returns is to be had from the completion, also ErrorCode::temporary when the queue is full.
    template <class T> [[nodiscard]] Completion<T> start(std::function<Result<T>()> job) {
        Completion<T> done;
        if (!submit([job = std::move(job), done] { done.set(job()); }))
            done.set(fail(ErrorCode::temporary, "too much work is waiting", "try again later"));
        return done;
    }
    /// Runs `job` on the pool and resumes the caller on its own executor. Name the callable first, then move it in.
    template <class T> [[nodiscard]] Task<Result<T>> run(std::function<Result<T>()> job) {
        const auto done = start<T>(std::move(job));
        co_return co_await done.get();
    }

  private:
    struct State;
    static void work(State& state);
    std::unique_ptr<State> state_;
};

/// Runs one task to its end on a private thread-less loop and returns its value; for tests and offline jobs.
void run_until_done(Task<void> task);

} // namespace mail::async
