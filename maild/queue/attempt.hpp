// The end of one attempt for one recipient, and what follows from it: delivered, deferred until when, failed, and whether
// the sender gets a report (RFC 3461 §4, §5; RFC 3464). Pure. Called by queue/finisher.cpp.
#pragma once

#include "common/mail/dsn.hpp"
#include "maild/queue/route_table.hpp"
#include "maild/smtp_client/outcome.hpp"
#include "maild/store/queue_model.hpp"

#include <optional>

namespace mail::store {
struct AcceptPlan;
}

namespace mail::queue {

/// What the ends of one attempt have in common.
struct AttemptLog {
    Time began{};
    Time ended{};
    std::string tls; ///< as in Attempted
    std::shared_ptr<const std::string> transcript;
};

struct AttemptEnd {
    store::QueueItem item;
    smtp_client::Outcome outcome;
    std::string remote; ///< "mx.example.org[192.0.2.1]:25"; empty when no host was reached
    std::shared_ptr<const Route> route; ///< never null
    bool report_passed_on = false; ///< the remote took over NOTIFY (it offers DSN)
    std::shared_ptr<const AttemptLog> log; ///< null when nothing was tried
    enum class Kind : std::uint8_t { tried, expired, released, held };
    Kind kind = Kind::tried;
    Duration pause{}; ///< with Kind::released
    std::shared_ptr<store::AcceptPlan> copy = {}; ///< delivered into one of our own mailboxes: in the transaction that ends the item
};

struct Settled {
    store::AttemptResult result;
    std::optional<DsnAction> report; ///< what the sender is told, if anything
    Id report_message; ///< that report, once it is planned
    bool expired = false; ///< failed because the time is over
    bool double_bounce = false; ///< a report of ours that could not be delivered: the postmaster's to know
};

[[nodiscard]] Settled settle(const AttemptEnd& end, Time now);
/// An item whose time is over before this attempt began (an administrator's wish, a long stop): to be settled with what
/// its last attempt said.
[[nodiscard]] bool is_expired(const store::QueueItem& item, const Route& route, Time now) noexcept;
[[nodiscard]] AttemptEnd expired_end(store::QueueItem item, std::shared_ptr<const Route> route);
/// An item that was leased and not tried, for reasons of our own: it waits `pause` longer and no attempt is counted. People
/// see `why`; without it what they saw stays.
[[nodiscard]] AttemptEnd released_end(store::QueueItem item, std::shared_ptr<const Route> route, Duration pause, std::string why = {});
/// An item that an administrator has to look at first, and why.
[[nodiscard]] AttemptEnd held_end(store::QueueItem item, std::shared_ptr<const Route> route, std::string why);

} // namespace mail::queue
