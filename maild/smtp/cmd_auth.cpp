// AUTH (RFC 4954): base64 and "*" are here, the exchange itself is in service/sign_in.
#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

namespace mail::smtp {

Task<void> Session::cmd_auth(Command command) {
    const Auth& auth = std::get<Auth>(command);
    if (!profile_.is_submission()) {
        co_await refuse(502, "5.5.1", "AUTH is not offered");
        co_return;
    }
    if (!offers_auth()) {
        co_await refuse(538, "5.7.11", "Encryption required: use STARTTLS first");
        co_return;
    }
    if (mailbox_ || !extended_) { // RFC 4954 §4: once per session, and only after EHLO
        const std::string_view why = mailbox_ ? "Already signed in" : "Say EHLO first";
        co_await refuse(503, "5.5.1", why);
        co_return;
    }
    std::optional<std::string> response;
    if (auth.initial) {
        response = text::unbase64(*auth.initial);
        if (!response) {
            co_await refuse(501, "5.5.2", "Not base64");
            co_return;
        }
    }
    const service::Caller caller{service::Protocol::submission, stream_.peer().address, id_, stream_.tls() != nullptr,
                                 stream_.channel_binding()};
    const auto started = services_.sign_in.begin(auth.mechanism, caller, true);
    if (!started) {
        co_await refuse(504, "5.5.4", "Mechanism not offered");
        co_return;
    }
    co_await exchange(*started, std::move(response));
}

Task<void> Session::exchange(service::SaslExchange& exchange, std::optional<std::string> response) {
    constexpr int most_rounds = 10;
    for (int round = 0; round < most_rounds; ++round) {
        auto outcome = co_await exchange.next(std::move(response));
        if (auto* done = std::get_if<service::SaslExchange::Signed>(&outcome)) {
            mailbox_ = std::move(done->mailbox);
            story_.signed_in(mailbox_->address, services_.delivery.clock().now());
            service::Caller who{service::Protocol::submission, stream_.peer().address, id_, stream_.tls() != nullptr, {}};
            watch_ = services_.sign_in.watch(mailbox_, stream_.ender(), std::move(who));
            say(Reply(235, "2.7.0", "Signed in"));
            co_return;
        }
        if (auto* refused = std::get_if<service::SaslExchange::Refused>(&outcome)) {
            co_await sign_in_failed(std::move(refused->error));
            co_return;
        }
        response = co_await ask(std::move(std::get<service::SaslExchange::Challenge>(outcome).bytes));
        if (!response)
            co_return;
    }
    Error error{ErrorCode::invalid, "too many rounds", ""};
    co_await sign_in_failed(std::move(error));
}

Task<std::optional<std::string>> Session::ask(std::string challenge) {
    say(Reply(334, "", text::base64(challenge)));
    std::string line;
    const auto status = co_await next_line(line, true);
    if (closing_)
        co_return std::nullopt;
    if (status != LineFramer::Status::line) {
        co_await answer_bad_line(status);
        co_return std::nullopt;
    }
    if (line == "*") { // RFC 4954 §4: the client cancels
        co_await refuse(501, "5.7.0", "Authentication cancelled");
        co_return std::nullopt;
    }
    auto response = text::unbase64(line);
    wipe(line.data(), line.size());
    if (!response) {
        co_await refuse(501, "5.5.2", "Not base64");
        co_return std::nullopt;
    }
    co_return response;
}

Task<void> Session::sign_in_failed(Error error) {
    if (error.code == ErrorCode::temporary) {
        say(Reply(454, "4.7.0", "Cannot check that now, try again later"));
        co_return;
    }
    ++failures_;
    story_.sign_in_failed(error.message, services_.delivery.clock().now());
    co_await flush();
    // This connection alone waits; nobody else is locked out by somebody's guesses (faults A10).
    co_await async::sleep_for(service::SignIn::failure_delay(failures_));
    Reply reply(535, "5.7.8", "Authentication failed");
    if (error.code == ErrorCode::denied)
        reply = Reply(535, "5.7.1", "This mailbox may not be used here");
    else if (error.code == ErrorCode::invalid)
        reply = Reply(501, "5.5.2", "Malformed authentication exchange");
    say(reply);
    if (failures_ >= limit::auth_failures) {
        log(Event::limit_hit, {{"sid", id_}, {"limit", "auth_failures"}, {"peer", stream_.peer().address}});
        close_with(Reply(421, "4.7.0", "Too many failed sign-ins"));
    }
}

} // namespace mail::smtp
