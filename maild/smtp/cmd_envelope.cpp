// MAIL and RCPT: who sends, who receives, and that nobody relays who may not.
#include "common/base/log.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

#include <utility>

namespace mail::smtp {

std::uint64_t Session::max_message_size() const noexcept {
    return profile_.limits.message_size != 0 ? profile_.limits.message_size : std::uint64_t{config_->server.message_size};
}

std::size_t Session::max_recipients() const noexcept {
    return profile_.limits.recipients != 0 ? profile_.limits.recipients : static_cast<std::size_t>(config_->server.recipients);
}

Task<void> Session::cmd_mail(Command command) {
    const Mail& mail = std::get<Mail>(command);
    if (messages_ >= profile_.limits.messages) { // RFC 9422 §4.1
        log(Event::limit_hit, {{"sid", id_}, {"limit", "smtp_messages"}, {"peer", stream_.peer().address}});
        close_with(Reply(421, "4.7.0", "Too many messages in one session, connect again"));
        co_return;
    }
    auto right = service::SendRight::none;
    if (mailbox_ && !mail.path.is_null())
        right = services_.directory.send_right(*mailbox_, mail.path.address);
    const Time now = services_.delivery.clock().now();
    const SenderFacts facts{profile_, mailbox_, right, standing_.relays, max_message_size(), stream_.tls() != nullptr, now};
    auto refusal = transaction_.begin(mail, facts);
    story_.began(mail, now);
    if (refusal) {
        story_.refused_sender(*refusal, now);
        log(Event::smtp_message_rejected,
            {{"sid", id_}, {"peer", stream_.peer().address}, {"from", mail.path.text()}, {"reply", refusal->text()}});
        reset();
        co_await refuse(std::move(*refusal));
        co_return;
    }
    // RFC 1870 §6.1 (452): better before the message is sent than after.
    const bool is_spent = services_.budget.left() < limit::stream_threshold;
    const auto room = is_spent ? Result<void>(fail(ErrorCode::no_space, "Too much mail at once, try again later"))
                               : services_.delivery.check_room();
    if (!room) {
        const Reply reply = reply_for(room.error());
        log(Event::smtp_deferred, {{"sid", id_}, {"peer", stream_.peer().address}, {"from", mail.path.text()}, {"reply", reply.text()}});
        say(reply);
        reset();
        co_return;
    }
    auto unwanted = co_await refuse_sending(nullptr);
    if (unwanted) {
        story_.refused_sender(*unwanted, now);
        reset();
        co_await refuse(std::move(*unwanted));
        co_return;
    }
    state_ = sender;
    ++messages_;
    say(Reply(250, "2.1.0", "Sender ok"));
}

/// Told once in a transaction: a client that goes on with thousands of recipients must not fill the log.
void Session::tell_of_limit(std::string_view limit) {
    if (!std::exchange(told_of_limit_, true))
        log(Event::limit_hit, {{"sid", id_}, {"limit", limit}, {"peer", stream_.peer().address}});
}

std::optional<Reply> Session::check_count(const Rcpt& rcpt) {
    const std::size_t most = max_recipients();
    if (transaction_.recipients().size() >= most) {
        tell_of_limit("smtp_recipients");
        return Reply(452, "4.5.3", "Too many recipients"); // RFC 5321 §4.5.3.1.10: the rest comes in another transaction
    }
    if (profile_.limits.recipient_domains == 0)
        return std::nullopt;
    const auto domain = domain_key(rcpt.path.address.domain);
    if (!domain || domains_.contains(*domain))
        return std::nullopt;
    if (domains_.size() >= profile_.limits.recipient_domains) { // RFC 9422 §4.3
        tell_of_limit("max_recipient_domains");
        return Reply(452, "4.5.3", "Too many recipient domains in one session");
    }
    domains_.insert(*domain);
    return std::nullopt;
}

Task<void> Session::cmd_rcpt(Command command) {
    const Rcpt& rcpt = std::get<Rcpt>(command);
    if (auto too_many = check_count(rcpt)) {
        // Not the client's fault: it could not know (RFC 5321 §4.5.3.1.10).
        say(*too_many);
        co_return;
    }
    auto refusal = transaction_.check(rcpt);
    if (refusal) {
        co_await refuse_recipient(rcpt, std::move(*refusal));
        co_return;
    }
    auto resolution = services_.directory.resolve(rcpt.path.address);
    if (!resolution) {
        Reply unknown = unknown_recipient(resolution.error());
        co_await refuse_recipient(rcpt, std::move(unknown));
        co_return;
    }
    // The one place that decides about relaying: an address of no domain of ours, from somebody who may not.
    // <postmaster> is ours wherever it leads (RFC 5321 §4.5.1).
    const bool is_ours = (*resolution)->is_local_domain || rcpt.path.is_bare_postmaster();
    if (!is_ours && !may_relay()) {
        Reply denied(550, "5.7.1", "Relaying denied");
        co_await refuse_recipient(rcpt, std::move(denied));
        co_return;
    }
    auto unwanted = refuse_writer(**resolution);
    if (!unwanted)
        unwanted = co_await refuse_sending(&rcpt.path.address);
    if (!unwanted)
        unwanted = co_await refuse_full(*resolution);
    if (unwanted) {
        co_await refuse_recipient(rcpt, std::move(*unwanted));
        co_return;
    }
    transaction_.add(rcpt, std::move(*resolution));
    state_ = recipients;
    say(Reply(250, "2.1.5", "Recipient ok"));
}

Task<void> Session::refuse_recipient(const Rcpt& rcpt, Reply reply) {
    log(Event::smtp_rcpt_rejected, {{"sid", id_},
                                    {"peer", stream_.peer().address},
                                    {"from", transaction_.sender()},
                                    {"rcpt", rcpt.path.text()},
                                    {"reply", reply.text()}});
    story_.refused_recipient(rcpt, reply, services_.delivery.clock().now());
    say(reply);
    // Strangers who try one name after the other are shown the door; lists of our own users may be stale.
    if (reply.is_permanent() && !may_relay() && ++refused_recipients_ >= limit::smtp_refused_recipients) {
        log(Event::limit_hit, {{"sid", id_}, {"limit", "smtp_refused_recipients"}, {"peer", stream_.peer().address}});
        close_with(Reply(421, "4.7.0", "Too many refused recipients"));
    }
    co_return;
}

} // namespace mail::smtp
