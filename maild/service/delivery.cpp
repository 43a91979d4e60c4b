#include "maild/service/delivery.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/date.hpp"
#include "common/mail/dsn.hpp"
#include "common/mail/header.hpp"
#include "common/mail/received.hpp"
#include "common/mail/xtext.hpp"
#include "maild/service/derived.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/service/story_of.hpp"
#include "maild/service/success_report.hpp"

#include <algorithm>
#include <unordered_map>

namespace mail::service {
namespace {

bool wants_failure(const AcceptedRecipient& recipient) {
    namespace wish = store::queue_notify;
    return recipient.notify == 0 || (recipient.notify & wish::failure) != 0;
}

store::QueueRecipient queued(const Address& to, const AcceptedRecipient& given, bool hold, Time due, Duration expire) {
    store::QueueRecipient out;
    out.recipient = to.text();
    out.domain = domain_key(to.domain).value_or(text::to_lower(to.domain));
    out.original = given.original;
    out.notify = notify_of_member(given);
    out.due = due;
    out.expires = due + expire;
    out.held = hold;
    return out;
}

} // namespace

/// The plan, and which of its local copies each recipient stands or falls with.
struct Delivery::Planned {
    store::AcceptPlan plan;
    std::vector<std::vector<std::size_t>> copies;
};

Delivery::Delivery(store::Store& store, Config& config, Directory& directory, const Clock& clock)
    : store_(store), config_(config), directory_(directory), clock_(clock) {}

Result<std::unique_ptr<store::Spool>> Delivery::spool(std::uint64_t size_hint) { return store_.mail().spool(size_hint); }

Task<Result<store::AcceptReceipt>> Delivery::commit(store::AcceptPlan plan) {
    plan.derived = derive_at_once(plan);
    return store_.mail().accept(std::move(plan));
}

std::string Delivery::outgoing_sender(const Incoming& incoming) const {
    const std::string& given = incoming.envelope.sender;
    const auto config = config_.current();
    const auto sender = given.empty() ? Result<Address>(Address{}) : parse_address(given);
    if (given.empty() || !sender)
        return given;
    const Address shown = config->masquerade.apply(*sender);
    const auto domain = domain_key(shown.domain);
    if (!config->server.srs || !domain || config->is_local(*domain))
        return shown == *sender ? given : shown.text();
    for (const auto& recipient : incoming.recipients) {
        const auto& remote = recipient.resolution->remote;
        if (std::none_of(remote.begin(), remote.end(), [](const RemoteAddress& to) { return to.forwarded; }))
            continue;
        const auto ours = domain_key(recipient.address.domain.empty() ? config->server.hostname : recipient.address.domain);
        const auto forwarder = ours && config->is_local(*ours) ? directory_.srs().forward(shown, *ours, clock_.now()) : std::nullopt;
        if (forwarder)
            return forwarder->text();
    }
    return given;
}

Delivery::Planned Delivery::plan(Incoming& incoming) const {
    const Time now = clock_.now();
    const Duration expire = config_.current()->server.expire;
    Planned out;
    out.plan.message = incoming.id;
    out.plan.content = std::move(incoming.content);
    out.plan.envelope = incoming.envelope;
    out.plan.attributes = std::move(incoming.attributes);
    out.copies.resize(incoming.recipients.size());
    std::unordered_map<store::AccountId, std::size_t> placed; // one copy per final mailbox
    std::unordered_map<std::string, bool> queued_keys;
    const std::string return_path = return_path_field(incoming.envelope.sender);
    for (std::size_t i = 0; i < incoming.recipients.size(); ++i) {
        const auto& recipient = incoming.recipients[i];
        note_recipient(incoming.steps, recipient, now);
        const auto wait = [&](const Address& to) {
            if (!queued_keys.emplace(address_key(to), true).second)
                return;
            const Time due = std::max(now, incoming.release);
            out.plan.queue.push_back(queued(to, recipient, recipient.resolution->hold, due, expire));
            out.plan.queue.back().priority = incoming.priority;
            note_queued(incoming.steps, out.plan.queue.back(), now);
        };
        for (const auto& mailbox : recipient.resolution->mailboxes) {
            if (incoming.release > now) // RFC 4865 §1: our own wait in the queue too
                if (const auto own = parse_address(mailbox->address)) {
                    wait(*own);
                    continue;
                }
            const auto [it, is_new] = placed.emplace(mailbox->account, out.plan.local.size());
            if (is_new) {
                store::LocalCopy copy;
                copy.account = mailbox->account;
                copy.prefix = return_path + "Delivered-To: " + mailbox->address + "\r\n";
                copy.internal_date = now;
                copy.quota = mailbox->quota;
                out.plan.local.push_back(std::move(copy));
            }
            out.copies[i].push_back(it->second);
            note_mailbox(incoming.steps, *mailbox, it->second, now);
        }
        for (const auto& remote : recipient.resolution->remote)
            wait(remote);
    }
    if (!out.plan.queue.empty())
        out.plan.envelope.sender = outgoing_sender(incoming);
    out.plan.story = story_of(incoming, !out.plan.queue.empty(), now);
    return out;
}

Task<Result<DeliveryReceipt>> Delivery::accept(Incoming incoming) {
    Accepted message;
    message.memory = incoming.content.memory;
    auto planned = plan(incoming);
    const auto copies = std::move(planned.copies);
    MAIL_CO_TRY(const auto receipt, co_await commit(std::move(planned.plan)));
    message.stored = receipt.bytes;
    DeliveryReceipt out;
    std::size_t failures = 0;
    for (std::size_t i = 0; i < incoming.recipients.size(); ++i) {
        Result<void> end;
        for (const std::size_t copy : copies[i])
            if (!receipt.local[copy])
                end = fail(receipt.local[copy].error());
        failures += end ? 0U : 1U;
        out.recipients.push_back(std::move(end));
    }
    co_await report_success(incoming, out, message);
    // One reply cannot tell several ends: what some recipients did not get is reported to the sender instead.
    if (failures != 0 && failures != out.recipients.size() && !incoming.each_answered && !incoming.envelope.sender.empty()) {
        co_await report(incoming, out, message);
        for (auto& end : out.recipients)
            end = Result<void>{};
    }
    co_return out;
}

Task<ReportOriginal> Delivery::original_of(const Accepted& message, bool whole) {
    if (message.memory)
        co_return ReportOriginal{*message.memory, whole};
    if (!message.stored)
        co_return ReportOriginal();
    co_return co_await report_original(store_.mail(), *message.stored, whole);
}

Task<void> Delivery::report(const Incoming& incoming, const DeliveryReceipt& receipt, const Accepted& message) {
    const auto sender = parse_address(incoming.envelope.sender);
    if (!sender)
        co_return;
    const auto config = config_.current();
    const Time now = clock_.now();
    Dsn dsn;
    dsn.reporting_mta = config->server.hostname;
    dsn.from = "postmaster@" + config->server.hostname;
    dsn.to = incoming.envelope.sender;
    dsn.message_id = Id::make(now).text() + "@" + config->server.hostname;
    dsn.now = now;
    dsn.envelope_id = from_xtext(incoming.envelope.envelope_id); // kept as it came (RFC 3461 §4)
    dsn.arrival = now;
    for (std::size_t i = 0; i < receipt.recipients.size(); ++i) {
        const AcceptedRecipient& given = incoming.recipients[i];
        const auto& end = receipt.recipients[i];
        if (end || !wants_failure(given))
            continue;
        DsnRecipient recipient;
        recipient.address = given.address.text();
        recipient.original = original_recipient(given.original);
        recipient.status = face_of(end.error().code).smtp_enhanced;
        if (recipient.status.starts_with('4'))
            recipient.status[0] = '5'; // nothing tries again
        recipient.reason = end.error().message;
        recipient.last_attempt = now;
        dsn.recipients.push_back(std::move(recipient));
    }
    if (dsn.recipients.empty())
        co_return;
    // RFC 3461 §4.3; RFC 8689 §5: what was to travel protected is not sent back whole.
    const bool whole = !incoming.envelope.return_headers_only && !incoming.envelope.require_tls;
    const auto original = co_await original_of(message, whole);
    dsn.original = original.bytes;
    dsn.return_full = original.is_whole;
    std::string told = build_dsn(dsn);
    const bool is_8bit = !text::is_ascii(told);
    auto planned = plan_report(*sender, std::move(told));
    if (!planned)
        co_return;
    planned->envelope.eight_bit = is_8bit;
    planned->envelope.smtputf8 = dsn_needs_utf8(dsn); // RFC 6533 §3
    const auto done = co_await commit(std::move(*planned));
    if (!done)
        log(Event::store_error, {{"reason", done.error().message}});
}

bool Delivery::is_here(const store::QueueItem& item) const {
    const auto address = parse_address(item.recipient);
    if (!address || !config_.current()->is_local(item.domain))
        return false;
    const auto resolution = directory_.resolve(*address);
    return resolution ? !(*resolution)->mailboxes.empty()
                      : resolution.error().code == ErrorCode::not_found || resolution.error().code == ErrorCode::denied;
}

Result<store::AcceptPlan> Delivery::plan_released(const store::QueueItem& item, std::string message) const {
    MAIL_TRY(const auto address, parse_address(item.recipient));
    MAIL_TRY(auto resolution, directory_.resolve(address));
    Incoming incoming;
    incoming.id = Id::make(clock_.now());
    incoming.content.memory = std::make_shared<const std::string>(std::move(message));
    incoming.envelope = item.envelope;
    incoming.recipients.push_back({address, std::move(resolution), "", store::queue_notify::never});
    auto planned = plan(incoming).plan;
    planned.queue.clear(); // where the mailbox forwards to was queued with it
    planned.story.reset(); // the message has its story already
    for (store::LocalCopy& copy : planned.local)
        copy.quota = 0;
    return planned;
}

Result<store::AcceptPlan> Delivery::plan_notice(const std::string& to, std::string subject, std::string text) {
    const Time now = clock_.now();
    const std::string hostname = config_.current()->server.hostname;
    // RFC 3834 §5: no automatic answer is wanted.
    std::string message = make_field("From", format_mailbox("Mail server " + hostname, "postmaster@" + hostname)) +
                          make_field("To", "<" + to + ">") + make_field("Subject", subject) +
                          "Date: " + format_date(now) + "\r\n" +
                          "Message-ID: <" + Id::make(now).text() + "@" + hostname + ">\r\n" +
                          "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text;
    const bool is_8bit = !text::is_ascii(message);
    MAIL_TRY(const auto address, parse_address(to));
    MAIL_TRY(auto planned, plan_report(address, std::move(message)));
    planned.envelope.eight_bit = is_8bit;
    return planned;
}

Task<Result<void>> Delivery::check_quota(std::shared_ptr<const Resolution> resolution, std::uint64_t size) {
    if (resolution->mailboxes.empty() || !resolution->remote.empty() || resolution->hold)
        co_return Result<void>{};
    for (const auto& mailbox : resolution->mailboxes) {
        if (mailbox->quota == 0)
            co_return Result<void>{};
        const auto usage = co_await store_.mail().usage(mailbox->account);
        if (!usage || usage->bytes + std::max<std::uint64_t>(size, 1) <= mailbox->quota)
            co_return Result<void>{};
    }
    co_return fail(ErrorCode::over_quota, "the mailbox has no room for this message");
}

Task<void> Delivery::notify_postmaster(std::string subject, std::string text) {
    const auto config = config_.current();
    const auto& server = config->server;
    const std::string to = server.postmaster.empty() ? "postmaster@" + server.hostname : server.postmaster;
    auto planned = plan_notice(to, subject, std::move(text));
    Result<void> outcome;
    if (planned) {
        const auto done = co_await store_.mail().accept(std::move(*planned));
        if (!done)
            outcome = fail(done.error());
    } else {
        outcome = fail(planned.error());
    }
    if (!outcome)
        log(Event::notice_failed, {{"to", to}, {"subject", subject}, {"reason", outcome.error().message}});
}

Result<store::AcceptPlan> Delivery::plan_report(const Address& sender, std::string message) {
    MAIL_TRY(auto resolution, directory_.resolve(sender));
    Incoming incoming;
    incoming.id = Id::make(clock_.now());
    incoming.content.memory = std::make_shared<const std::string>(std::move(message));
    incoming.recipients.push_back({sender, std::move(resolution), "", store::queue_notify::never});
    incoming.peer = "local";
    incoming.steps.step("report", clock_.now());
    return plan(incoming).plan;
}

} // namespace mail::service
