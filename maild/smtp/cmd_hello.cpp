// EHLO, HELO, LHLO, STARTTLS and the small commands.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/service/sign_in.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/ehlo.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

namespace mail::smtp {

bool Session::offers_tls() const noexcept { return profile_.tls != nullptr && stream_.tls() == nullptr; }

bool Session::offers_auth() const noexcept {
    // RFC 4954 §4, RFC 8314: passwords and their proofs only inside TLS, unless the listener says otherwise.
    return profile_.is_submission() && (stream_.tls() != nullptr || profile_.plaintext_auth);
}

Reply Session::ehlo_reply() const {
    EhloFacts facts;
    facts.role = profile_.role;
    facts.offers_tls = offers_tls();
    facts.in_tls = stream_.tls() != nullptr;
    if (offers_auth() && !mailbox_)
        facts.mechanisms = services_.sign_in.mechanisms(true);
    facts.may_etrn = standing_.may_etrn;
    facts.may_xclient = standing_.may_xclient;
    facts.message_size = max_message_size();
    facts.recipients = max_recipients();
    facts.recipient_domains = profile_.limits.recipient_domains;
    facts.messages = profile_.limits.messages;
    facts.now = services_.delivery.clock().now();
    Reply reply(250, "", config_->server.hostname);
    for (std::string& word : ehlo_words(facts))
        reply.lines.push_back(std::move(word));
    return reply;
}

Task<void> Session::cmd_hello(Command command) {
    const Verb verb = verb_of(command);
    // RFC 2033 §4.1: LHLO replaces HELO and EHLO, which an LMTP server must not take.
    if ((verb == Verb::lhlo) != profile_.is_lmtp()) {
        const std::string_view why = profile_.is_lmtp() ? "This is LMTP: say LHLO" : "This is not LMTP: say EHLO";
        co_await refuse(500, "5.5.1", why);
        co_return;
    }
    if (auto* ehlo = std::get_if<Ehlo>(&command))
        helo_ = std::move(ehlo->name);
    else if (auto* lhlo = std::get_if<Lhlo>(&command))
        helo_ = std::move(lhlo->name);
    else
        helo_ = std::move(std::get<Helo>(command).name);
    if (!standing_.helo.empty())
        helo_ = standing_.helo;
    extended_ = verb != Verb::helo;
    // RFC 5321 §4.1.4: a later EHLO ends the transaction.
    state_ = greeted;
    reset();
    story_.greeted(name_of(verb), helo_, services_.delivery.clock().now());
    say(extended_ ? ehlo_reply() : Reply(250, "", config_->server.hostname));
}

Task<void> Session::cmd_starttls(Command) {
    if (!offers_tls()) {
        const bool is_active = stream_.tls() != nullptr;
        const std::string_view why = is_active ? "TLS is active already" : "STARTTLS is not offered";
        const int code = is_active ? 503 : 502;
        co_await refuse(code, "5.5.1", why);
        co_return;
    }
    // RFC 3207 §4.2, CVE-2011-0411: what was sent along in the clear must never be taken for what came through TLS.
    if (!reader_.buffered().empty()) {
        log(Event::smtp_bad_command, {{"sid", id_}, {"reason", "data after STARTTLS"}});
        close_with(Reply(554, "5.5.1", "Nothing may follow STARTTLS before the handshake"));
        co_return;
    }
    say(Reply(220, "2.0.0", "Ready to start TLS"));
    stream_.set_timeout(std::chrono::seconds(limit::preauth_idle_seconds));
    co_await flush();
    if (broken_) {
        closing_ = true;
        co_return;
    }
    reader_.release();
    const auto done = co_await stream_.start_tls(*profile_.tls);
    if (!done) {
        log(Event::tls_failed, {{"sid", id_}, {"peer", stream_.peer().address}, {"reason", done.error().message}});
        broken_ = true;
        closing_ = true;
        co_return;
    }
    story_.secured(*stream_.tls(), services_.delivery.clock().now());
    forget(); // RFC 3207 §4.2
}

Task<void> Session::cmd_plain(Command command) {
    switch (verb_of(command)) {
    case Verb::rset:
        reset();
        say(Reply(250, "2.0.0", "Reset"));
        break;
    case Verb::quit:
        say(Reply(221, "2.0.0", "Bye"));
        closing_ = true;
        break;
    case Verb::help:
        say(Reply(214, "2.0.0", "See RFC 5321"));
        break;
    case Verb::vrfy:
        // RFC 5321 §7.3: the same answer for everybody, so that nobody can be found out.
        say(Reply(252, "2.5.2", "Cannot verify; send some mail and see"));
        break;
    default:
        say(Reply(250, "2.0.0", "Nothing done"));
    }
    co_return;
}

Task<void> Session::cmd_disabled(Command) {
    co_await refuse(502, "5.5.1", "This command is not offered");
}

Task<void> Session::cmd_foreign(Command) {
    log(Event::smtp_bad_command, {{"sid", id_}, {"peer", stream_.peer().address}, {"reason", "another protocol"}});
    close_with(Reply(554, "5.5.1", "This is a mail server"));
    co_return;
}

} // namespace mail::smtp
