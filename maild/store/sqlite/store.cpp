// Opening, closing and the parts that belong to no single interface.
#include "common/base/log.hpp"
#include "maild/store/sqlite/compaction.hpp"
#include "maild/store/sqlite/log_check.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <csignal>
#include <filesystem>
#include <future>
#include <system_error>

namespace mail::store {
namespace sqlite {
namespace {

constexpr unsigned pool_threads = 2;
constexpr auto read_time = std::chrono::seconds(limit::store_read_seconds);
constexpr std::size_t pool_queue = 1024;
constexpr std::size_t folders_of_a_turn = 100; ///< whose vanished UIDs are counted
constexpr std::int64_t space_check_every = 200'000; ///< microseconds of the monotonic clock

Result<void> put_meta_row(WriteContext& context, std::string_view key, std::string_view value) {
    context.touch();
    return Query(context.db, "INSERT OR REPLACE INTO meta VALUES (?, ?)").bind(key).bind(value).run();
}

/// Runs a transaction and blocks until it is durable; not for I/O threads.
template <class T> Result<T> run_blocking(Writer& writer, std::function<Result<T>(WriteContext&)> body) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    writer.submit(std::make_unique<TypedJob<T>>(
        std::move(body), [promise](Result<T> result) { promise->set_value(std::move(result)); }));
    return future.get();
}

class MetaPart final : public MetaStore {
  public:
    explicit MetaPart(Engine& engine) : engine_(engine) {}
    Result<std::string> meta(std::string_view key) override {
        return engine_.now<std::string>([&](Database& db) { return read_meta(db, key); });
    }
    Result<void> put_meta(std::string_view key, std::string_view value) override {
        std::function<Result<void>(WriteContext&)> body =
            [key = std::string(key), value = std::string(value)](WriteContext& context) {
                return put_meta_row(context, key, value);
            };
        return run_blocking<void>(*engine_.writer, std::move(body));
    }

  private:
    Engine& engine_;
};

class SqliteStore final : public Store {
  public:
    explicit SqliteStore(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
    ~SqliteStore() override { shut(); }
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    MailStore& mail() override { return *mail_; }
    QueueStore& queue() override { return *queue_; }
    ResourceStore& resources() override { return *resources_; }
    MetaStore& meta() override { return meta_; }
    StoryStore& stories() override { return *stories_; }
    RecoveryStore& recovery() override { return *recovery_; }
    void on_commit(std::function<void(const Changes&)> listener) override {
        engine_->writer->on_commit(std::move(listener));
    }
    void on_failure(std::function<void(const Error&)> listener) override {
        engine_->writer->on_failure(std::move(listener));
    }
    StoreStats stats() const override;
    Task<Result<Maintained>> maintain(Maintenance what) override;
    Task<Result<SpaceReport>> space(unsigned compact_percent) override;
    void close() override { shut(); }

  private:
    [[nodiscard]] Task<Result<std::uint64_t>> remove_segment(std::uint32_t segment);
    void shut() {
        if (engine_->closed.exchange(true))
            return;
        engine_->writer->close();
    }

    std::unique_ptr<Engine> engine_;
    std::unique_ptr<MailStore> mail_ = make_mail(*engine_);
    std::unique_ptr<QueueStore> queue_ = make_queue(*engine_);
    std::unique_ptr<ResourceStore> resources_ = make_resources(*engine_);
    std::unique_ptr<StoryStore> stories_ = make_stories(*engine_);
    std::unique_ptr<RecoveryStore> recovery_ = make_recovery(*engine_);
    MetaPart meta_{*engine_};
    Compaction compaction_{*engine_};
    std::atomic<FolderId> memories_seen_{0}; ///< folders whose vanished UIDs were counted in this round of maintenance
};

StoreStats SqliteStore::stats() const {
    const WriterCounts counts = engine_->writer->counts();
    StoreStats stats;
    stats.commits = counts.commits;
    stats.transactions = counts.transactions;
    stats.waiting = counts.waiting;
    stats.longest_turn = counts.longest_turn;
    stats.failed = counts.failed;
    stats.stalled = counts.stalled;
    stats.segment_syncs = engine_->segments->syncs();
    stats.free_bytes = free_bytes_of(engine_->directory.path());
    stats.blobs = engine_->writer->context().live_blobs;
    stats.blob_bytes = engine_->writer->context().live_bytes;
    return stats;
}

Task<Result<Maintained>> SqliteStore::maintain(Maintenance what) {
    const auto quiet = engine_->options.segment_quiet;
    const FolderId after = memories_seen_;
    std::function<Result<VanishedScan>(Database&)> look = [after, keep = what.vanished_ranges](Database& db) {
        return find_long_memories(db, after, keep, folders_of_a_turn);
    };
    MAIL_CO_TRY(VanishedScan memories, co_await engine_->later<VanishedScan>(std::move(look)));
    memories_seen_ = memories.next;
    const bool more_memories = memories.next != 0;
    std::function<Result<MaintenanceTurn>(WriteContext&)> body = [what, quiet, cuts = std::move(memories.cuts)](
                                                                     WriteContext& context) -> Result<MaintenanceTurn> {
        MAIL_TRY(const std::size_t forgotten, prune_vanished(context, cuts, what.slice));
        MAIL_TRY(auto turn, sqlite::maintain(context, what, quiet));
        turn.done.vanished = forgotten;
        turn.done.more = turn.done.more || (forgotten != 0 && forgotten >= what.slice);
        return turn;
    };
    MAIL_CO_TRY(MaintenanceTurn turn, co_await engine_->writer->run<MaintenanceTurn>(std::move(body)));
    Maintained& done = turn.done;
    done.more = done.more || more_memories;
    for (const std::uint32_t segment : turn.dead_segments) {
        MAIL_CO_TRY(const std::uint64_t freed, co_await remove_segment(segment));
        done.freed_bytes += freed;
        done.segments += freed != 0 ? 1 : 0;
    }
    MAIL_CO_DO(co_await compaction_.turn(what, done));
    co_return done;
}

/// Unlinking a large file takes its time: not on an I/O thread.
Task<Result<std::uint64_t>> SqliteStore::remove_segment(std::uint32_t segment) {
    std::function<Result<std::uint64_t>()> job = [this, segment] { return engine_->segments->remove(segment); };
    auto freed = co_await engine_->pool->run<std::uint64_t>(std::move(job));
    if (freed && *freed != 0)
        log(Event::store_compacted, {{"segment", segment}, {"bytes", *freed}});
    co_return freed;
}

Task<Result<SpaceReport>> SqliteStore::space(unsigned compact_percent) {
    std::function<Result<SpaceReport>(Database&)> read = [compact_percent](Database& db) {
        return read_space(db, compact_percent);
    };
    MAIL_CO_TRY(SpaceReport report, co_await engine_->later<SpaceReport>(std::move(read)));
    std::error_code ignored;
    for (const char* suffix : {"", "-wal"}) {
        const auto size = std::filesystem::file_size(engine_->directory.database() + suffix, ignored);
        report.database_bytes += ignored ? 0 : size;
    }
    report.free_bytes = free_bytes_of(engine_->directory.path());
    co_return report;
}

Result<std::vector<SegmentUse>> known_segments(Database& database) {
    std::vector<SegmentUse> known;
    Query query(database, "SELECT id, used, live_bytes FROM segment");
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return known;
        known.push_back({query.as<std::uint32_t>(0), query.count(1), query.count(2)});
    }
}

/// Marks the store as in use, so that the next start knows whether this one ended well.
Result<void> begin_use(Database& database, const Clock& clock) {
    const auto ended_well = read_meta(database, "clean");
    if (ended_well && *ended_well == "0") {
        MAIL_DO(check_after_crash(database));
    }
    MAIL_DO(Query(database, "INSERT OR REPLACE INTO meta VALUES ('clean', '0')").run());
    const std::string node = Id::make(clock.now()).text();
    return Query(database, "INSERT OR IGNORE INTO meta VALUES ('node_id', ?)").bind(node).run();
}

Result<std::unique_ptr<Store>> open_engine(SqliteOptions options) {
    static const Clock& default_clock = system_clock();
    if (options.clock == nullptr)
        options.clock = &default_clock;
    auto engine = std::make_unique<Engine>();
    engine->options = options;
    MAIL_TRY(engine->directory, Directory::lock(options.directory, true));
    MAIL_DO(find_database(engine->directory));
    const std::string path = engine->directory.database();
    MAIL_TRY(const LogState log_found, read_log(path + "-wal"));
    if (const std::string problem = problem_of(log_found); !problem.empty())
        log(Event::store_damaged, {{"problem", problem}});
    watch_files(path, options.files);
    MAIL_TRY(auto database, Database::open(path, Database::Mode::write));
    MAIL_DO(migrate(*database, engine->directory));
    static const FileOps plain;
    MAIL_DO(replay_bodies(*database, engine->directory, options.files != nullptr ? *options.files : plain));
    MAIL_DO(begin_use(*database, *options.clock));
    MAIL_TRY(auto known, known_segments(*database));
    SegmentOptions segments{engine->directory.segments(), options.segment_bytes, options.files};
    MAIL_TRY(engine->segments, Segments::open(std::move(segments), std::move(known)));
    MAIL_TRY(engine->readers, Readers::open(path, std::max(1U, options.readers), read_time));
    try {
        engine->pool = std::make_unique<async::WorkerPool>(pool_threads, pool_queue);
    } catch (const std::system_error& error) {
        return fail(ErrorCode::temporary, std::string("cannot start a thread: ") + error.what(), "allow more of them");
    }
    engine->writer = std::make_unique<Writer>(std::move(database), engine->segments, *options.clock, options.log_bytes);
    engine->packer = std::make_unique<Packer>(*engine->writer, options.pack_items);
    engine->writer->on_commit([packer = engine->packer.get()](const Changes& changes) { packer->note(changes); });
    MAIL_DO(engine->writer->start(PlaceWatch({path, path + "-wal", engine->directory.segments()})));
    log(Event::store_opened, {{"path", path}, {"version", newest_version()}});
    return std::make_unique<SqliteStore>(std::move(engine));
}

} // namespace

Engine::~Engine() {
    pool.reset(); // its jobs use the readers
    writer.reset();
    readers.reset();
    if (!directory.path().empty())
        watch_files(directory.database(), nullptr);
}

Result<void> Engine::room_for_mail() {
    if (closed)
        return fail(ErrorCode::closed, "the store is closed");
    if (writer->failed())
        return fail(ErrorCode::temporary, "the store has seen an I/O error and writes no more",
                    "maild must restart");
    if (writer->stalled())
        return fail(ErrorCode::temporary, "the disk does not answer", "try again later");
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t now = std::chrono::duration_cast<Duration>(since).count();
    if (now - space_checked_.load(std::memory_order_relaxed) >= space_check_every) {
        free_bytes_ = free_bytes_of(directory.path());
        space_checked_ = now;
    }
    if (free_bytes_ < options.reserve_bytes)
        return fail(ErrorCode::no_space, "the disk has less free space than is kept back for running on",
                    "free disk space");
    return {};
}

Result<void> Engine::place_bytes(AcceptPlan& plan) {
    if (plan.content.spooled)
        return {};
    const std::string_view bytes =
        plan.content.memory ? std::string_view(*plan.content.memory) : std::string_view();
    auto placed = segments->write(bytes);
    if (!placed) {
        Error error = std::move(placed).error();
        if (error.code == ErrorCode::internal) {
            writer->fail_for_good(error);
            error.code = ErrorCode::temporary;
        }
        return fail(std::move(error));
    }
    plan.content.spooled = *placed; // the bytes in memory are kept for the body journal
    return {};
}

} // namespace sqlite

Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options) {
    // A file size limit must look like a full disk, not kill the server.
    std::signal(SIGXFSZ, SIG_IGN);
    return sqlite::open_engine(std::move(options));
}

} // namespace mail::store
