#include "maild/queue/finisher.hpp"

#include "common/base/log.hpp"
#include "maild/queue/bounce.hpp"

#include <algorithm>
#include <map>

namespace mail::queue {
namespace {

constexpr std::size_t most_ends = 1000; ///< in one transaction, about
constexpr Duration report_retry = std::chrono::minutes(5);
constexpr int tries_when_closing = 3;

void log_end(const AttemptEnd& end, const Settled& settled) {
    const Event event = settled.result.outcome == store::QueueOutcome::delivered  ? Event::delivery_done
                        : settled.result.outcome == store::QueueOutcome::deferred ? Event::delivery_deferred
                                                                                  : Event::delivery_failed;
    if (event == Event::delivery_done) {
        log(event, {{"qid", end.item.message.text()}, {"rcpt", end.item.recipient}, {"remote", end.remote},
                    {"reply", end.outcome.text}});
        return;
    }
    log(event, {{"qid", end.item.message.text()}, {"rcpt", end.item.recipient}, {"remote", end.remote},
                {"status", end.outcome.status}, {"reply", end.outcome.text}, {"attempts", end.item.attempts + 1},
                {"next", settled.result.outcome == store::QueueOutcome::deferred ? format_rfc3339(settled.result.next_attempt)
                                                                                  : std::string("never")}});
}

} // namespace

struct Finisher::Batch {
    Time now{};
    std::shared_ptr<const OutboundConfig> config;
    std::vector<AttemptEnd> ends;
    std::vector<Settled> settled; ///< beside ends
    std::vector<store::AcceptPlan> reports;

    [[nodiscard]] std::vector<store::AttemptResult> results() const {
        std::vector<store::AttemptResult> all;
        all.reserve(settled.size());
        for (const Settled& one : settled)
            all.push_back(one.result);
        return all;
    }
};

Finisher::Finisher(store::Store& store, const Clock& clock, Board& board, ConfigSource config, ReportPlanner plan_report)
    : store_(store), clock_(clock), board_(board), config_(std::move(config)), plan_report_(std::move(plan_report)) {}

void Finisher::push(std::vector<AttemptEnd> ends) {
    if (ends.empty())
        return;
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(ends));
    }
    pushed_.fire();
}

void Finisher::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    pushed_.fire();
}

bool Finisher::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

std::vector<AttemptEnd> Finisher::take() {
    std::vector<AttemptEnd> ends;
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty() && ends.size() < most_ends) {
        std::move(waiting_.front().begin(), waiting_.front().end(), std::back_inserter(ends));
        waiting_.pop_front();
    }
    return ends;
}

Task<void> Finisher::run() {
    for (;;) {
        const bool closed = is_closed(); // asked first: what was pushed before close() is then in sight
        auto ends = take();
        if (!ends.empty())
            co_await settle_batch(std::move(ends));
        else if (closed)
            break;
        else
            co_await pushed_.wait();
    }
    // What was leased and not attempted is free again at once.
    auto released = co_await store_.queue().recover_leases();
    (void)released;
}

Task<void> Finisher::settle_batch(std::vector<AttemptEnd> ends) {
    Batch batch;
    batch.now = clock_.now();
    batch.config = config_();
    batch.ends = std::move(ends);
    batch.settled.reserve(batch.ends.size());
    bool any_report = false;
    for (const AttemptEnd& end : batch.ends) {
        batch.settled.push_back(settle(end, batch.now));
        any_report = any_report || batch.settled.back().report.has_value();
    }
    if (any_report)
        co_await add_reports(batch);
    const bool committed = co_await commit(batch);
    if (committed)
        for (std::size_t i = 0; i < batch.ends.size(); ++i)
            log_end(batch.ends[i], batch.settled[i]);
    board_.finished(batch.results());
}

Task<void> Finisher::add_reports(Batch& batch) {
    std::map<std::pair<Id, DsnAction>, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < batch.ends.size(); ++i) {
        if (!batch.settled[i].report)
            continue;
        const store::QueueItem& item = batch.ends[i].item;
        if (!item.envelope.sender.empty()) {
            groups[{item.message, *batch.settled[i].report}].push_back(i);
        } else if (*batch.settled[i].report == DsnAction::failed) {
            // RFC 5321 §6.1: never a report about a report (faults O09).
            log(Event::double_bounce, {{"qid", item.message.text()}, {"rcpt", item.recipient},
                                       {"reply", batch.ends[i].outcome.text}});
        }
    }
    for (auto& [key, members] : groups)
        co_await add_report(batch, std::move(members), key.second);
}

Task<void> Finisher::add_report(Batch& batch, std::vector<std::size_t> members, DsnAction action) {
    const store::QueueItem& first = batch.ends[members.front()].item;
    auto sender = parse_address(first.envelope.sender);
    Result<store::AcceptPlan> plan = fail(ErrorCode::invalid, "the sender's address is malformed");
    if (sender) {
        auto original = co_await store_.mail().read(first.blob, 0, report_original_bytes);
        ReportInput input;
        input.action = action;
        for (const std::size_t i : members) {
            input.ends.push_back(&batch.ends[i]);
            input.expired.push_back(batch.settled[i].expired);
        }
        input.reporting_mta = batch.config->hostname;
        input.from = batch.config->postmaster;
        input.now = batch.now;
        if (original)
            input.original = *original;
        input.whole = original && first.blob.length <= report_original_bytes;
        plan = plan_report_(*sender, make_report(input));
    }
    if (plan) {
        batch.reports.push_back(std::move(*plan));
        co_return;
    }
    const ErrorCode code = plan.error().code;
    const bool for_good = code == ErrorCode::not_found || code == ErrorCode::invalid || code == ErrorCode::denied;
    for (const std::size_t i : members) {
        Settled& settled = batch.settled[i];
        if (for_good) {
            log(Event::double_bounce, {{"qid", first.message.text()}, {"rcpt", batch.ends[i].item.recipient},
                                       {"reason", plan.error().message}});
        } else if (action == DsnAction::failed) {
            // The failure stays in the queue until its report can be made: silence would be a loss.
            settled.result.outcome = store::QueueOutcome::deferred;
            settled.result.next_attempt = batch.now + report_retry;
        } else if (action == DsnAction::delayed) {
            settled.result.delay_told = false;
        }
    }
}

Task<bool> Finisher::commit(const Batch& batch) {
    for (int tries = 1;; ++tries) {
        auto results = batch.results();
        auto reports = batch.reports;
        auto done = co_await store_.queue().finish(std::move(results), std::move(reports));
        if (done)
            co_return true;
        log(Event::store_error, {{"reason", done.error().message}, {"what", "ending delivery attempts"}});
        if (done.error().code == ErrorCode::closed || (is_closed() && tries >= tries_when_closing))
            co_return false;
        co_await async::sleep_for(std::chrono::seconds(1));
    }
}

} // namespace mail::queue
