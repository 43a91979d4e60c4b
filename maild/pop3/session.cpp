#include "maild/pop3/session.hpp"

#include "common/async/signal.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"

namespace mail::pop3 {

std::shared_ptr<void> MaildropLocks::take(store::AccountId account) {
    const std::lock_guard lock(mutex_);
    if (!taken_.insert(account).second)
        return nullptr;
    return {this, [account](MaildropLocks* self) {
                const std::lock_guard guard(self->mutex_);
                self->taken_.erase(account);
            }};
}

Session::Session(Services services, Profile profile, net::Stream& stream, std::string id)
    : services_(services), profile_(std::move(profile)), stream_(stream), reader_(stream), id_(std::move(id)) {}

bool Session::passwords_allowed() const { return stream_.tls() != nullptr || profile_.plaintext_auth; }

service::Caller Session::caller() const {
    return {service::Protocol::pop3, stream_.peer().address, id_, stream_.tls() != nullptr, stream_.channel_binding()};
}

void Session::say(std::string_view line) {
    out_ += line;
    out_ += "\r\n";
}

void Session::bad(std::string_view why) {
    log(Event::pop3_bad_command, {{"sid", id_}, {"reason", why}});
    say("-ERR " + std::string(why));
    if (++errors_ >= limit::pop3_errors)
        state_ = State::done;
}

Task<void> Session::flush() {
    if (out_.empty() || broken_)
        co_return;
    const auto written = co_await stream_.write(out_);
    out_.clear();
    if (!written) {
        broken_ = true;
        state_ = State::done;
    }
}

Task<void> Session::run() {
    stream_.set_timeout(std::chrono::seconds(limit::preauth_idle_seconds));
    say("+OK " + profile_.hostname + " POP3 ready");
    while (state_ != State::done) {
        // Answers of pipelined commands leave together (RFC 2449 §6.8).
        if (reader_.buffered().find('\n') == std::string_view::npos || out_.size() > limit::output_buffer)
            co_await flush();
        if (state_ == State::done)
            break;
        const auto line = co_await next_line(limit::pop3_line);
        if (!line || stream_.is_ending()) {
            if (stream_.is_ending())
                say("-ERR [SYS/TEMP] the session is ended by the server, try again later");
            else if (line.error().code == ErrorCode::too_large)
                say("-ERR the command line is too long");
            else if (line.error().code == ErrorCode::timeout)
                say("-ERR [SYS/TEMP] no command came in time");
            break;
        }
        const auto idle = state_ == State::transaction ? limit::pop3_idle_seconds : limit::preauth_idle_seconds;
        stream_.set_timeout(std::chrono::seconds(idle));
        auto command = parse_command(*line);
        if (command)
            co_await handle(std::move(*command));
        else
            bad(command.error().message);
        reader_.release();
    }
    co_await flush();
    co_await stream_.shutdown();
}

Task<Result<std::string>> Session::next_line(std::size_t max) {
    const net::Interruptible waiting(stream_);
    co_return co_await reader_.line(max);
}

Task<void> Session::handle(Command command) {
    if (command.verb == Verb::quit) {
        co_await quit();
    } else if (command.verb == Verb::capa) {
        capabilities();
    } else if (command.verb == Verb::utf8) {
        say("+OK UTF-8"); // RFC 6856 §2.1: bytes are sent as they are stored anyway
    } else if (command.verb == Verb::lang) {
        // RFC 6856 §3.2: one language; the list names it.
        if (command.text.empty())
            say("+OK Language listing follows:\r\nen English\r\n.");
        else if (text::iequals(command.text, "en") || command.text == "*")
            say("+OK en");
        else
            say("-ERR no such language");
    } else if (state_ == State::authorization) {
        co_await before_sign_in(std::move(command));
    } else {
        co_await after_sign_in(std::move(command));
    }
}

void Session::capabilities() {
    say("+OK capabilities follow");
    say("TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nUTF8\r\nLANG");
    if (state_ == State::authorization) {
        if (passwords_allowed())
            say("USER");
        const auto mechanisms = services_.sign_in.mechanisms(passwords_allowed());
        std::string sasl = "SASL";
        for (const auto name : mechanisms)
            sasl += " " + std::string(name);
        if (!mechanisms.empty() && (passwords_allowed() || !profile_.offer_stls))
            say(sasl);
        if (profile_.offer_stls && stream_.tls() == nullptr)
            say("STLS");
    }
    say("IMPLEMENTATION maild\r\n.");
}

Task<void> Session::before_sign_in(Command command) {
    switch (command.verb) {
    case Verb::user:
        if (!passwords_allowed())
            co_return bad("passwords are taken inside TLS only: use STLS first");
        user_ = std::move(command.text);
        say("+OK now the password"); // the same for every name: no probing
        co_return;
    case Verb::pass:
        co_await password(std::move(command));
        co_return;
    case Verb::auth:
        co_await authenticate(std::move(command));
        co_return;
    case Verb::stls:
        co_await start_tls();
        co_return;
    default:
        bad("sign in first");
    }
}

Task<void> Session::start_tls() {
    if (!profile_.offer_stls || !profile_.tls || stream_.tls() != nullptr)
        co_return bad("STLS is not available");
    // RFC 2595 §4 and CVE-2011-0411: what was sent along with STLS must not survive into the secure session.
    if (!reader_.buffered().empty()) {
        say("-ERR commands were sent together with STLS");
        state_ = State::done;
        co_return;
    }
    say("+OK begin TLS");
    co_await flush();
    const auto secured = co_await stream_.start_tls(*profile_.tls);
    if (!secured) {
        log(Event::tls_failed, {{"sid", id_}, {"peer", stream_.peer().address}, {"reason", secured.error().message}});
        broken_ = true;
        state_ = State::done;
    }
    user_.clear();
}

Task<void> Session::password(Command command) {
    if (user_.empty())
        co_return bad("USER comes first");
    Secret secret(std::move(command.text));
    std::string user = std::move(user_);
    user_.clear(); // PASS needs a USER of its own each time
    service::Caller who = caller();
    auto mailbox = co_await services_.sign_in.check(std::move(user), std::move(secret), std::move(who));
    if (mailbox)
        co_await signed_in(std::move(*mailbox));
    else
        co_await refused(std::move(mailbox.error()));
}

Task<Result<std::string>> Session::sasl_line() {
    co_await flush();
    MAIL_CO_TRY(auto line, co_await next_line(limit::smtp_auth_line));
    if (line == "*")
        co_return fail(ErrorCode::invalid, "authentication cancelled");
    auto bytes = text::unbase64(line);
    if (!bytes)
        co_return fail(ErrorCode::invalid, "that is not base64");
    co_return std::move(*bytes);
}

Task<void> Session::authenticate(Command command) {
    auto exchange = services_.sign_in.begin(command.text, caller(), passwords_allowed());
    if (!exchange || (!passwords_allowed() && profile_.offer_stls))
        co_return bad("this mechanism is not available");
    std::optional<std::string> response;
    if (command.initial) {
        // RFC 5034 §4: "=" is an initial response of no bytes.
        response = *command.initial == "=" ? std::optional(std::string{}) : text::unbase64(*command.initial);
        if (!response)
            co_return bad("that is not base64");
    }
    for (;;) {
        auto outcome = co_await exchange->next(std::move(response));
        if (auto* done = std::get_if<service::SaslExchange::Signed>(&outcome)) {
            co_await signed_in(std::move(done->mailbox));
            co_return;
        }
        if (auto* no = std::get_if<service::SaslExchange::Refused>(&outcome)) {
            co_await refused(std::move(no->error));
            co_return;
        }
        say("+ " + text::base64(std::get<service::SaslExchange::Challenge>(outcome).bytes));
        auto line = co_await sasl_line();
        if (!line) {
            if (line.error().code == ErrorCode::invalid)
                bad(line.error().message);
            else
                state_ = State::done;
            co_return;
        }
        response = std::move(*line);
    }
}

Task<void> Session::refused(Error error) {
    ++failures_;
    co_await flush();
    co_await async::sleep_for(service::SignIn::failure_delay(failures_));
    // RFC 3206: the client may tell a wrong password from a server in trouble.
    say((error.code == ErrorCode::temporary ? "-ERR [SYS/TEMP] " : "-ERR [AUTH] ") + error.message);
    if (failures_ >= limit::auth_failures)
        state_ = State::done;
}

Task<void> Session::signed_in(service::MailboxPtr mailbox) {
    auto lock = services_.locks.take(mailbox->account);
    if (!lock) {
        say("-ERR [IN-USE] another session has this maildrop open");
        co_return;
    }
    const auto folder = co_await services_.mailboxes.find(mailbox->account, "INBOX");
    if (!folder) {
        say("-ERR [SYS/TEMP] " + folder.error().message);
        co_return;
    }
    auto opened = co_await services_.mailboxes.open(mailbox->account, folder->id);
    if (!opened) {
        say("-ERR [SYS/TEMP] " + opened.error().message);
        co_return;
    }
    inbox_ = std::move(*opened);
    lock_ = std::move(lock);
    mailbox_ = std::move(mailbox);
    watch_ = services_.sign_in.watch(mailbox_, stream_.closer());
    const auto snapshot = inbox_->current();
    uid_validity_ = snapshot->folder().uid_validity;
    for (const auto& chunk : snapshot->chunks())
        for (std::size_t i = 0; i < chunk->uids.size(); ++i)
            messages_.push_back({chunk->uids[i], chunk->sizes[i], false});
    state_ = State::transaction;
    say("+OK " + std::to_string(messages_.size()) + " messages");
}

Session::Message* Session::message(const std::optional<std::uint32_t>& number) {
    if (!number || *number > messages_.size() || messages_[*number - 1].deleted)
        return nullptr;
    return &messages_[*number - 1];
}

Task<void> Session::after_sign_in(Command command) {
    switch (command.verb) {
    case Verb::stat: {
        std::uint64_t count = 0, bytes = 0;
        for (const auto& m : messages_)
            if (!m.deleted) {
                ++count;
                bytes += m.size;
            }
        say("+OK " + std::to_string(count) + " " + std::to_string(bytes));
        co_return;
    }
    case Verb::list:
        co_return list(command, false);
    case Verb::uidl:
        co_return list(command, true);
    case Verb::retr:
        co_await retrieve(*command.number, std::nullopt);
        co_return;
    case Verb::top:
        co_await retrieve(*command.number, command.lines);
        co_return;
    case Verb::dele:
        if (auto* m = message(command.number)) {
            m->deleted = true;
            say("+OK marked");
        } else {
            bad("no such message");
        }
        co_return;
    case Verb::rset:
        for (auto& m : messages_)
            m.deleted = false;
        say("+OK");
        co_return;
    case Verb::noop:
        say("+OK");
        co_return;
    default:
        bad("not after sign-in");
    }
}

void Session::list(const Command& command, bool unique_ids) {
    const auto line = [&](std::size_t index) {
        const auto& m = messages_[index];
        std::string out = std::to_string(index + 1) + " ";
        // UIDVALIDITY and UID never repeat together, so this is stable across restarts and restores.
        return out + (unique_ids ? std::to_string(uid_validity_) + "." + std::to_string(m.uid) : std::to_string(m.size));
    };
    if (command.number) {
        if (message(command.number) == nullptr)
            return bad("no such message");
        return say("+OK " + line(*command.number - 1));
    }
    say("+OK");
    for (std::size_t i = 0; i < messages_.size(); ++i)
        if (!messages_[i].deleted)
            say(line(i));
    say(".");
}

Task<void> Session::retrieve(std::uint32_t number, std::optional<std::uint32_t> lines) {
    const auto* wanted = message(number);
    if (wanted == nullptr)
        co_return bad("no such message");
    const store::UidSet uids{{wanted->uid, wanted->uid}};
    const auto bodies = co_await services_.mailboxes.bodies(mailbox_->account, inbox_->id(), uids, 1);
    if (!bodies || bodies->empty()) {
        say("-ERR [SYS/TEMP] " + (bodies ? std::string("the message was removed meanwhile") : bodies.error().message));
        co_return;
    }
    const auto bytes = co_await services_.mailboxes.read(bodies->front());
    if (!bytes) {
        say("-ERR [SYS/PERM] " + bytes.error().message);
        co_return;
    }
    say("+OK " + std::to_string(wanted->size) + " octets");
    append_message(out_, *bytes, lines);
    if (out_.size() > limit::output_buffer)
        co_await flush();
}

Task<void> Session::quit() {
    if (state_ == State::transaction) {
        store::UidSet uids;
        for (const auto& m : messages_)
            if (m.deleted) {
                if (!uids.empty() && uids.back().last + 1 == m.uid)
                    uids.back().last = m.uid;
                else
                    uids.push_back({m.uid, m.uid});
            }
        if (!uids.empty()) {
            const auto gone = co_await services_.mailboxes.expunge(mailbox_->account, inbox_->id(), std::move(uids), false);
            if (!gone) {
                // RFC 1939 §6: some deleted messages were not removed.
                say("-ERR [SYS/TEMP] " + gone.error().message);
                state_ = State::done;
                co_return;
            }
        }
    }
    say("+OK bye");
    state_ = State::done;
}

} // namespace mail::pop3
