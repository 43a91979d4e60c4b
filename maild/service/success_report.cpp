#include "maild/service/success_report.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/mail/xtext.hpp"
#include "maild/service/snapshot.hpp"

#include <algorithm>

namespace mail::service {
namespace {

namespace wish = store::queue_notify;

bool asks_success(const AcceptedRecipient& recipient) {
    return (recipient.notify & wish::success) != 0 && (recipient.notify & wish::never) == 0;
}

std::size_t members(const Resolution& resolution) { return resolution.mailboxes.size() + resolution.remote.size(); }

/// The address is a mailbox's own, whoever else gets a copy.
bool is_own(const AcceptedRecipient& recipient) {
    const std::string key = address_key(recipient.address);
    const auto& mailboxes = recipient.resolution->mailboxes;
    return std::any_of(mailboxes.begin(), mailboxes.end(), [&](const auto& mailbox) { return mailbox->key == key; });
}

} // namespace

std::optional<DsnAction> success_of(const AcceptedRecipient& recipient, const Result<void>& end) {
    if (!asks_success(recipient) || !end || recipient.resolution->hold)
        return std::nullopt;
    if (members(*recipient.resolution) > 1)
        return is_own(recipient) ? DsnAction::delivered : DsnAction::expanded;
    return recipient.resolution->mailboxes.empty() ? std::nullopt : std::optional(DsnAction::delivered);
}

std::uint8_t notify_of_member(const AcceptedRecipient& recipient) {
    if (!asks_success(recipient) || members(*recipient.resolution) < 2)
        return recipient.notify;
    const auto rest = static_cast<std::uint8_t>(recipient.notify & ~wish::success);
    return rest != 0 ? rest : wish::never; // 0 would mean that nothing was asked
}

Task<void> Delivery::report_success(const Incoming& incoming, const DeliveryReceipt& receipt, const Accepted& accepted) {
    // Nothing is delivered yet of a message that waits for its time (RFC 4865).
    if (std::none_of(incoming.recipients.begin(), incoming.recipients.end(), asks_success) || incoming.release > clock_.now())
        co_return;
    // RFC 3461 §6.2: never a report to the null sender.
    const auto sender = parse_address(incoming.envelope.sender);
    if (!sender)
        co_return;
    const std::string hostname = config_.current()->server.hostname;
    Dsn dsn;
    dsn.now = clock_.now();
    for (std::size_t i = 0; i < incoming.recipients.size(); ++i) {
        const AcceptedRecipient& recipient = incoming.recipients[i];
        const auto action = success_of(recipient, receipt.recipients[i]);
        if (!action)
            continue;
        DsnRecipient told;
        told.address = recipient.address.text();
        told.original = original_recipient(recipient.original);
        told.action = *action;
        told.status = "2.0.0";
        told.last_attempt = dsn.now;
        dsn.recipients.push_back(std::move(told));
    }
    if (dsn.recipients.empty())
        co_return;
    dsn.reporting_mta = hostname;
    dsn.from = "postmaster@" + hostname;
    dsn.to = incoming.envelope.sender;
    dsn.message_id = Id::make(dsn.now).text() + "@" + hostname;
    dsn.envelope_id = from_xtext(incoming.envelope.envelope_id);
    dsn.arrival = dsn.now;
    const auto original = co_await original_of(accepted, false); // RFC 3461 §4.3: only the header but for a failure
    dsn.original = original.bytes;
    std::string message = build_dsn(dsn);
    const bool is_8bit = !text::is_ascii(message);
    const bool needs_utf8 = dsn_needs_utf8(dsn);
    auto planned = plan_report(*sender, std::move(message));
    if (!planned)
        co_return;
    planned->envelope.eight_bit = is_8bit;
    planned->envelope.smtputf8 = needs_utf8;
    const auto done = co_await commit(std::move(*planned));
    if (!done)
        log(Event::store_error, {{"reason", done.error().message}, {"what", "reporting a delivery"}});
}

} // namespace mail::service
