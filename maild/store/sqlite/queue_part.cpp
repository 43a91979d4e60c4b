// QueueStore on the embedded engine.
#include "maild/store/sqlite/engine.hpp"
#include "maild/store/sqlite/queue_rows.hpp"
#include "maild/store/sqlite/transactions.hpp"

namespace mail::store::sqlite {
namespace {

constexpr std::size_t change_slice = 1000; ///< items of one turn of the writer

class QueuePart final : public QueueStore {
  public:
    explicit QueuePart(Engine& engine) : engine_(engine) {}
    Task<Result<std::vector<QueueItem>>> lease(Time now, Time lease_end, std::size_t limit,
                                               std::size_t per_domain) override;
    Task<Result<void>> finish(std::vector<AttemptResult> results, std::vector<AcceptPlan> reports) override;
    Task<Result<std::optional<Time>>> next_due() override {
        co_return engine_.now<std::optional<Time>>([](Database& db) { return sqlite::next_due(db); });
    }
    Task<Result<std::vector<QueueItem>>> list(QueueFilter filter) override;
    Task<Result<QueueItem>> item(QueueId id) override {
        co_return engine_.now<QueueItem>([id](Database& db) { return queue_item(db, id); });
    }
    Task<Result<std::uint64_t>> count(QueueFilter filter) override;
    Task<Result<std::vector<QueueSummary>>> summary(QueueFilter filter, QueueGroup group, std::size_t most) override;
    Task<Result<std::size_t>> change(QueueFilter filter, QueueChange change) override;
    Task<Result<std::size_t>> recover_leases(std::vector<QueueId> suspects) override;

  private:
    Engine& engine_;
};

Task<Result<std::vector<QueueItem>>> QueuePart::lease(Time now, Time lease_end, std::size_t limit,
                                                      std::size_t per_domain) {
    std::function<Result<std::vector<QueueItem>>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::lease(context, now, lease_end, limit, per_domain);
    };
    co_return co_await engine_.writer->run<std::vector<QueueItem>>(std::move(body));
}

Task<Result<void>> QueuePart::finish(std::vector<AttemptResult> results, std::vector<AcceptPlan> reports) {
    // Without asking for the reserve: a report frees the item it is about.
    auto shared = std::make_shared<std::vector<AcceptPlan>>(std::move(reports));
    std::function<Result<void>(WriteContext&)> body = [this, results = std::move(results), shared](WriteContext& context) -> Result<void> {
        for (AcceptPlan& report : *shared) {
            MAIL_DO(engine_.place_bytes(report));
        }
        return sqlite::finish(context, results, *shared);
    };
    co_return co_await engine_.writer->run<void>(std::move(body));
}

Task<Result<std::vector<QueueItem>>> QueuePart::list(QueueFilter filter) {
    const Time now = engine_.clock().now();
    MAIL_CO_TRY(CheckedFilter checked, check_filter(filter, now));
    std::function<Result<std::vector<QueueItem>>(Database&)> read =
        [checked = std::move(checked)](Database& db) { return select_queue(db, checked); };
    co_return co_await engine_.later<std::vector<QueueItem>>(std::move(read));
}

Task<Result<std::uint64_t>> QueuePart::count(QueueFilter filter) {
    const Time now = engine_.clock().now();
    MAIL_CO_TRY(CheckedFilter checked, check_filter(filter, now));
    std::function<Result<std::uint64_t>(Database&)> read = [checked = std::move(checked)](Database& db) {
        return count_queue(db, checked);
    };
    co_return co_await engine_.later<std::uint64_t>(std::move(read));
}

Task<Result<std::vector<QueueSummary>>> QueuePart::summary(QueueFilter filter, QueueGroup group, std::size_t most) {
    const Time now = engine_.clock().now();
    MAIL_CO_TRY(CheckedFilter checked, check_filter(filter, now));
    std::function<Result<std::vector<QueueSummary>>(Database&)> read =
        [checked = std::move(checked), group, most, now](Database& db) {
            return summarize_queue(db, checked, group, most, now);
        };
    co_return co_await engine_.later<std::vector<QueueSummary>>(std::move(read));
}

Task<Result<std::size_t>> QueuePart::change(QueueFilter filter, QueueChange change) {
    // In slices: a change of the whole queue must not hold up mail.
    filter.after = 0;
    filter.sort.clear();
    filter.limit = change_slice;
    std::size_t changed = 0;
    for (;;) {
        std::function<Result<QueueSlice>(WriteContext&)> body = [filter, change](WriteContext& context) {
            return change_queue(context, filter, change);
        };
        MAIL_CO_TRY(const QueueSlice slice, co_await engine_.writer->run<QueueSlice>(std::move(body)));
        changed += slice.changed;
        if (slice.last == 0)
            co_return changed;
        filter.after = slice.last;
    }
}

Task<Result<std::size_t>> QueuePart::recover_leases(std::vector<QueueId> suspects) {
    std::function<Result<std::size_t>(WriteContext&)> body = [suspects = std::move(suspects)](WriteContext& context) {
        return sqlite::recover_leases(context, suspects);
    };
    co_return co_await engine_.writer->run<std::size_t>(std::move(body));
}

} // namespace

std::unique_ptr<QueueStore> make_queue(Engine& engine) {
    return std::make_unique<QueuePart>(engine);
}

} // namespace mail::store::sqlite
