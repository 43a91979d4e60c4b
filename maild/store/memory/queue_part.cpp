#include "maild/store/memory/state.hpp"

#include <algorithm>

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
    Task<Result<std::size_t>> change(QueueFilter filter, QueueVerb verb, Time now) override {
        co_return change_now(filter, verb, now);
    }
    Task<Result<std::size_t>> recover_leases() override;

  private:
    Result<std::vector<QueueItem>> lease_now(Time now, Time lease_end, std::size_t limit,
                                             std::size_t per_domain);
    Result<void> finish_now(const std::vector<AttemptResult>& results,
                            const std::vector<AcceptPlan>& reports);
    Result<std::vector<QueueItem>> list_now(const QueueFilter& filter);
    Result<std::size_t> change_now(const QueueFilter& filter, QueueVerb verb, Time now);
    void end_attempt(const AttemptResult& result);
    bool apply(QueueEntry& entry, QueueVerb verb, Time now, std::vector<QueueId>& dropped);
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
        if (pending == Pending::expire)
            entry.item.next_attempt = std::min(entry.item.next_attempt, entry.item.expires);
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
    std::vector<std::pair<Time, QueueId>> due;
    for (const auto& [id, entry] : state_.queue)
        if (const auto at = due_of(entry); at && *at <= now && entry.item.status != QueueStatus::active)
            due.emplace_back(entry.item.next_attempt, id);
    std::sort(due.begin(), due.end());
    std::map<std::string, std::size_t> of_domain;
    std::vector<QueueItem> leased;
    for (const auto& [at, id] : due) {
        if (leased.size() == limit)
            break;
        QueueEntry& entry = state_.queue.at(id);
        if (of_domain[entry.item.domain] == per_domain)
            continue;
        ++of_domain[entry.item.domain];
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
    if (result.outcome != QueueOutcome::deferred || entry.pending == Pending::drop) {
        remove(result.id);
        return;
    }
    ++entry.item.attempts;
    entry.item.next_attempt = result.next_attempt;
    entry.item.last_error = result.error;
    entry.item.route = result.route;
    entry.item.delay_told = entry.item.delay_told || result.delay_told;
    entry.item.status = entry.pending == Pending::hold ? QueueStatus::held : QueueStatus::deferred;
    if (entry.pending == Pending::expire)
        entry.item.next_attempt = std::min(entry.item.next_attempt, entry.item.expires);
    entry.pending = Pending::none;
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
        if (matches(checked, entry.item) && (checked.limit == 0 || found.size() < checked.limit))
            found.push_back(entry.item);
    return found;
}

Task<Result<QueueItem>> QueuePart::item(QueueId id) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.queue.find(id);
    if (found == state_.queue.end())
        co_return fail(ErrorCode::not_found, "no such queue item");
    co_return found->second.item;
}

bool QueuePart::apply(QueueEntry& entry, QueueVerb verb, Time now, std::vector<QueueId>& dropped) {
    QueueItem& item = entry.item;
    const bool active = item.status == QueueStatus::active;
    const bool held = item.status == QueueStatus::held;
    switch (verb) {
    case QueueVerb::hold:
        if (active)
            entry.pending = Pending::hold;
        else
            item.status = QueueStatus::held;
        return !held;
    case QueueVerb::release:
    case QueueVerb::retry:
        if (active || held != (verb == QueueVerb::release))
            return false;
        item.status = QueueStatus::ready;
        item.next_attempt = now;
        return true;
    case QueueVerb::drop:
        if (active)
            entry.pending = Pending::drop;
        else
            dropped.push_back(item.id);
        return true;
    case QueueVerb::expire:
        item.expires = now;
        if (active) {
            entry.pending = Pending::expire;
        } else {
            item.status = QueueStatus::ready;
            item.next_attempt = now;
        }
        return true;
    }
    return false;
}

Result<std::size_t> QueuePart::change_now(const QueueFilter& filter, QueueVerb verb, Time now) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(const CheckedFilter checked, check_filter(filter, state_.clock.now()));
    std::size_t count = 0;
    std::size_t seen = 0;
    std::vector<QueueId> dropped;
    for (auto& [id, entry] : state_.queue) {
        if (!matches(checked, entry.item) || (checked.limit != 0 && seen++ >= checked.limit))
            continue;
        count += apply(entry, verb, now, dropped) ? 1U : 0U;
    }
    for (const QueueId id : dropped)
        remove(id);
    Transaction change(state_);
    change.queue = true;
    change.commit();
    return count;
}

Task<Result<std::size_t>> QueuePart::recover_leases() {
    const std::lock_guard lock(state_.mutex);
    co_return end_leases(std::nullopt);
}

} // namespace

std::unique_ptr<QueueStore> make_queue(State& state) {
    return std::make_unique<QueuePart>(state);
}

} // namespace mail::store::memory
