// Opening a session: greeting, EHLO, STARTTLS, AUTH.
#include "common/base/text.hpp"
#include "common/sasl/client.hpp"
#include "maild/smtp_client/session.hpp"

namespace mail::smtp_client {
namespace {

constexpr int most_auth_steps = 10;

/// Sign-in and policy trouble of a relay is the administrator's to mend: the mail waits meanwhile.
Outcome softened(Outcome outcome) {
    if (outcome.verdict == Verdict::permanent) {
        outcome.verdict = Verdict::temporary;
        outcome.status[0] = '4';
    }
    return outcome;
}

/// A reply that was to open the session and does not.
Outcome not_open(const smtp::Reply& reply, std::string_view verb) {
    if (reply.is_positive())
        return own_outcome("4.5.0", "unexpected answer to " + std::string(verb) + ": " + reply.text());
    return softened(outcome_of(reply));
}

Outcome opened() { return own_outcome("2.0.0", "open"); }

} // namespace

Task<Opened> Session::open() {
    Opened result;
    if (options_.implicit_tls) {
        result = co_await handshake();
        if (!result.outcome.is_delivered()) {
            close();
            co_return result;
        }
    }
    result.outcome = co_await greet();
    if (result.outcome.is_delivered())
        result.outcome = co_await hello();
    if (result.outcome.is_delivered())
        result = co_await secure();
    if (result.outcome.is_delivered() && !options_.user.empty())
        result.outcome = co_await sign_in();
    if (result.outcome.is_delivered())
        usable_ = true;
    else
        close();
    co_return result;
}

Task<Outcome> Session::greet() {
    auto reply = co_await read_reply(options_.timeouts.greeting);
    if (!reply)
        co_return outcome_of(reply.error(), "waiting for the greeting");
    if (reply->code == 220)
        co_return opened();
    // RFC 7504 §3: 521, this host never takes mail. Any other refusal may pass, or another host may do better.
    co_return reply->code == 521 ? outcome_of(*reply) : not_open(*reply, "connect");
}

Task<Outcome> Session::hello() {
    capabilities_ = Capabilities{};
    const std::string ehlo = smtp::serialize(smtp::Ehlo{options_.ehlo});
    auto reply = co_await ask(ehlo, options_.timeouts.ehlo);
    if (!reply)
        co_return outcome_of(reply.error(), "after EHLO");
    if (reply->code == 250) {
        capabilities_ = read_capabilities(*reply);
        co_return opened();
    }
    if (!reply->is_permanent())
        co_return not_open(*reply, "EHLO");
    // RFC 5321 §3.2: a server that does not know EHLO is greeted with HELO.
    const std::string helo = smtp::serialize(smtp::Helo{options_.ehlo});
    auto old = co_await ask(helo, options_.timeouts.ehlo);
    if (!old)
        co_return outcome_of(old.error(), "after HELO");
    if (old->code == 250)
        co_return opened();
    co_return not_open(*old, "HELO");
}

Task<Opened> Session::secure() {
    const bool wanted = options_.tls != TlsPolicy::none && stream_->tls() == nullptr;
    const bool must = requires_tls(options_.tls);
    Opened result;
    result.outcome = opened();
    if (!wanted)
        co_return result;
    if (!capabilities_.starttls || options_.tls_client == nullptr) {
        result.tls_missing = true;
        // RFC 3463 §3.8, 4.7.4: security features not supported. Never in clear text where TLS is asked for (faults O02).
        if (must)
            result.outcome = own_outcome("4.7.4", "TLS is required but the server does not offer STARTTLS");
        co_return result;
    }
    auto reply = co_await ask("STARTTLS\r\n", options_.timeouts.ehlo);
    if (!reply) {
        result.outcome = outcome_of(reply.error(), "after STARTTLS");
        co_return result;
    }
    if (reply->code != 220) {
        result.tls_missing = true;
        if (must || reply->code == 421)
            result.outcome = own_outcome("4.7.4", "TLS is required but STARTTLS was refused: " + reply->text());
        co_return result;
    }
    // RFC 3207 §4.2: nothing that came before the handshake counts after it (faults O01, CVE-2021-38371).
    if (!reader_.buffered().empty()) {
        result.outcome = own_outcome("4.7.0", "the server sent more before the TLS handshake; the connection was dropped");
        co_return result;
    }
    result = co_await handshake();
    if (result.outcome.is_delivered())
        result.outcome = co_await hello(); // RFC 3207 §4.2: what was offered before is forgotten
    co_return result;
}

Task<Opened> Session::handshake() {
    Opened result;
    if (options_.tls_client == nullptr) {
        result.outcome = own_outcome("4.7.4", "TLS is not set up here");
        co_return result;
    }
    net::TlsExpectation expectation;
    expectation.server_name = options_.server_name;
    expectation.require_valid = requires_certificate(options_.tls);
    expectation.further_names = options_.further_names;
    if (options_.tls == TlsPolicy::dane)
        expectation.tlsa = options_.tlsa;
    stream_->set_timeout(options_.timeouts.tls);
    auto done = co_await stream_->start_tls(*options_.tls_client, std::move(expectation));
    if (!done) {
        note("*", "TLS handshake failed: " + done.error().message);
        result.tls_failed = true;
        // RFC 3463 §3.8, 4.7.5: cryptographic failure.
        result.outcome = own_outcome("4.7.5", "TLS handshake failed: " + text::escape(done.error().message));
        co_return result;
    }
    const net::TlsInfo* info = stream_->tls();
    if (requires_certificate(options_.tls) && (info == nullptr || !info->verified)) {
        result.outcome = own_outcome("4.7.5", "the server's certificate is not trusted: " +
                                                  (info == nullptr ? std::string() : text::escape(info->verify_error)));
        co_return result;
    }
    note("*", "TLS " + (info == nullptr ? std::string() : info->version + " " + info->cipher +
                                                          (info->by_dane    ? ", verified by DANE"
                                                           : info->verified ? ", verified"
                                                                            : ", not verified: " + text::escape(info->verify_error))));
    result.outcome = opened();
    co_return result;
}

Task<Outcome> Session::sign_in() {
    const bool encrypted = stream_->tls() != nullptr;
    // A password in clear text only where the administrator ruled TLS out, or the bytes never leave the machine.
    const bool plaintext = encrypted || options_.tls == TlsPolicy::none || stream_->peer().loopback;
    const std::vector<std::string_view> offered(capabilities_.auth.begin(), capabilities_.auth.end());
    sasl::Credentials credentials;
    credentials.username = options_.user;
    credentials.password = std::string(options_.password.reveal());
    auto mechanism = sasl::choose_client_mechanism(offered, std::move(credentials), plaintext);
    if (!mechanism)
        co_return own_outcome("4.7.0", capabilities_.auth.empty() ? "the relay offers no sign-in"
                                                                   : "the relay offers no sign-in that is safe here");
    co_return co_await exchange(*mechanism);
}

Task<Outcome> Session::exchange(sasl::ClientMechanism& mechanism) {
    smtp::Auth auth;
    auth.mechanism = mechanism.name();
    if (auto initial = mechanism.initial())
        auth.initial = text::base64(*initial);
    note("C", "AUTH " + auth.mechanism + " ***");
    std::string line = smtp::serialize(std::move(auth));
    for (int step = 0; step < most_auth_steps; ++step) {
        auto written = co_await write(line, options_.timeouts.auth);
        if (!written)
            co_return outcome_of(written.error(), "during sign-in");
        auto reply = co_await read_reply(options_.timeouts.auth);
        if (!reply)
            co_return outcome_of(reply.error(), "during sign-in");
        if (reply->code == 235) {
            if (mechanism.is_complete())
                co_return opened();
            co_return own_outcome("4.7.0", "the relay did not prove that it knows the password");
        }
        if (reply->code != 334)
            co_return reply->is_positive() ? own_outcome("4.5.0", "unexpected answer to AUTH: " + reply->text())
                                           : softened(outcome_of(*reply));
        const auto challenge = text::unbase64(reply->lines.front());
        Result<std::string> answer = fail(ErrorCode::invalid, "the relay's challenge is not base64");
        if (challenge && options_.pool != nullptr) {
            std::function<Result<std::string>()> job = [&mechanism, &challenge] { return mechanism.step(*challenge); };
            answer = co_await options_.pool->run<std::string>(std::move(job));
        } else if (challenge) {
            answer = mechanism.step(*challenge);
        }
        if (!answer)
            co_return own_outcome("4.7.0", "sign-in failed: " + text::escape(answer.error().message));
        line = text::base64(*answer) + "\r\n";
    }
    co_return own_outcome("4.7.0", "sign-in does not end");
}

} // namespace mail::smtp_client
