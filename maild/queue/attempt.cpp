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
    result.expires = expiry_of(end.route->retry, end.item.created);
    if (end.kind == AttemptEnd::Kind::released || end.kind == AttemptEnd::Kind::held) {
        result.outcome = end.kind == AttemptEnd::Kind::held ? store::QueueOutcome::held : store::QueueOutcome::released;
        result.next_attempt = now + end.pause;
        if (end.outcome.text.empty())
            result.error.reset();
        return settled;
    }
    if (end.outcome.is_delivered()) {
        result.outcome = store::QueueOutcome::delivered;
        // RFC 3461 §5.2.2: a server without DSN is told of as "relayed".
        if (!end.report_passed_on)
            settled.report = report_of(end.item, end.copy ? DsnAction::delivered : DsnAction::relayed, wish::success, false);
        return settled;
    }
    RetryDecision decision;
    if (end.kind == AttemptEnd::Kind::expired) {
        decision.give_up = true;
    } else if (!end.outcome.is_permanent()) {
        RetryInput input;
        input.id = end.item.id;
        input.attempts = end.item.attempts + 1;
        input.created = end.item.created;
        input.now = now;
        input.delay_told = end.item.delay_told;
        decision = decide_retry(end.route->retry, input);
    }
    if (end.outcome.is_permanent() || decision.give_up) {
        settled.expired = decision.give_up;
        result.outcome = store::QueueOutcome::failed;
        settled.report = report_of(end.item, DsnAction::failed, wish::failure, true);
        // Our own reports ask for no report (service::Delivery::plan_report); others with the null sender are not ours to
        // pass on: most of them are backscatter.
        settled.double_bounce = end.item.envelope.sender.empty() && (end.item.notify & wish::never) != 0;
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
    return item.give_up || now >= expiry_of(route.retry, item.created);
}

AttemptEnd expired_end(store::QueueItem item, std::shared_ptr<const Route> route) {
    AttemptEnd end;
    end.kind = AttemptEnd::Kind::expired;
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

AttemptEnd released_end(store::QueueItem item, std::shared_ptr<const Route> route, Duration pause, std::string why) {
    AttemptEnd end;
    end.kind = AttemptEnd::Kind::released;
    end.pause = pause;
    end.outcome = smtp_client::own_outcome("4.3.2", std::move(why));
    end.item = std::move(item);
    end.route = std::move(route);
    return end;
}

AttemptEnd held_end(store::QueueItem item, std::shared_ptr<const Route> route, std::string why) {
    AttemptEnd end;
    end.kind = AttemptEnd::Kind::held;
    end.outcome = smtp_client::own_outcome("4.3.2", std::move(why));
    end.item = std::move(item);
    end.route = std::move(route);
    return end;
}

} // namespace mail::queue
