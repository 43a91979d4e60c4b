// MAIL and RCPT: who sends, who receives, and that nobody relays who may not.
#include "common/base/log.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

namespace mail::smtp {

std::uint64_t Session::max_message_size() const noexcept {
    return profile_.max_message_size != 0 ? profile_.max_message_size : std::uint64_t{config_->server.message_size};
}

Task<void> Session::cmd_mail(Command command) {
    const Mail& mail = std::get<Mail>(command);
    auto right = service::SendRight::none;
    if (mailbox_ && !mail.path.is_null())
        right = services_.directory.send_right(*mailbox_, mail.path.address);
    const SenderFacts facts{profile_, mailbox_, right, peer_relays_, max_message_size(), stream_.tls() != nullptr};
    auto refusal = transaction_.begin(mail, facts);
    const Time now = services_.delivery.clock().now();
    story_.began(mail, now);
    if (refusal) {
        story_.refused_sender(*refusal, now);
        log(Event::smtp_message_rejected,
            {{"sid", id_}, {"peer", stream_.peer().address}, {"from", mail.path.text()}, {"reply", refusal->text()}});
        reset();
        co_await refuse(std::move(*refusal));
        co_return;
    }
    state_ = sender;
    say(Reply(250, "2.1.0", "Sender ok"));
}

Task<void> Session::cmd_rcpt(Command command) {
    const Rcpt& rcpt = std::get<Rcpt>(command);
    const auto most = static_cast<std::size_t>(config_->server.recipients);
    auto refusal = transaction_.check(rcpt, most);
    if (refusal && refusal->is_temporary()) {
        // Not the client's fault: it could not know (RFC 5321 §4.5.3.1.10).
        if (transaction_.recipients().size() == most)
            log(Event::limit_hit, {{"sid", id_}, {"limit", "smtp_recipients"}, {"peer", stream_.peer().address}});
        say(*refusal);
        co_return;
    }
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
    if (unwanted) {
        co_await refuse_recipient(rcpt, std::move(*unwanted));
        co_return;
    }
    transaction_.add(rcpt, std::move(*resolution));
    state_ = recipients;
    say(Reply(250, "2.1.5", "Recipient ok"));
}

std::optional<Reply> Session::refuse_writer(const service::Resolution& resolution) const {
    const Path& path = transaction_.mail().path;
    if (resolution.only_reports && !path.is_null())
        return Reply(550, "5.7.1", "Only delivery reports go to this address");
    if (resolution.rules.empty())
        return std::nullopt;
    service::Writer writer{mailbox_, peer_relays_, std::nullopt};
    if (!path.is_null())
        writer.sender = path.address;
    if (services_.directory.admits(resolution, writer))
        return std::nullopt;
    return Reply(550, "5.7.1", "You may not write to this group");
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
