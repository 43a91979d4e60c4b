// QueueStore: mail on its way out, leased to the queue's workers and changed by administrators. Part of store::Store; see there
// for promises and errors that all calls share. Items come into it by MailStore::accept.
#pragma once

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "maild/store/queue_model.hpp"

namespace mail::store {

class QueueStore {
  public:
    virtual ~QueueStore() = default;
    /// Items due at `now`, at most `limit`, marked active until `lease_end`; a node that dies leaves them to
    /// be leased again after it. Domains that are due share `limit`, with at most `per_domain` of one, so that
    /// dead hosts starve nobody; ordered by priority and due time.
    [[nodiscard]] virtual Task<Result<std::vector<QueueItem>>>
    lease(Time now, Time lease_end, std::size_t limit, std::size_t per_domain) = 0;
    /// Ends attempts: delivered and failed items go, deferred ones wait. `reports` (delivery status
    /// notifications) are accepted in the same transaction.
    [[nodiscard]] virtual Task<Result<void>> finish(std::vector<AttemptResult> results,
                                                    std::vector<AcceptPlan> reports) = 0;
    /// When the next item is due; nullopt when none waits.
    [[nodiscard]] virtual Task<Result<std::optional<Time>>> next_due() = 0;
    [[nodiscard]] virtual Task<Result<std::vector<QueueItem>>> list(QueueFilter filter) = 0;
    [[nodiscard]] virtual Task<Result<QueueItem>> item(QueueId id) = 0;
    /// How many items a filter matches; its limit and after are ignored.
    [[nodiscard]] virtual Task<Result<std::uint64_t>> count(QueueFilter filter) = 0;
    /// What a filter matches, counted in groups, the largest first, at most `most` of them; its limit and after are
    /// ignored. Never reads more of an item than its row.
    [[nodiscard]] virtual Task<Result<std::vector<QueueSummary>>> summary(QueueFilter filter, QueueGroup group,
                                                                          std::size_t most) = 0;
    /// Applies a verb to matching items; active ones are changed when their attempt ends (drop, hold, expire) or
    /// skipped (retry, release, route). Returns how many were or will be changed.
    [[nodiscard]] virtual Task<Result<std::size_t>> change(QueueFilter filter, QueueChange change) = 0;
    /// At start: items left active by a process that died are ready again. `suspects` were being sent as it died; the
    /// message of one that has seen limit::queue_crashes such ends is held.
    [[nodiscard]] virtual Task<Result<std::size_t>> recover_leases(std::vector<QueueId> suspects) = 0;
};

} // namespace mail::store
