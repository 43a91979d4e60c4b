#include "maild/queue/finisher.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/queue/bounce.hpp"
#include "maild/service/report_original.hpp"

#include <algorithm>
#include <map>

namespace mail::queue {
namespace {

constexpr std::size_t most_ends = 1000; ///< in one transaction, about
constexpr std::size_t few_ends = 100;
constexpr Duration gather = std::chrono::milliseconds(4);
constexpr Duration report_retry = std::chrono::minutes(5);
constexpr int tries_when_closing = 3;

void log_end(const AttemptEnd& end, const Settled& settled) {
    if (settled.result.outcome == store::QueueOutcome::released)
        return;
    if (settled.result.outcome == store::QueueOutcome::held) {
        log(Event::delivery_held, {{"qid", end.item.message.text()}, {"rcpt", end.item.recipient}, {"reason", end.outcome.text}});
        return;
    }
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

void log_attempt(const Attempted& attempt) {
    log(Event::delivery_attempt,
        {{"qid", attempt.message.text()}, {"remote", attempt.remote}, {"route", attempt.route}, {"tls", attempt.tls},
         {"recipients", attempt.recipients.size()},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(attempt.ended - attempt.began).count()}});
}

AttemptedRecipient attempted(const AttemptEnd& end, const Settled& settled) {
    AttemptedRecipient out;
    out.id = end.item.id;
    out.recipient = end.item.recipient;
    out.outcome = settled.result.outcome;
    out.code = end.outcome.code;
    out.status = end.outcome.status;
    out.text = end.outcome.text;
    out.from_remote = end.outcome.from_remote;
    out.attempts = end.item.attempts + (end.log ? 1 : 0);
    out.next = settled.result.next_attempt;
    out.expired = settled.expired;
    out.reported = settled.report.has_value();
    out.report = settled.report_message;
    return out;
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
        const std::size_t count = ends.size();
        if (!ends.empty())
            co_await settle_batch(std::move(ends));
        // Under load: a few ends a commit would cost a sync for each few.
        if (count > 1 && count < few_ends && !closed)
            co_await async::sleep_for(gather);
        else if (count > 0)
            continue;
        else if (closed)
            break;
        else
            co_await pushed_.wait();
    }
    // What was leased and not attempted is free again at once.
    auto released = co_await store_.queue().recover_leases({});
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
        if (end.copy && end.outcome.is_delivered())
            batch.reports.push_back(*end.copy);
        any_report = any_report || batch.settled.back().report.has_value() || batch.settled.back().double_bounce;
    }
    if (any_report)
        co_await add_reports(batch);
    const bool committed = co_await commit(batch);
    if (committed)
        tell(batch);
    board_.finished(batch.results());
}

/// The log, and the observer: one call for the recipients of a message that shared an attempt.
void Finisher::tell(const Batch& batch) const {
    std::map<std::pair<Id, const AttemptLog*>, Attempted> attempts;
    for (std::size_t i = 0; i < batch.ends.size(); ++i) {
        const AttemptEnd& end = batch.ends[i];
        const Settled& settled = batch.settled[i];
        log_end(end, settled);
        if (settled.result.outcome == store::QueueOutcome::released)
            continue;
        Attempted& attempt = attempts[{end.item.message, end.log.get()}];
        if (attempt.recipients.empty()) {
            attempt.message = end.item.message;
            attempt.sender = end.item.envelope.sender;
            attempt.route = end.route->name;
            attempt.remote = end.remote;
            attempt.began = end.log ? end.log->began : batch.now;
            attempt.ended = end.log ? end.log->ended : batch.now;
            if (end.log) {
                attempt.tls = end.log->tls;
                attempt.transcript = end.log->transcript;
            }
        }
        attempt.recipients.push_back(attempted(end, settled));
    }
    for (const auto& [key, attempt] : attempts) {
        if (key.second != nullptr)
            log_attempt(attempt);
        if (observer_ != nullptr)
            observer_->attempted(attempt);
    }
}

Task<void> Finisher::add_reports(Batch& batch) {
    std::map<std::pair<Id, DsnAction>, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < batch.ends.size(); ++i) {
        if (batch.settled[i].double_bounce)
            co_await add_double_bounce(batch, i);
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

Task<Result<store::AcceptPlan>> Finisher::plan(const Batch& batch, const std::vector<std::size_t>& members, DsnAction action,
                                               const std::string& to) {
    const store::QueueItem& first = batch.ends[members.front()].item;
    const auto address = parse_address(to);
    if (!address)
        co_return fail(ErrorCode::invalid, "the address " + to + " is malformed");
    const bool whole = returns_whole(first.envelope, action);
    const auto original = co_await service::report_original(store_.mail(), first.blob, whole);
    ReportInput input;
    input.action = action;
    for (const std::size_t i : members) {
        input.ends.push_back(&batch.ends[i]);
        input.expired.push_back(batch.settled[i].expired);
    }
    input.reporting_mta = batch.config->hostname;
    input.from = batch.config->postmaster;
    input.to = to;
    input.now = batch.now;
    input.original = original.bytes;
    input.whole = original.is_whole;
    std::string report = make_report(input);
    const bool ascii = text::is_ascii(report);
    const bool utf8_header = !ascii && !text::is_ascii(std::string_view(report).substr(0, report.find("\r\n\r\n")));
    auto made = plan_report_(*address, std::move(report));
    if (made) {
        made->envelope.require_tls = first.envelope.require_tls;
        made->envelope.eight_bit = !ascii;
        made->envelope.smtputf8 = utf8_header || !text::is_ascii(to);
    }
    co_return made;
}

/// RFC 5321 §6.1: never a report to the null sender. The postmaster hears of it, once: mail to the postmaster ends here.
Task<void> Finisher::add_double_bounce(Batch& batch, std::size_t member) {
    const AttemptEnd& end = batch.ends[member];
    const std::string& postmaster = batch.config->postmaster;
    const bool is_last = address_keys(end.item.recipient).address == address_keys(postmaster).address;
    log(Event::double_bounce, {{"qid", end.item.message.text()}, {"rcpt", end.item.recipient}, {"reply", end.outcome.text}});
    if (is_last || postmaster.empty())
        co_return;
    const std::vector<std::size_t> members{member};
    auto made = co_await plan(batch, members, DsnAction::failed, postmaster);
    if (made)
        batch.reports.push_back(std::move(*made));
}

Task<void> Finisher::add_report(Batch& batch, std::vector<std::size_t> members, DsnAction action) {
    const store::QueueItem& first = batch.ends[members.front()].item;
    auto plan = co_await this->plan(batch, members, action, first.envelope.sender);
    if (plan) {
        for (const std::size_t i : members)
            batch.settled[i].report_message = plan->message;
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
