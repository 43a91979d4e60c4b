#include "maild/store/sqlite/writer.hpp"

#include "common/base/log.hpp"

#include <sqlite3.h>
#include <system_error>

namespace mail::store::sqlite {
namespace {
constexpr std::size_t most_waiting = 4096; ///< further transactions are refused: try again later
constexpr std::size_t largest_batch = 512;
constexpr int checkpoint_pages = 8192;     ///< 32 MiB of log, then it is copied into the database
constexpr int most_wal_pages = 131072;     ///< 512 MiB of log, then readers are waited for

int note_pages(void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
}
} // namespace

Writer::Writer(std::unique_ptr<Database> database, std::shared_ptr<Segments> segments, const Clock& clock)
    : database_(std::move(database)), segments_(std::move(segments)), context_(*database_, *segments_, clock),
      checkpoint_at_(checkpoint_pages) {
    sqlite3_wal_hook(database_->handle(), note_pages, &wal_pages_);
}

Writer::~Writer() { close(); }

Result<void> Writer::start() {
    MAIL_DO(context_.load_live());
    try {
        thread_ = std::thread([this] { loop(); });
    } catch (const std::system_error& error) {
        return fail(ErrorCode::unavailable, std::string("cannot start the store's thread: ") + error.what());
    }
    return {};
}

void Writer::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        wake_.notify_one();
    }
    if (!thread_.joinable())
        return;
    thread_.join();
    end_use();
}

void Writer::end_use() {
    if (failed_ || !Query(*database_, "INSERT OR REPLACE INTO meta VALUES ('clean', '1')").run())
        return;
    sqlite3_wal_checkpoint_v2(database_->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void Writer::submit(std::unique_ptr<Job> job) {
    Error refusal;
    {
        const std::lock_guard lock(mutex_);
        if (failed_) {
            refusal = {ErrorCode::temporary, "the store has seen an I/O error and writes no more", "maild must restart"};
        } else if (closing_) {
            refusal = {ErrorCode::closed, "the store is closed", ""};
        } else if (waiting_.size() >= most_waiting) {
            refusal = {ErrorCode::temporary, "too many transactions wait for the store", "try again later"};
        } else {
            waiting_.push_back(std::move(job));
            if (asleep_)
                wake_.notify_one();
            return;
        }
    }
    job->refuse(refusal);
    job->answer();
}

void Writer::loop() {
    Batch batch;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            asleep_ = true;
            wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
            asleep_ = false;
            if (waiting_.empty())
                return;
            while (!waiting_.empty() && batch.size() < largest_batch) {
                batch.push_back(std::move(waiting_.front()));
                waiting_.pop_front();
            }
        }
        process(batch);
        batch.clear();
        checkpoint();
        context_.trim();
        segments_->prepare();
    }
}

void Writer::process(Batch& batch) {
    if (failed_) {
        give_up(batch, {ErrorCode::temporary, "the store has seen an I/O error and writes no more", "maild must restart"});
    } else if (auto written = write(batch); !written) {
        database_->rollback();
        context_.forget();
        Error error = std::move(written).error();
        if (error.code == ErrorCode::no_space) {
            if (!full_.exchange(true))
                log(Event::store_full, {{"reason", error.message}});
        } else if (database_->fatal() || error.code == ErrorCode::internal) {
            fail_for_good(error);
            error.code = ErrorCode::temporary; // told to clients: 451, not a verdict on their message
        }
        if (!failed_)
            (void)context_.load_live();
        give_up(batch, error);
    } else {
        full_ = false;
        ++commits_;
        transactions_ += batch.size();
        // Listeners first: whoever gets an answer finds every snapshot up to date.
        const std::lock_guard lock(listener_mutex_);
        for (const auto& job : batch)
            if (const Changes& c = job->changes; !c.folders.empty() || c.queue || c.revision != 0)
                for (const auto& listener : commit_listeners_)
                    listener(c);
    }
    for (const auto& job : batch)
        job->answer();
}

void Writer::give_up(const Batch& batch, const Error& error) {
    for (const auto& job : batch)
        job->refuse(error);
}

Result<void> Writer::write(Batch& batch) {
    MAIL_DO(Query(*database_, "BEGIN IMMEDIATE").run());
    MAIL_TRY(const bool together, run_together(batch));
    if (!together) {
        database_->rollback();
        context_.forget();
        MAIL_DO(context_.load_live());
        MAIL_DO(Query(*database_, "BEGIN IMMEDIATE").run());
        MAIL_DO(run_apart(batch));
    }
    return commit();
}

Result<bool> Writer::run_together(Batch& batch) {
    for (const auto& job : batch) {
        context_.begin();
        if (job->run(context_))
            job->changes = context_.take_changes();
        else if (database_->fatal())
            return fail(ErrorCode::internal, sqlite3_errmsg(database_->handle()));
        else if (context_.touched())
            return false;
        else
            job->changes = {};
    }
    if (auto flushed = context_.flush(); !flushed) {
        if (database_->fatal())
            return fail(std::move(flushed).error());
        return false;
    }
    return true;
}

Result<void> Writer::run_apart(Batch& batch) {
    for (const auto& job : batch) {
        context_.begin();
        MAIL_DO(Query(*database_, "SAVEPOINT one").run());
        bool good = job->run(context_);
        job->changes = good ? context_.take_changes() : Changes{};
        if (good) {
            if (auto flushed = context_.flush(); !flushed) {
                job->refuse(flushed.error());
                job->changes = {};
                good = false;
            }
        }
        if (database_->fatal())
            return fail(ErrorCode::internal, sqlite3_errmsg(database_->handle()));
        if (!database_->in_transaction()) // a full disk may end the whole transaction
            return fail(ErrorCode::no_space, "the disk has no room for this change", "free disk space");
        if (!good) {
            MAIL_DO(Query(*database_, "ROLLBACK TO one").run());
            context_.forget();
            MAIL_DO(context_.load_live());
        }
        MAIL_DO(Query(*database_, "RELEASE one").run());
    }
    return {};
}

Result<void> Writer::commit() {
    // Bytes first: a committed row never names bytes that a power cut can take.
    if (context_.take_needs_bytes()) {
        MAIL_DO(segments_->sync());
    }
    return Query(*database_, "COMMIT").run();
}

void Writer::fail_for_good(const Error& error) {
    if (failed_.exchange(true))
        return;
    log(Event::store_error, {{"reason", error.message}});
    const std::lock_guard lock(listener_mutex_);
    for (const auto& listener : failure_listeners_)
        listener(error);
}

void Writer::checkpoint() {
    if (wal_pages_ < checkpoint_pages)
        checkpoint_at_ = checkpoint_pages; // the log has started anew
    if (failed_ || wal_pages_ < checkpoint_at_)
        return;
    const bool hard = wal_pages_ >= most_wal_pages;
    int pages = 0;
    int copied = 0;
    const int code = sqlite3_wal_checkpoint_v2(database_->handle(), nullptr,
                                               hard ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &pages,
                                               &copied);
    // While a reader is in the way, or the disk is full, the log grows: not with every batch again.
    checkpoint_at_ = wal_pages_ + checkpoint_pages / 4;
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        return;
    const Failure failure = database_->failure(code);
    if (database_->fatal())
        fail_for_good(failure.error);
    else
        log(Event::store_full, {{"reason", failure.error.message}});
}

void Writer::on_commit(std::function<void(const Changes&)> listener) {
    const std::lock_guard lock(listener_mutex_);
    commit_listeners_.push_back(std::move(listener));
}

void Writer::on_failure(std::function<void(const Error&)> listener) {
    const std::lock_guard lock(listener_mutex_);
    failure_listeners_.push_back(std::move(listener));
}

WriterCounts Writer::counts() const {
    const std::lock_guard lock(mutex_);
    return {commits_, transactions_, waiting_.size(), failed_};
}

} // namespace mail::store::sqlite
