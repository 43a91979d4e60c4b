// What works before sign-in, and signing in: CAPABILITY, NOOP, LOGOUT, ID, STARTTLS, AUTHENTICATE, LOGIN, ENABLE.
#include "maild/imap/connection.hpp"

#include "common/async/signal.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "maild/imap/proto/response.hpp"

namespace mail::imap {

Task<Reply> Session::cmd_capability(const Command&) {
    say("* CAPABILITY " + capabilities());
    co_return Reply::ok("CAPABILITY completed");
}

Task<Reply> Session::cmd_noop(const Command&) { co_return Reply::ok("completed"); }

Task<Reply> Session::cmd_logout(const Command& command) {
    append_status(out_, "*", "BYE", "", "see you");
    append_status(out_, command.tag, "OK", "", "LOGOUT completed");
    state_ = State::ended;
    unselect();
    co_return Reply::none();
}

Task<Reply> Session::cmd_id(const Command&) {
    say("* ID (\"name\" \"maild\")"); // RFC 2971 §3.2; the version is nobody's business before sign-in
    co_return Reply::ok("ID completed");
}

bool Session::may_start_tls() const {
    return profile_.offer_starttls && profile_.tls != nullptr && stream_->tls() == nullptr && !compressed_;
}

bool Session::plaintext_allowed() const { return stream_->tls() != nullptr || profile_.plaintext_auth; }

service::Caller Session::caller() const {
    return {service::Protocol::imap, stream_->peer().address, id_, stream_->tls() != nullptr,
            stream_->channel_binding()};
}

Task<Reply> Session::cmd_starttls(const Command& command) {
    if (!may_start_tls())
        co_return Reply::bad("STARTTLS is not offered here");
    // Commands sent ahead in plain text could come from someone in between (CVE-2021-33515): no answer to them ever.
    if (!reader_.buffered().empty()) {
        bye("", "nothing may be sent between STARTTLS and TLS");
        co_return Reply::none();
    }
    append_status(out_, command.tag, "OK", "", "begin TLS");
    co_await flush();
    const auto secured = co_await stream_->start_tls(*profile_.tls);
    if (!secured) {
        broken_ = true;
        state_ = State::ended;
    }
    framer_.reset();
    co_return Reply::none();
}

// RFC 9051 §6.2.2. The delay grows on this connection alone; no account is ever locked.
Task<Reply> Session::sign_in_failed(Error error) {
    if (error.code == ErrorCode::unauthorized || error.code == ErrorCode::denied) {
        ++failures_;
        co_await flush();
        stream_->set_timeout(std::chrono::seconds(limit::preauth_idle_seconds));
        co_await async::sleep_for(service::SignIn::failure_delay(failures_));
        allow_time();
    }
    if (error.code == ErrorCode::invalid)
        co_return Reply::bad(error.message);
    auto reply = Reply::no(error);
    if (error.code == ErrorCode::denied)
        reply.code = "AUTHORIZATIONFAILED";
    co_return reply;
}

Reply Session::signed_in(service::MailboxPtr mailbox) {
    mailbox_ = std::move(mailbox);
    state_ = State::signed_in;
    framer_.set_limits(FramerLimits::after_sign_in());
    allow_time();
    watch_ = services_.sign_in.watch(mailbox_, [bell = std::weak_ptr<Doorbell>(doorbell_)] {
        if (const auto doorbell = bell.lock()) {
            doorbell->revoked = true;
            doorbell->signal.fire();
        }
    }, caller());
    return Reply::ok("signed in", "CAPABILITY " + capabilities());
}

Task<Reply> Session::end_sign_in(const Command& command, Result<service::MailboxPtr> mailbox) {
    if (mailbox) {
        const auto reply = signed_in(std::move(*mailbox));
        const auto executor = co_await boost::asio::this_coro::executor;
        if (!std::exchange(accompanied_, true)) // after UNAUTHENTICATE it is still there
            services_.tasks.spawn(executor, companion(shared_from_this()));
        co_return reply;
    }
    auto reply = co_await sign_in_failed(mailbox.error());
    if (failures_ >= limit::auth_failures) {
        finish(command.tag, reply);
        bye("", "too many failed sign-ins");
        reply = Reply::none();
    }
    co_return reply;
}

Task<Reply> Session::cmd_login(const Command& command) {
    // RFC 9051 §6.2.3: refused where LOGINDISABLED is shown.
    if (!plaintext_allowed())
        co_return Reply::no("LOGIN needs TLS", "PRIVACYREQUIRED");
    const auto& arguments = std::get<LoginArguments>(command.body);
    auto mailbox = co_await services_.sign_in.check(arguments.user, arguments.password, caller());
    co_return co_await end_sign_in(command, std::move(mailbox));
}

// The exchange itself; a value once it succeeded.
Task<Result<service::MailboxPtr>> Session::run_exchange(const AuthenticateArguments& arguments) {
    auto exchange = services_.sign_in.begin(arguments.mechanism, caller(), plaintext_allowed());
    if (exchange == nullptr)
        co_return fail(ErrorCode::unsupported, "this mechanism is not offered");
    std::optional<std::string> response;
    if (arguments.initial) {
        const auto initial = arguments.initial->reveal();
        // RFC 4959 §3: "=" is an empty initial response.
        response = initial == "=" ? std::optional<std::string>("") : text::unbase64(initial);
        if (!response)
            co_return fail(ErrorCode::invalid, "the initial response is not base64");
    }
    while (true) {
        auto outcome = co_await exchange->next(std::move(response));
        if (auto* done = std::get_if<service::SaslExchange::Signed>(&outcome))
            co_return std::move(done->mailbox);
        if (auto* refused = std::get_if<service::SaslExchange::Refused>(&outcome))
            co_return fail(std::move(refused->error));
        say("+ " + text::base64(std::get<service::SaslExchange::Challenge>(outcome).bytes));
        MAIL_CO_TRY(auto line, co_await client_line(limit::smtp_auth_line));
        if (line == "*") // RFC 9051 §6.2.2: the client gives up
            co_return fail(ErrorCode::invalid, "cancelled");
        response = text::unbase64(line);
        wipe(line.data(), line.size());
        if (!response)
            co_return fail(ErrorCode::invalid, "the response is not base64");
    }
}

Task<Reply> Session::cmd_authenticate(const Command& command) {
    const auto& arguments = std::get<AuthenticateArguments>(command.body);
    auto mailbox = co_await run_exchange(arguments);
    if (state_ == State::ended)
        co_return Reply::none();
    co_return co_await end_sign_in(command, std::move(mailbox));
}

void Session::enable_condstore() { condstore_ = true; }

Task<Reply> Session::cmd_enable(const Command& command) {
    std::string enabled;
    for (const auto& capability : std::get<WordsArguments>(command.body).words) {
        // RFC 9051 §6.3.1: what is not known is ignored; ENABLED lists what this command newly enabled.
        bool* flag = capability == "IMAP4REV2"   ? &rev2_
                     : capability == "UTF8=ACCEPT" ? &utf8_accept_
                     : capability == "CONDSTORE" ? &condstore_
                     : capability == "QRESYNC"   ? &qresync_
                     : capability == "UIDONLY"   ? &uid_only_
                                                 : nullptr;
        if (flag == nullptr || *flag)
            continue;
        *flag = true;
        enabled += ' ';
        enabled += capability;
        condstore_ = condstore_ || qresync_; // RFC 7162 §3.2.3: QRESYNC brings CONDSTORE
    }
    say("* ENABLED" + enabled);
    co_return Reply::ok("ENABLE completed");
}

} // namespace mail::imap
