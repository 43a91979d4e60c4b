#include "maild/queue/bounce.hpp"

#include "common/mail/xtext.hpp"

namespace mail::queue {
namespace {

/// The host part of "mx.example.org[192.0.2.1]:25".
std::string host_of(std::string_view remote) { return std::string(remote.substr(0, remote.find('['))); }

DsnRecipient recipient_of(const AttemptEnd& end, bool expired, DsnAction action, Time now) {
    DsnRecipient recipient;
    recipient.address = end.item.recipient;
    recipient.original = original_recipient(end.item.original); // kept as it came (RFC 3461 §4)
    recipient.action = action;
    // RFC 3463 §3.5, 4.4.7: delivery time expired; the remote's words stand beside it.
    recipient.status = expired ? "4.4.7" : end.outcome.status;
    recipient.remote_mta = host_of(end.remote);
    if (end.outcome.from_remote)
        recipient.reply = end.outcome.text;
    else
        recipient.reason = end.outcome.text;
    recipient.last_attempt = now;
    if (action == DsnAction::delayed)
        recipient.retry_until = expiry_of(end.route->retry, end.item.created);
    return recipient;
}

} // namespace

// RFC 3461 §4.3: RET asks for the whole message in failure reports only. RFC 8689 §5: what was to travel protected is not
// sent back whole.
bool returns_whole(const store::Envelope& envelope, DsnAction action) noexcept {
    return action == DsnAction::failed && !envelope.return_headers_only && !envelope.require_tls;
}

std::string make_report(const ReportInput& input) {
    const store::QueueItem& first = input.ends.front()->item;
    Dsn dsn;
    dsn.reporting_mta = input.reporting_mta;
    dsn.from = input.from;
    dsn.to = input.to.empty() ? first.envelope.sender : input.to;
    dsn.message_id = Id::make(input.now).text() + "@" + input.reporting_mta;
    dsn.now = input.now;
    dsn.envelope_id = from_xtext(first.envelope.envelope_id);
    dsn.arrival = first.created;
    for (std::size_t i = 0; i < input.ends.size(); ++i)
        dsn.recipients.push_back(recipient_of(*input.ends[i], input.expired[i], input.action, input.now));
    dsn.original = input.original;
    dsn.return_full = input.whole && returns_whole(first.envelope, input.action);
    return build_dsn(dsn);
}

} // namespace mail::queue
