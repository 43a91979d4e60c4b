#include "common/base/limits.hpp"
#include "maild/store/memory/state.hpp"

#include <algorithm>
#include <tuple>

namespace mail::store::memory {
namespace {

class QueuePart final : public QueueStore {
  public:
    explicit QueuePart(State& state) : state_(state) {}
    Task<Result<std::vector<QueueItem>>> lease(Time now, Time lease_end, std::size_t limit,
                                               std::size_t per_domain) override {
        co_return lease_now(now, lease_end, limit, per_domain);
    }
    Task<Result<void>> finish(std::vector<AttemptResult> results, std::vector<AcceptPlan> reports) override {
        co_return finish_now(results, reports);
    }
    Task<Result<std::optional<Time>>> next_due() override;
    Task<Result<std::vector<QueueItem>>> list(QueueFilter filter) override { co_return list_now(filter); }
    Task<Result<QueueItem>> item(QueueId id) override;
    Task<Result<std::uint64_t>> count(QueueFilter filter) override {
        filter.after = 0;
        filter.limit = 0;
        MAIL_CO_TRY(const auto found, list_now(filter));
        co_return found.size();
    }
    Task<Result<std::vector<QueueSummary>>> summary(QueueFilter filter, QueueGroup group, std::size_t most) override;
    Task<Result<std::size_t>> change(QueueFilter filter, QueueChange change) override {
        co_return change_now(filter, change);
    }
    Task<Result<std::size_t>> recover_leases(std::vector<QueueId> suspects) override;

  private:
    Result<std::vector<QueueItem>> lease_now(Time now, Time lease_end, std::size_t limit,
                                             std::size_t per_domain);
    Result<void> finish_now(const std::vector<AttemptResult>& results,
                            const std::vector<AcceptPlan>& reports);
    Result<std::vector<QueueItem>> list_now(const QueueFilter& filter);
    Result<std::size_t> change_now(const QueueFilter& filter, const QueueChange& change);
    void end_attempt(const AttemptResult& result);
    bool apply(QueueEntry& entry, const QueueChange& change, std::vector<QueueId>& dropped);
    std::size_t end_leases(std::optional<Time> now);
    void remove(QueueId id) {
        state_.release(state_.queue.at(id).item.blob.id);
        state_.queue.erase(id);
    }

    State& state_;
};

/// Leases that nobody ended (all without `now`): their items wait again, and what an administrator asked for
/// is done.
std::size_t QueuePart::end_leases(std::optional<Time> now) {
    std::vector<QueueId> ended;
    for (const auto& [id, entry] : state_.queue)
        if (entry.item.status == QueueStatus::active && (!now || entry.lease_end <= *now))
            ended.push_back(id);
    for (const QueueId id : ended) {
        QueueEntry& entry = state_.queue.at(id);
        const Pending pending = std::exchange(entry.pending, Pending::none);
        if (pending == Pending::drop) {
            remove(id);
            continue;
        }
        entry.item.status = pending == Pending::hold ? QueueStatus::held : QueueStatus::ready;
        if (entry.item.give_up)
            entry.item.next_attempt = std::min(entry.item.next_attempt, state_.clock.now());
    }
    return ended.size();
}

/// When an entry may be leased: its next attempt, or the end of a lease that nobody ended.
std::optional<Time> due_of(const QueueEntry& entry) {
    if (entry.item.status == QueueStatus::held)
        return std::nullopt;
    return entry.item.status == QueueStatus::active ? entry.lease_end : entry.item.next_attempt;
}

Result<std::vector<QueueItem>> QueuePart::lease_now(Time now, Time lease_end, std::size_t limit,
                                                    std::size_t per_domain) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    end_leases(now);
    using Due = std::tuple<int, Time, QueueId>;
    std::map<std::string, std::vector<Due>> by_domain;
    for (const auto& [id, entry] : state_.queue)
        if (const auto at = due_of(entry); at && *at <= now && entry.item.status != QueueStatus::active)
            by_domain[entry.item.domain].emplace_back(-entry.item.priority, entry.item.next_attempt, id);
    // The first of every domain, then the second of every domain: many dead ones do not hold up a live one.
    std::vector<std::pair<std::size_t, Due>> turns;
    for (auto& [domain, due] : by_domain) {
        std::sort(due.begin(), due.end());
        for (std::size_t i = 0; i < std::min(due.size(), per_domain); ++i)
            turns.emplace_back(i, due[i]);
    }
    std::sort(turns.begin(), turns.end());
    std::vector<Due> chosen;
    for (std::size_t i = 0; i < std::min(turns.size(), limit); ++i)
        chosen.push_back(turns[i].second);
    std::sort(chosen.begin(), chosen.end());
    std::vector<QueueItem> leased;
    for (const auto& [priority, at, id] : chosen) {
        QueueEntry& entry = state_.queue.at(id);
        entry.item.status = QueueStatus::active;
        entry.lease_end = lease_end;
        leased.push_back(entry.item);
    }
    return leased;
}

void QueuePart::end_attempt(const AttemptResult& result) {
    const auto found = state_.queue.find(result.id);
    if (found == state_.queue.end())
        return;
    QueueEntry& entry = found->second;
    const Pending pending = std::exchange(entry.pending, Pending::none);
    QueueItem& item = entry.item;
    if (result.outcome == QueueOutcome::delivered || result.outcome == QueueOutcome::failed || pending == Pending::drop) {
        remove(result.id);
        return;
    }
    if (result.outcome == QueueOutcome::held) {
        item.status = QueueStatus::held;
        item.last_error = result.error;
        return;
    }
    if (result.outcome == QueueOutcome::deferred) {
        ++item.attempts;
        item.crashes = 0;
        item.last_error = result.error;
        if (!item.route_chosen)
            item.route = result.route;
        item.delay_told = item.delay_told || result.delay_told;
        if (result.expires != Time{})
            item.expires = result.expires;
    }
    if (result.outcome == QueueOutcome::released && result.error)
        item.last_error = result.error;
    item.next_attempt = item.give_up ? std::min(result.next_attempt, state_.clock.now()) : result.next_attempt;
    item.status = pending == Pending::hold ? QueueStatus::held
                  : item.attempts > 0      ? QueueStatus::deferred
                                           : QueueStatus::ready;
}

Result<void> QueuePart::finish_now(const std::vector<AttemptResult>& results,
                                   const std::vector<AcceptPlan>& reports) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    Transaction change(state_);
    for (const AcceptPlan& report : reports) {
        MAIL_DO(state_.accept(change, report));
    }
    for (const AttemptResult& result : results)
        end_attempt(result);
    change.queue = true;
    change.commit();
    return {};
}

Task<Result<std::optional<Time>>> QueuePart::next_due() {
    const std::lock_guard lock(state_.mutex);
    std::optional<Time> next;
    for (const auto& [id, entry] : state_.queue)
        if (const auto at = due_of(entry); at && (!next || *at < *next))
            next = at;
    co_return next;
}

Result<std::vector<QueueItem>> QueuePart::list_now(const QueueFilter& filter) {
    const std::lock_guard lock(state_.mutex);
    MAIL_TRY(const CheckedFilter checked, check_filter(filter, state_.clock.now()));
    std::vector<QueueItem> found;
    for (const auto& [id, entry] : state_.queue)
        if (matches(checked, entry.item))
            found.push_back(entry.item);
    std::sort(found.begin(), found.end(), [&](const QueueItem& a, const QueueItem& b) { return is_before(checked, a, b); });
    if (checked.limit != 0 && found.size() > checked.limit)
        found.resize(checked.limit);
    return found;
}

Task<Result<QueueItem>> QueuePart::item(QueueId id) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.queue.find(id);
    if (found == state_.queue.end())
        co_return fail(ErrorCode::not_found, "no such queue item");
    co_return found->second.item;
}

Task<Result<std::vector<QueueSummary>>> QueuePart::summary(QueueFilter filter, QueueGroup group, std::size_t most) {
    filter.after = 0;
    filter.limit = 0;
    MAIL_CO_TRY(const auto items, list_now(filter));
    QueueSummarizer summarizer(state_.clock.now());
    for (const QueueItem& item : items) {
        const std::string key = group_key(item, group, state_.clock.now());
        QueueSummarizer::Row row{key, item.status, item.blob.length, item.created, item.next_attempt, {}, {}};
        if (item.last_error) {
            row.error = item.last_error->text;
            row.error_at = item.last_error->at;
        }
        summarizer.add(row);
    }
    co_return summarizer.take(most);
}

bool QueuePart::apply(QueueEntry& entry, const QueueChange& change, std::vector<QueueId>& dropped) {
    const QueueVerb verb = change.verb;
    QueueItem& item = entry.item;
    const bool active = item.status == QueueStatus::active;
    const bool held = item.status == QueueStatus::held;
    switch (verb) {
    case QueueVerb::hold:
        if (active)
            entry.pending = Pending::hold;
        else
            item.status = QueueStatus::held;
        item.released = item.released && held;
        return !held;
    case QueueVerb::release:
    case QueueVerb::retry:
        if (active || held != (verb == QueueVerb::release))
            return false;
        item.status = QueueStatus::ready;
        item.next_attempt = change.now;
        item.give_up = false;
        item.crashes = 0;
        item.released = item.released || held;
        return true;
    case QueueVerb::drop:
        if (active)
            entry.pending = Pending::drop;
        else
            dropped.push_back(item.id);
        return true;
    case QueueVerb::expire:
        item.expires = change.now;
        item.give_up = true;
        if (!active) {
            item.status = QueueStatus::ready;
            item.next_attempt = change.now;
        }
        return true;
    case QueueVerb::route:
        if (active)
            return false;
        item.route = change.value;
        item.route_chosen = !change.value.empty();
        if (!held)
            item.next_attempt = change.now;
        return true;
    case QueueVerb::priority:
        item.priority = priority_value(change.value).value();
        return true;
    }
    return false;
}

Result<std::size_t> QueuePart::change_now(const QueueFilter& filter, const QueueChange& asked) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(const CheckedFilter checked, check_filter(filter, state_.clock.now()));
    if (asked.verb == QueueVerb::priority) {
        MAIL_DO(priority_value(asked.value));
    }
    std::size_t count = 0;
    std::size_t seen = 0;
    std::vector<QueueId> dropped;
    for (auto& [id, entry] : state_.queue) {
        if (!matches(checked, entry.item) || (checked.limit != 0 && seen++ >= checked.limit))
            continue;
        count += apply(entry, asked, dropped) ? 1U : 0U;
    }
    for (const QueueId id : dropped)
        remove(id);
    Transaction change(state_);
    change.queue = true;
    change.commit();
    return count;
}

Task<Result<std::size_t>> QueuePart::recover_leases(std::vector<QueueId> suspects) {
    const std::lock_guard lock(state_.mutex);
    for (const QueueId id : suspects) {
        const auto found = state_.queue.find(id);
        if (found == state_.queue.end() || found->second.item.status != QueueStatus::active)
            continue;
        if (++found->second.item.crashes < static_cast<std::uint32_t>(limit::queue_crashes))
            continue;
        if (found->second.pending == Pending::none)
            found->second.pending = Pending::hold;
        found->second.item.last_error = LastError{0, std::string(poison_words), {}, state_.clock.now()};
    }
    co_return end_leases(std::nullopt);
}

} // namespace

std::unique_ptr<QueueStore> make_queue(State& state) {
    return std::make_unique<QueuePart>(state);
}

} // namespace mail::store::memory
