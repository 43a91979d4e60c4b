// Changes of the queue. queue_domain holds the earliest waiting item of each domain; whatever changes which
// items wait, or until when, refreshes the rows of the domains concerned.
#include "maild/store/sqlite/queue_rows.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <tuple>

namespace mail::store::sqlite {
namespace {
using Domains = std::set<std::string, std::less<>>;

Result<void> refresh(WriteContext& context, const Domains& domains) {
    for (const std::string& domain : domains) {
        // One look into the index for each priority.
        Query query(context.db,
                    "SELECT min(at) FROM ("
                    "SELECT min(next_attempt) AS at FROM queue_item WHERE domain = ?1 AND priority = 0 AND status IN (0, 2) "
                    "UNION ALL "
                    "SELECT min(next_attempt) FROM queue_item WHERE domain = ?1 AND priority = 1 AND status IN (0, 2) "
                    "UNION ALL "
                    "SELECT min(next_attempt) FROM queue_item WHERE domain = ?1 AND priority = -1 AND status IN (0, 2))");
        MAIL_TRY(const bool row, query.bind(domain).step());
        if (!row || query.is_null(0)) {
            MAIL_DO(Query(context.db, "DELETE FROM queue_domain WHERE domain = ?").bind(domain).run());
            continue;
        }
        Query write(context.db,
                    "INSERT INTO queue_domain VALUES (?1, ?2) ON CONFLICT (domain) DO UPDATE SET due = ?2");
        MAIL_DO(write.bind(domain).bind(query.integer(0)).run());
    }
    return {};
}

unsigned options_of(const Envelope& envelope) {
    return (envelope.return_headers_only ? envelope_bit::headers_only : 0) | (envelope.return_full ? envelope_bit::full : 0) |
           (envelope.smtputf8 ? envelope_bit::smtputf8 : 0) |
           (envelope.eight_bit ? envelope_bit::eight_bit : 0) | (envelope.binary ? envelope_bit::binary : 0) |
           (envelope.require_tls ? envelope_bit::require_tls : 0);
}

Result<void> insert_recipient(WriteContext& context, std::int64_t message, const QueueRecipient& to) {
    MAIL_TRY(const std::int64_t id, context.next(Counter::queue_item));
    Query insert(
        context.db,
        "INSERT INTO queue_item (id, message, recipient, domain, original, notify, status, attempts, "
        "next_attempt, expires, lease_end, route, delay_told, pending, priority) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, '', 0, 0, ?)");
    insert.bind(id).bind(message).bind(to.recipient).bind(to.domain).bind(to.original).bind(to.notify);
    insert.bind(static_cast<int>(to.held ? QueueStatus::held : QueueStatus::ready));
    MAIL_DO(insert.bind(to.due).bind(to.expires).bind(int{to.priority}).run());
    if (to.held)
        return {};
    Query due(context.db,
              "INSERT INTO queue_domain VALUES (?1, ?2) ON CONFLICT (domain) DO UPDATE SET due = ?2 "
              "WHERE ?2 < due");
    return due.bind(to.domain).bind(to.due).run();
}

/// Removes an item, and its message with the last one.
Result<void> remove(WriteContext& context, QueueId id) {
    std::int64_t message = 0;
    {
        Query query(context.db, "DELETE FROM queue_item WHERE id = ? RETURNING message");
        MAIL_TRY(const bool row, query.bind(id).step());
        if (!row)
            return {};
        message = query.integer(0);
    }
    BlobId blob = 0;
    {
        Query query(context.db, "DELETE FROM queue_message WHERE id = ?1 AND NOT EXISTS "
                                "(SELECT 1 FROM queue_item WHERE message = ?1) RETURNING blob");
        MAIL_TRY(const bool row, query.bind(message).step());
        if (!row)
            return {};
        blob = query.integer(0);
    }
    return context.release(blob);
}

Result<std::vector<std::string>> due_domains(WriteContext& context, Time now, std::size_t limit) {
    std::vector<std::string> domains;
    Query query(context.db, "SELECT domain FROM queue_domain WHERE due <= ? ORDER BY due LIMIT ?");
    query.bind(now).bind(std::uint64_t{limit});
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return domains;
        domains.push_back(query.string(0));
    }
}

struct EndedLease {
    QueueId id = 0;
    std::string domain;
    Pending pending = Pending::none;
};

Result<std::vector<EndedLease>> ended_leases(WriteContext& context, Time now) {
    std::vector<EndedLease> ended;
    Query query(context.db, "SELECT id, domain, pending FROM queue_item WHERE status = 1 AND lease_end <= ?");
    query.bind(now);
    for (;;) {
        MAIL_TRY(const bool row, query.step());
        if (!row)
            return ended;
        ended.push_back({query.integer(0), query.string(1), query.as<Pending>(2)});
    }
}

/// Leases that nobody ended: their items wait again, and what an administrator asked for meanwhile is done.
Result<std::size_t> end_leases(WriteContext& context, Time now) {
    MAIL_TRY(const auto ended, ended_leases(context, now));
    Domains domains;
    for (const EndedLease& lease : ended) {
        context.touch();
        domains.insert(lease.domain);
        if (lease.pending == Pending::drop) {
            MAIL_DO(remove(context, lease.id));
            continue;
        }
        Query update(context.db,
                     "UPDATE queue_item SET status = ?, pending = CASE pending WHEN 3 THEN 3 ELSE 0 END, "
                     "next_attempt = CASE WHEN pending = 3 THEN min(next_attempt, ?) ELSE next_attempt END "
                     "WHERE id = ?");
        update.bind(
            static_cast<int>(lease.pending == Pending::hold ? QueueStatus::held : QueueStatus::ready));
        MAIL_DO(update.bind(context.clock.now()).bind(lease.id).run());
    }
    MAIL_DO(refresh(context, domains));
    return ended.size();
}

} // namespace

Result<void> enqueue(WriteContext& context, const AcceptPlan& plan, BlobId blob) {
    context.touch();
    context.queue_changed = true;
    MAIL_TRY(const std::int64_t message, context.next(Counter::queue_message));
    Query insert(context.db, "INSERT INTO queue_message VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(message)
        .bind(plan.message)
        .bind(blob)
        .bind(plan.envelope.sender)
        .bind(plan.envelope.envelope_id);
    insert.bind(options_of(plan.envelope)).bind(plan.envelope.message_id).bind(context.clock.now());
    MAIL_DO(insert.run());
    for (const QueueRecipient& to : plan.queue) {
        MAIL_DO(insert_recipient(context, message, to));
    }
    return {};
}

namespace {
/// What is due of one domain, at most `limit`: what has priority first.
Result<void> add_due(WriteContext& context, const std::string& domain, Time now, std::size_t limit,
                     std::vector<QueueItem>& found) {
    for (const int priority : {1, 0, -1}) {
        Query query(context.db, "SELECT " MAIL_QUEUE_COLUMNS " " MAIL_QUEUE_TABLES
                                " WHERE i.domain = ? AND i.priority = ? AND i.status IN (0, 2) AND i.next_attempt <= ? "
                                "ORDER BY i.next_attempt, i.id LIMIT ?");
        query.bind(domain).bind(priority).bind(now).bind(std::uint64_t{limit});
        for (;;) {
            MAIL_TRY(const bool row, query.step());
            if (!row)
                break;
            found.push_back(queue_item_of(query));
            --limit;
        }
    }
    return {};
}

/// Every domain that is due gets an equal share of `limit`; what shares leave over goes to the domains with more, the most
/// overdue first. So neither do many dead domains hold up a live one, nor is more read than is leased.
Result<std::vector<QueueItem>> share_out(WriteContext& context, Time now, std::size_t limit, std::size_t per_domain) {
    std::vector<QueueItem> found;
    MAIL_TRY(const auto domains, due_domains(context, now, limit));
    if (domains.empty())
        return found;
    const std::size_t share = std::clamp<std::size_t>(limit / domains.size(), 1, std::max<std::size_t>(per_domain, 1));
    std::vector<std::vector<QueueItem>> lists(domains.size());
    std::size_t total = 0;
    for (std::size_t i = 0; i < domains.size(); ++i) {
        MAIL_DO(add_due(context, domains[i], now, share, lists[i]));
        total += lists[i].size();
    }
    for (std::size_t i = 0; i < domains.size() && total < limit && share < per_domain; ++i) {
        if (lists[i].size() < share)
            continue;
        lists[i].clear();
        MAIL_DO(add_due(context, domains[i], now, std::min(per_domain, share + (limit - total)), lists[i]));
        total += lists[i].size() - share;
    }
    found.reserve(total);
    for (auto& list : lists)
        std::move(list.begin(), list.end(), std::back_inserter(found));
    return found;
}
} // namespace

Result<std::vector<QueueItem>> lease(WriteContext& context, Time now, Time lease_end, std::size_t limit,
                                     std::size_t per_domain) {
    MAIL_DO(end_leases(context, now));
    MAIL_TRY(auto found, share_out(context, now, limit, per_domain));
    std::sort(found.begin(), found.end(), [](const QueueItem& a, const QueueItem& b) {
        return std::tuple(-a.priority, a.next_attempt, a.id) < std::tuple(-b.priority, b.next_attempt, b.id);
    });
    Domains leased;
    for (QueueItem& item : found) {
        context.touch();
        Query update(context.db, "UPDATE queue_item SET status = 1, lease_end = ? WHERE id = ?");
        MAIL_DO(update.bind(lease_end).bind(item.id).run());
        item.status = QueueStatus::active;
        leased.insert(item.domain);
    }
    MAIL_DO(refresh(context, leased));
    return found;
}

namespace {
/// What an administrator asked for during the attempt: held, or at once due to be given up.
struct After {
    QueueStatus status{};
    Pending pending = Pending::none;
    Time next{};
};
After after(WriteContext& context, const AttemptResult& result, Pending pending, QueueStatus otherwise) {
    if (pending == Pending::hold)
        return {QueueStatus::held, Pending::none, result.next_attempt};
    if (pending == Pending::expire)
        return {otherwise, Pending::expire, std::min(result.next_attempt, context.clock.now())};
    return {otherwise, Pending::none, result.next_attempt};
}

void bind_error(Query& query, const std::optional<LastError>& error) {
    if (error)
        query.bind(error->code).bind(error->text).bind(error->remote).bind(error->at);
    else
        query.null().null().null().null();
}

Result<void> defer(WriteContext& context, const AttemptResult& result, Pending pending) {
    const After state = after(context, result, pending, QueueStatus::deferred);
    Query update(context.db, "UPDATE queue_item SET status = ?, pending = ?, next_attempt = ?, attempts = attempts + 1, "
                             "expires = coalesce(nullif(?, 0), expires), "
                             "route = CASE WHEN route_chosen THEN route ELSE ? END, "
                             "delay_told = max(delay_told, ?), crashes = 0, error_code = ?, error_text = ?, "
                             "error_remote = ?, error_at = ? WHERE id = ?");
    update.bind(static_cast<int>(state.status)).bind(static_cast<int>(state.pending)).bind(state.next);
    update.bind(result.expires).bind(result.route).bind(result.delay_told);
    bind_error(update, result.error);
    return update.bind(result.id).run();
}

Result<void> note_error(WriteContext& context, const AttemptResult& result) {
    Query update(context.db, "UPDATE queue_item SET error_code = ?, error_text = ?, error_remote = ?, error_at = ? WHERE id = ?");
    bind_error(update, result.error);
    return update.bind(result.id).run();
}

/// No attempt was made: the item is as it was before its lease, but for the reason of its wait if there is one.
Result<void> release_lease(WriteContext& context, const AttemptResult& result, Pending pending) {
    const After state = after(context, result, pending, QueueStatus::ready);
    Query update(context.db, "UPDATE queue_item SET pending = ?, next_attempt = ?, "
                             "status = CASE WHEN ? THEN 3 WHEN attempts > 0 THEN 2 ELSE 0 END WHERE id = ?");
    update.bind(static_cast<int>(state.pending)).bind(state.next).bind(state.status == QueueStatus::held);
    MAIL_DO(update.bind(result.id).run());
    return result.error ? note_error(context, result) : Result<void>{};
}

Result<void> hold_with_reason(WriteContext& context, const AttemptResult& result) {
    MAIL_DO(Query(context.db, "UPDATE queue_item SET status = 3, pending = 0 WHERE id = ?").bind(result.id).run());
    return note_error(context, result);
}

Result<void> end_attempt(WriteContext& context, const AttemptResult& result, Pending pending) {
    if (pending == Pending::drop)
        return remove(context, result.id);
    switch (result.outcome) {
    case QueueOutcome::delivered:
    case QueueOutcome::failed:
        return remove(context, result.id);
    case QueueOutcome::deferred:
        return defer(context, result, pending);
    case QueueOutcome::released:
        return release_lease(context, result, pending);
    case QueueOutcome::held:
        return hold_with_reason(context, result);
    }
    return {};
}
} // namespace

Result<void> finish(WriteContext& context, const std::vector<AttemptResult>& results,
                    const std::vector<AcceptPlan>& reports) {
    context.touch();
    context.queue_changed = true;
    for (const AcceptPlan& report : reports) {
        MAIL_DO(accept(context, report));
    }
    Domains domains;
    for (const AttemptResult& result : results) {
        Pending pending = Pending::none;
        {
            Query query(context.db, "SELECT pending, domain FROM queue_item WHERE id = ?");
            MAIL_TRY(const bool row, query.bind(result.id).step());
            if (!row)
                continue; // an administrator was faster
            pending = query.as<Pending>(0);
            domains.insert(query.string(1));
        }
        MAIL_DO(end_attempt(context, result, pending));
    }
    return refresh(context, domains);
}

namespace {
Result<void> set_pending(WriteContext& context, QueueId id, Pending pending) {
    Query update(context.db, "UPDATE queue_item SET pending = ? WHERE id = ?");
    return update.bind(static_cast<int>(pending)).bind(id).run();
}

/// Also what was let go before: the last word counts.
Result<void> hold(WriteContext& context, QueueId id, bool active) {
    if (active) {
        MAIL_DO(set_pending(context, id, Pending::hold));
    }
    Query update(context.db, "UPDATE queue_item SET status = CASE status WHEN 1 THEN 1 ELSE 3 END, released = 0 WHERE id = ?");
    return update.bind(id).run();
}

Result<void> make_due(WriteContext& context, QueueId id, Time now, Pending pending, bool let_go = false) {
    Query update(context.db, "UPDATE queue_item SET status = 0, next_attempt = ?, pending = ?, crashes = 0, "
                             "released = max(released, ?) WHERE id = ?");
    return update.bind(now).bind(static_cast<int>(pending)).bind(let_go).bind(id).run();
}

/// Another way: at once, unless it is held.
Result<void> choose_route(WriteContext& context, const QueueItem& item, const QueueChange& change) {
    Query update(context.db, "UPDATE queue_item SET route = ?, route_chosen = ?, "
                             "next_attempt = CASE WHEN status = 3 THEN next_attempt ELSE ? END WHERE id = ?");
    return update.bind(change.value).bind(!change.value.empty()).bind(change.now).bind(item.id).run();
}

Result<void> set_priority(WriteContext& context, QueueId id, std::string_view value) {
    MAIL_TRY(const std::int8_t priority, priority_value(value));
    return Query(context.db, "UPDATE queue_item SET priority = ? WHERE id = ?").bind(int{priority}).bind(id).run();
}

/// One verb on one item; false: it does not apply to it.
Result<bool> apply_verb(WriteContext& context, const QueueItem& item, const QueueChange& change) {
    const QueueVerb verb = change.verb;
    const bool active = item.status == QueueStatus::active;
    const bool held = item.status == QueueStatus::held;
    Result<void> changed;
    switch (verb) {
    case QueueVerb::hold:
        if (held)
            return false;
        changed = hold(context, item.id, active);
        break;
    case QueueVerb::release:
    case QueueVerb::retry:
        if (active || held != (verb == QueueVerb::release))
            return false;
        changed = make_due(context, item.id, change.now, Pending::none, verb == QueueVerb::release);
        break;
    case QueueVerb::drop:
        changed = active ? set_pending(context, item.id, Pending::drop) : remove(context, item.id);
        break;
    case QueueVerb::expire:
        changed = active ? set_pending(context, item.id, Pending::expire)
                         : make_due(context, item.id, change.now, Pending::expire);
        if (changed)
            changed = Query(context.db, "UPDATE queue_item SET expires = ? WHERE id = ?")
                          .bind(change.now)
                          .bind(item.id)
                          .run();
        break;
    case QueueVerb::route:
        if (active)
            return false;
        changed = choose_route(context, item, change);
        break;
    case QueueVerb::priority:
        changed = set_priority(context, item.id, change.value);
        break;
    }
    if (!changed)
        return fail(std::move(changed).error());
    return true;
}
} // namespace

Result<QueueSlice> change_queue(WriteContext& context, const QueueFilter& filter, const QueueChange& change) {
    MAIL_TRY(const CheckedFilter checked, check_filter(filter, context.clock.now()));
    MAIL_TRY(const auto items, select_queue(context.db, checked));
    QueueSlice slice;
    if (items.empty())
        return slice;
    if (items.size() == filter.limit)
        slice.last = items.back().id;
    context.touch();
    context.queue_changed = true;
    Domains domains;
    for (const QueueItem& item : items) {
        MAIL_TRY(const bool changed, apply_verb(context, item, change));
        slice.changed += changed ? 1U : 0U;
        domains.insert(item.domain);
    }
    MAIL_DO(refresh(context, domains));
    return slice;
}

Result<std::size_t> recover_leases(WriteContext& context, const std::vector<QueueId>& suspects) {
    const Time now = context.clock.now();
    for (const QueueId id : suspects) {
        Query update(context.db, "UPDATE queue_item SET crashes = crashes + 1, "
                                 "pending = CASE WHEN crashes + 1 >= ? AND pending = 0 THEN 1 ELSE pending END "
                                 "WHERE id = ? AND status = 1 RETURNING crashes");
        MAIL_TRY(const bool row, update.bind(std::int64_t{limit::queue_crashes}).bind(id).step());
        if (!row || update.integer(0) < std::int64_t{limit::queue_crashes})
            continue;
        Query note(context.db, "UPDATE queue_item SET error_code = 0, error_remote = '', error_at = ?, error_text = ? "
                               "WHERE id = ?");
        MAIL_DO(note.bind(now).bind(poison_words).bind(id).run());
    }
    return end_leases(context, from_micros(std::numeric_limits<std::int64_t>::max()));
}

} // namespace mail::store::sqlite
