#include "maild/queue/attempt.hpp"

namespace mail::queue {
namespace {

namespace wish = store::queue_notify;

/// RFC 3461 §4.1: without NOTIFY the sender hears of failures and may hear of delays, never of success.
std::optional<DsnAction> report_of(const store::QueueItem& item, DsnAction action, std::uint8_t bit, bool by_default) {
    if ((item.notify & wish::never) != 0)
        return std::nullopt;
    const bool wanted = item.notify == 0 ? by_default : (item.notify & bit) != 0;
    return wanted ? std::optional(action) : std::nullopt;
}

} // namespace

Settled settle(const AttemptEnd& end, Time now) {
    Settled settled;
    store::AttemptResult& result = settled.result;
    result.id = end.item.id;
    result.route = end.route->name;
    result.error = store::LastError{end.outcome.code, end.outcome.text, end.remote, now};
    result.delay_told = end.item.delay_told;
    if (end.outcome.is_delivered()) {
        result.outcome = store::QueueOutcome::delivered;
        // RFC 3461 §5.2.2: a server without DSN is told of as "relayed".
        if (!end.report_passed_on)
            settled.report = report_of(end.item, DsnAction::relayed, wish::success, false);
        return settled;
    }
    RetryDecision decision;
    if (!end.outcome.is_permanent()) {
        RetryInput input;
        input.id = end.item.id;
        input.attempts = end.item.attempts + 1;
        input.created = end.item.created;
        input.now = now;
        input.expires = end.item.expires;
        input.delay_told = end.item.delay_told;
        decision = decide_retry(end.route->retry, input);
    }
    if (end.outcome.is_permanent() || decision.give_up) {
        settled.expired = decision.give_up;
        result.outcome = store::QueueOutcome::failed;
        settled.report = report_of(end.item, DsnAction::failed, wish::failure, true);
        return settled;
    }
    result.outcome = store::QueueOutcome::deferred;
    result.next_attempt = decision.next;
    if (decision.warn) {
        settled.report = report_of(end.item, DsnAction::delayed, wish::delay, true);
        result.delay_told = true;
    }
    return settled;
}

bool is_expired(const store::QueueItem& item, const Route& route, Time now) noexcept {
    return now >= expiry_of(route.retry, item.created, item.expires);
}

AttemptEnd expired_end(store::QueueItem item, std::shared_ptr<const Route> route) {
    AttemptEnd end;
    // RFC 3463 §3.5, 4.4.7: delivery time expired.
    end.outcome = smtp_client::own_outcome("4.4.7", "the message was not delivered in time");
    if (item.last_error) {
        end.outcome.code = item.last_error->code;
        end.outcome.text = item.last_error->text;
        end.outcome.from_remote = item.last_error->code != 0;
        end.remote = item.last_error->remote;
    }
    end.item = std::move(item);
    end.route = std::move(route);
    return end;
}

} // namespace mail::queue
