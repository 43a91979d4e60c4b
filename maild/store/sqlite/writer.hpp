// The writer: one thread that takes whatever transactions wait, runs them, syncs the segments once, commits
// once, tells the listeners and then answers all. No artificial delay: batches form by themselves under load.
//
// Transactions are functions that can run again: when one fails after it began to change rows, the whole
// batch is rolled back and run once more with a savepoint around each, so that only the failed one is lost.
// After an I/O error, a damaged database or a failed sync everything in flight fails, on_failure is called
// once, and nothing is written any more. The same when the files are no longer where they were. On a disk that has become
// read-only on_failure waits until it can be written again: a restart would not help, and reading goes on.
#pragma once

#include "common/async/signal.hpp"
#include "maild/store/sqlite/place_watch.hpp"
#include "maild/store/sqlite/write_context.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <new>
#include <thread>

namespace mail::store::sqlite {

/// Small messages need one sync, not two: when that is cheaper than a sync of the segments, a batch puts
/// their bytes into the body journal, a table, on top of the segment; a second thread syncs the segments a
/// moment later.

/// One transaction that waits for the writer.
class Job {
  public:
    virtual ~Job() = default;
    /// Runs on the writer thread, perhaps twice; false: failed.
    virtual bool run(WriteContext& context) = 0;
    virtual void refuse(const Error& error) = 0;
    virtual void answer() = 0;
    Changes changes;
};

template <class T> class TypedJob final : public Job {
  public:
    using Body = std::function<Result<T>(WriteContext&)>;
    using Answer = std::function<void(Result<T>)>;
    TypedJob(Body body, Answer answer) : body_(std::move(body)), answer_(std::move(answer)) {}
    bool run(WriteContext& context) override {
        try {
            result_ = body_(context);
        } catch (const std::bad_alloc&) {
            context.touch(); // what it did so far is unknown
            result_ = fail(ErrorCode::temporary, "no memory for this transaction", "try again later");
        }
        return result_.has_value();
    }
    void refuse(const Error& error) override { result_ = fail(error); }
    void answer() override { answer_(std::move(result_)); }

  private:
    Body body_;
    Answer answer_;
    Result<T> result_;
};

struct WriterCounts {
    std::uint64_t commits = 0;
    std::uint64_t transactions = 0;
    std::uint64_t waiting = 0;
    std::uint64_t longest_turn = 0; ///< microseconds, from taking a batch to being free for the next one
    bool failed = false;
    bool stalled = false; ///< the present batch has taken longer than limit::store_stall_seconds
};

class Writer {
  public:
    Writer(std::unique_ptr<Database> database, std::shared_ptr<Segments> segments, const Clock& clock,
           std::uint64_t log_bytes);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// `places`: files that must stay where they are.
    [[nodiscard]] Result<void> start(PlaceWatch places);
    /// Finishes what was handed in, leaves the store marked as ended well; later jobs are refused with
    /// closed.
    void close();

    void submit(std::unique_ptr<Job> job);
    /// Runs `body` as one transaction; resumes the caller on its own executor once it is durable.
    template <class T> [[nodiscard]] Task<Result<T>> run(std::function<Result<T>(WriteContext&)> body) {
        async::Completion<T> done;
        submit(std::make_unique<TypedJob<T>>(std::move(body),
                                             [done](Result<T> result) { done.set(std::move(result)); }));
        co_return co_await done.get();
    }
    void on_commit(std::function<void(const Changes&)> listener);
    void on_failure(std::function<void(const Error&)> listener);
    /// Gives up writing; called for I/O errors outside the writer's own calls as well.
    void fail_for_good(const Error& error);
    [[nodiscard]] WriterCounts counts() const;
    [[nodiscard]] const WriteContext& context() const noexcept { return context_; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Whether the disk does not answer. The first to ask has it logged.
    [[nodiscard]] bool stalled() const;

  private:
    using Batch = std::vector<std::unique_ptr<Job>>;
    void loop();
    void turn(Batch& batch);
    void look_after_places();
    void tell_failure();
    void process(Batch& batch);
    [[nodiscard]] Result<void> write(Batch& batch);
    /// False: a job failed after it had changed rows; all is rolled back.
    [[nodiscard]] Result<bool> run_together(Batch& batch);
    [[nodiscard]] Result<void> run_apart(Batch& batch);
    [[nodiscard]] Result<void> commit();
    void give_up(const Batch& batch, const Error& error);
    [[nodiscard]] Result<void> make_bytes_durable();
    [[nodiscard]] Result<void> drop_journal(BlobId last);
    void settle_loop();
    void checkpoint();
    [[nodiscard]] int pages_for_disk() const;
    [[nodiscard]] std::string directory() const;
    void end_use();

    std::unique_ptr<Database> database_;
    std::shared_ptr<Segments> segments_;
    WriteContext context_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::unique_ptr<Job>> waiting_;
    bool closing_ = false;
    bool asleep_ = false;
    std::vector<std::function<void(const Changes&)>> commit_listeners_;
    std::vector<std::function<void(const Error&)>> failure_listeners_;
    std::mutex listener_mutex_;
    Error failure_; ///< guarded by listener_mutex_
    std::atomic<bool> failed_{false};
    std::atomic<bool> read_only_{false}; ///< failed because of that, and nobody was told
    PlaceWatch places_;
    std::chrono::steady_clock::time_point next_look_{};
    std::atomic<std::chrono::steady_clock::rep> turn_began_{0}; ///< 0: no batch is being worked on
    mutable std::atomic<bool> stall_told_{false};
    std::atomic<bool> full_{false};
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> transactions_{0};
    std::atomic<std::uint64_t> longest_turn_{0};
    int wal_pages_ = 0;
    int most_wal_pages_ = 0; ///< then readers are waited for
    bool log_told_ = false;
    int checkpoint_pages_ = 0;
    int checkpoint_at_ = 0;
    std::thread thread_;

    // The body journal: what is in it is dropped once the settling thread has synced the segments behind the
    // scenes.
    BlobId journal_last_ = 0; ///< highest blob in the journal, perhaps not committed yet; writer thread only
    BlobId journal_dropped_ = 0;    ///< up to here it is empty; writer thread only
    std::size_t journal_bytes_ = 0; ///< guarded by settle_mutex_, like the next three
    BlobId journal_committed_ = 0;
    BlobId settled_ = 0;
    bool settle_end_ = false;
    std::mutex settle_mutex_;
    std::condition_variable settle_wake_;
    std::thread settler_;
};

} // namespace mail::store::sqlite
