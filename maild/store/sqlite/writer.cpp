#include "maild/store/sqlite/writer.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"

#include <algorithm>
#include <sqlite3.h>
#include <system_error>

namespace mail::store::sqlite {
namespace {
constexpr std::size_t most_waiting = 4096; ///< further transactions are refused: try again later
constexpr std::size_t largest_batch = 512;
// What the body journal costs, measured: two more pages in the log and later in the database for 4 KiB.
constexpr std::int64_t journal_ns_per_message = 15'000;
constexpr std::int64_t journal_ns_per_byte = 4;
constexpr auto settle_after = std::chrono::milliseconds(300);
constexpr std::size_t settle_bytes = std::size_t{8} << 20;
// Pages of the log before it is copied into the database. A long log gathers many versions of a page and is
// copied seldom; on a nearly full disk it must stay short.
constexpr std::uint64_t most_checkpoint_pages = 32768;
constexpr std::uint64_t fewest_checkpoint_pages = 1024;
constexpr int page_bytes = 4096;
constexpr int busy_ms = 10'000;
constexpr int checkpoint_busy_ms = 500; ///< mail waits behind a reader of the log for no longer
constexpr auto look_every = std::chrono::seconds(limit::store_look_seconds);
constexpr auto stall_after = std::chrono::seconds(limit::store_stall_seconds);

int note_pages(void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
}
} // namespace

Writer::Writer(std::unique_ptr<Database> database, std::shared_ptr<Segments> segments, const Clock& clock,
               std::uint64_t log_bytes)
    : database_(std::move(database)), segments_(std::move(segments)),
      context_(*database_, *segments_, clock), most_wal_pages_(static_cast<int>(log_bytes / page_bytes)) {
    sqlite3_wal_hook(database_->handle(), note_pages, &wal_pages_);
}

Writer::~Writer() {
    close();
}

std::string Writer::directory() const {
    const std::string path = sqlite3_db_filename(database_->handle(), nullptr);
    return path.substr(0, path.rfind('/'));
}

int Writer::pages_for_disk() const {
    const std::uint64_t room = free_bytes_of(directory()) / 8 / page_bytes;
    return std::min(most_wal_pages_, static_cast<int>(std::clamp(room, fewest_checkpoint_pages, most_checkpoint_pages)));
}

Result<void> Writer::start(PlaceWatch places) {
    MAIL_DO(context_.load_live());
    places_ = std::move(places);
    checkpoint_at_ = checkpoint_pages_ = pages_for_disk();
    try {
        thread_ = std::thread([this] { loop(); });
        settler_ = std::thread([this] { settle_loop(); });
    } catch (const std::system_error& error) {
        return fail(ErrorCode::temporary, std::string("cannot start the store's thread: ") + error.what(), "allow more of them");
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
    {
        const std::lock_guard lock(settle_mutex_);
        settle_end_ = true;
        settle_wake_.notify_one();
    }
    if (settler_.joinable())
        settler_.join();
    end_use();
}

void Writer::end_use() {
    if (failed_ || !segments_->sync() || !Query(*database_, "DELETE FROM body_journal").run() ||
        !Query(*database_, "INSERT OR REPLACE INTO meta VALUES ('clean', '1')").run())
        return;
    sqlite3_wal_checkpoint_v2(database_->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void Writer::submit(std::unique_ptr<Job> job) {
    Error refusal;
    {
        const std::lock_guard lock(mutex_);
        if (failed_) {
            refusal = {ErrorCode::temporary, "the store has seen an I/O error and writes no more",
                       "maild must restart"};
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
            wake_.wait_for(lock, look_every, [this] { return closing_ || !waiting_.empty(); });
            asleep_ = false;
            if (waiting_.empty() && closing_)
                return;
            while (!waiting_.empty() && batch.size() < largest_batch) {
                batch.push_back(std::move(waiting_.front()));
                waiting_.pop_front();
            }
        }
        if (!batch.empty())
            turn(batch);
        look_after_places();
    }
}

void Writer::turn(Batch& batch) {
    const auto began = std::chrono::steady_clock::now();
    turn_began_ = began.time_since_epoch().count();
    process(batch);
    batch.clear();
    checkpoint();
    context_.trim();
    if (auto prepared = segments_->prepare(); !prepared)
        fail_for_good(prepared.error()); // a disk that fails to sync an empty file is not to be trusted with mail
    turn_began_ = 0;
    stall_told_ = false;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    longest_turn_ = std::max<std::uint64_t>(longest_turn_, static_cast<std::uint64_t>(took.count()));
}

bool Writer::stalled() const {
    const auto began = turn_began_.load();
    const std::chrono::steady_clock::time_point since{std::chrono::steady_clock::duration(began)};
    if (began == 0 || std::chrono::steady_clock::now() - since < stall_after)
        return false;
    if (!stall_told_.exchange(true))
        log(Event::store_stalled, {{"seconds", limit::store_stall_seconds}});
    return true;
}

/// Seldom enough to cost nothing, often enough that little is written into files that nobody will find.
void Writer::look_after_places() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_)
        return;
    next_look_ = now + look_every;
    if (!failed_) {
        if (auto found = places_.look(); !found)
            fail_for_good(found.error());
    } else if (read_only_ && !is_read_only(directory())) {
        tell_failure();
    }
}

void Writer::process(Batch& batch) {
    if (failed_) {
        give_up(batch, {ErrorCode::temporary, "the store has seen an I/O error and writes no more",
                        "maild must restart"});
    } else if (auto written = write(batch); !written) {
        database_->rollback();
        context_.forget();
        journal_last_ = journal_dropped_; // ids of what was rolled back are given out again
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
        const async::WakeBatch together;
        const std::lock_guard lock(listener_mutex_);
        for (const auto& job : batch)
            if (const Changes& c = job->changes; !c.folders.empty() || c.queue || c.revision != 0)
                for (const auto& listener : commit_listeners_)
                    listener(c);
    }
    const async::WakeBatch together;
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
        context_
            .needs_sync(); // savepoints that were rolled back have taken the list of unsynced messages along
    }
    return commit();
}

Result<bool> Writer::run_together(Batch& batch) {
    for (const auto& job : batch) {
        context_.begin();
        const bool good = job->run(context_);
        if (!good && database_->fatal())
            return fail(ErrorCode::internal, sqlite3_errmsg(database_->handle()));
        if (!database_->in_transaction())
            return false; // out of memory or room, SQLite has taken everything back
        if (good)
            job->changes = context_.take_changes();
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
        if (!database_->in_transaction() && (sqlite3_errcode(database_->handle()) & 0xff) == SQLITE_NOMEM)
            return fail(ErrorCode::temporary, "no memory for this change", "try again later");
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
    // Bytes first, or with the rows: a committed row never names bytes that a power cut can take.
    MAIL_DO(make_bytes_durable());
    MAIL_DO(Query(*database_, "COMMIT").run());
    std::size_t journaled = 0;
    for (const auto& one : context_.unsynced())
        journaled += one.bytes->size();
    context_.forget_unsynced();
    const std::lock_guard lock(settle_mutex_);
    if (journal_last_ > journal_committed_) {
        journal_committed_ = journal_last_;
        journal_bytes_ += journaled;
        settle_wake_.notify_one();
    }
    return {};
}

Result<void> Writer::make_bytes_durable() {
    BlobId settled = 0;
    {
        const std::lock_guard lock(settle_mutex_);
        settled = settled_;
    }
    std::int64_t nanoseconds = 0;
    for (const auto& one : context_.unsynced())
        nanoseconds +=
            journal_ns_per_message + journal_ns_per_byte * static_cast<std::int64_t>(one.bytes->size());
    if (context_.needs_sync_now() || (nanoseconds != 0 && nanoseconds >= segments_->sync_time() * 1000)) {
        MAIL_DO(segments_->sync());
        context_.forget_unsynced();
        return drop_journal(journal_last_);
    }
    MAIL_DO(drop_journal(settled));
    for (const auto& one : context_.unsynced()) {
        Query insert(*database_, "INSERT INTO body_journal VALUES (?, ?)");
        MAIL_DO(insert.bind(one.blob).blob(*one.bytes).run());
        journal_last_ = one.blob;
    }
    return {};
}

Result<void> Writer::drop_journal(BlobId last) {
    if (last <= journal_dropped_)
        return {};
    MAIL_DO(Query(*database_, "DELETE FROM body_journal WHERE blob <= ?").bind(last).run());
    journal_dropped_ = last; // should the commit fail, the next drop takes the rows along
    return {};
}

void Writer::settle_loop() {
    std::unique_lock lock(settle_mutex_);
    for (;;) {
        settle_wake_.wait(lock, [this] { return settle_end_ || journal_committed_ > settled_; });
        if (settle_end_)
            return;
        settle_wake_.wait_for(lock, settle_after,
                              [this] { return settle_end_ || journal_bytes_ >= settle_bytes; });
        const BlobId last = journal_committed_;
        journal_bytes_ = 0;
        lock.unlock();
        auto synced = segments_->sync();
        if (!synced)
            fail_for_good(synced.error());
        lock.lock();
        if (!synced)
            return;
        settled_ = last;
    }
}

void Writer::fail_for_good(const Error& error) {
    if (failed_.exchange(true))
        return;
    {
        const std::lock_guard lock(listener_mutex_);
        failure_ = error;
    }
    if (is_read_only(directory())) {
        read_only_ = true;
        log(Event::store_read_only, {{"reason", error.message}});
        return;
    }
    log(Event::store_error, {{"reason", error.message}});
    tell_failure();
}

void Writer::tell_failure() {
    read_only_ = false;
    const std::lock_guard lock(listener_mutex_);
    for (const auto& listener : failure_listeners_)
        listener(failure_);
}

void Writer::checkpoint() {
    const int threshold = checkpoint_pages_;
    if (wal_pages_ < threshold)
        checkpoint_at_ = threshold; // the log has started anew
    if (failed_ || wal_pages_ == 0 || wal_pages_ < (full_ ? 0 : checkpoint_at_))
        return;
    const bool hard = wal_pages_ >= most_wal_pages_;
    sqlite3_busy_timeout(database_->handle(), checkpoint_busy_ms);
    int pages = 0;
    int copied = 0;
    const int code = sqlite3_wal_checkpoint_v2(database_->handle(), nullptr,
                                               hard ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
                                               &pages, &copied);
    sqlite3_busy_timeout(database_->handle(), busy_ms);
    if (!hard)
        log_told_ = false;
    else if ((code & 0xff) == SQLITE_BUSY && !std::exchange(log_told_, true))
        log(Event::store_log_grows, {{"bytes", std::int64_t{wal_pages_} * page_bytes}});
    // While a reader is in the way, or the disk is full, the log grows: not with every batch again.
    checkpoint_at_ = wal_pages_ + threshold / 4;
    checkpoint_pages_ = pages_for_disk();
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
    return {commits_, transactions_, waiting_.size(), longest_turn_, failed_, stalled()};
}

} // namespace mail::store::sqlite
