// What the parts of the embedded engine share. Private to store/sqlite.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/store/ready.hpp"
#include "maild/store/sqlite/layout.hpp"
#include "maild/store/sqlite/packer.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "maild/store/sqlite/writer.hpp"

namespace mail::store::sqlite {

struct Engine {
    SqliteOptions options;
    Directory directory;
    std::shared_ptr<Segments> segments;
    std::unique_ptr<Readers> readers;
    std::unique_ptr<Packer> packer; ///< outlives the writer, which runs its transactions
    std::unique_ptr<Writer> writer;
    std::unique_ptr<async::WorkerPool> pool; ///< for reads that take more than a millisecond
    std::atomic<bool> closed{false};

    ~Engine();
    [[nodiscard]] const Clock& clock() const noexcept { return *options.clock; }
    /// Errors: no_space below the reserve, temporary after a failure, closed.
    [[nodiscard]] Result<void> room_for_mail();
    /// Puts a plan's bytes into a segment, unless a spool or an earlier run of the same transaction has done so. On the writer's
    /// thread: a disk that does not answer must hang no I/O thread.
    [[nodiscard]] Result<void> place_bytes(AcceptPlan& plan);

    /// A short read on the calling thread. `read` takes a Database&.
    template <class T, class Read> [[nodiscard]] Result<T> now(const Read& read) {
        if (closed)
            return fail(ErrorCode::closed, "the store is closed");
        const Readers::Lease database(*readers);
        return read(*database);
    }
    /// A longer read on the pool. `read` takes a Database& and holds what it needs by value.
    template <class T> [[nodiscard]] Task<Result<T>> later(std::function<Result<T>(Database&)> read) {
        std::function<Result<T>()> job = [this, read = std::move(read)] { return now<T>(read); };
        return pool->run<T>(std::move(job));
    }

  private:
    std::atomic<std::int64_t> space_checked_{0};
    std::atomic<std::uint64_t> free_bytes_{0};
};

[[nodiscard]] std::unique_ptr<MailStore> make_mail(Engine& engine);
[[nodiscard]] std::unique_ptr<QueueStore> make_queue(Engine& engine);
[[nodiscard]] std::unique_ptr<ResourceStore> make_resources(Engine& engine);
[[nodiscard]] std::unique_ptr<StoryStore> make_stories(Engine& engine);
[[nodiscard]] std::unique_ptr<RecoveryStore> make_recovery(Engine& engine);

} // namespace mail::store::sqlite
