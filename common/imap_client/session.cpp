#include "common/imap_client/session.hpp"

#include "common/base/text.hpp"
#include "common/net/tls_context.hpp"
#include "common/sasl/client.hpp"

namespace mail::imap_client {
namespace {

constexpr std::uint64_t most_responses = 20000000; // to one command: more messages than any folder has
constexpr std::size_t most_kept = 50000;          // of command(), which keeps them
constexpr int most_rounds = 10;                    // of a SASL exchange

} // namespace

Session::Session(std::unique_ptr<net::Stream> stream, Duration timeout, ResponseLimits limits)
    : stream_(std::move(stream)), reader_(*stream_), framer_(limits), timeout_(timeout) {}

bool Session::has(std::string_view capability) const { return capabilities_.contains(text::to_upper(capability)); }

void Session::note_capabilities(std::string_view words) {
    capabilities_.clear();
    for (const auto word : text::split(words, ' '))
        if (!word.empty() && capabilities_.size() < 500)
            capabilities_.insert(text::to_upper(word));
}

Task<Result<void>> Session::send(std::string command) {
    tag_ = "m" + std::to_string(++commands_);
    responses_ = 0;
    stream_->set_timeout(timeout_);
    const std::string line = tag_ + " " + command + "\r\n";
    co_return co_await stream_->write(line);
}

Task<Result<Response>> Session::next() {
    if (++responses_ > most_responses)
        co_return fail(ErrorCode::too_large, "the server does not come to an end");
    stream_->set_timeout(timeout_);
    for (;;) {
        MAIL_CO_TRY(const auto end, framer_.find_end(reader_.buffered()));
        if (end) {
            auto response = parse_response(reader_.buffered().substr(0, *end));
            reader_.consume(*end);
            if (response && response->is("BYE") && response->kind == Response::Kind::untagged)
                co_return fail(ErrorCode::unavailable, "the server ends the session: " + text::escape(response->text, 200));
            co_return response;
        }
        if (framer_.missing() > 65536)
            stream_->set_timeout(timeout_ + std::chrono::seconds(framer_.missing() / 65536));
        const auto more = co_await reader_.fill(65536);
        if (!more)
            co_return fail(more.error());
        if (!*more)
            co_return fail(ErrorCode::closed, "the server closed the connection");
    }
}

Result<void> Session::outcome(const Response& tagged) {
    if (tagged.is("OK"))
        return {};
    const auto words = text::escape((tagged.code.empty() ? "" : "[" + tagged.code + "] ") + tagged.text, 300);
    return fail(tagged.is("NO") ? ErrorCode::denied : ErrorCode::invalid, "the server answers " + text::escape(tagged.name, 20) + ": " + words);
}

Task<Result<std::vector<Response>>> Session::command(std::string command) {
    MAIL_CO_DO(co_await send(std::move(command)));
    std::vector<Response> out;
    for (;;) {
        MAIL_CO_TRY(auto response, co_await next());
        if (is_end(response)) {
            MAIL_CO_DO(outcome(response));
            out.push_back(std::move(response));
            co_return out;
        }
        if (out.size() >= most_kept)
            co_return fail(ErrorCode::too_large, "the server's answer does not come to an end");
        out.push_back(std::move(response));
    }
}

Task<Result<void>> Session::secure(const OpenOptions& options) {
    net::TlsExpectation expectation;
    expectation.server_name = options.host;
    expectation.require_valid = options.verify;
    co_return co_await stream_->start_tls(*options.client, std::move(expectation));
}

Task<Result<void>> Session::learn_capabilities() {
    MAIL_CO_TRY(const auto responses, co_await command("CAPABILITY"));
    for (const auto& response : responses)
        if (response.is("CAPABILITY")) {
            std::string words;
            for (const auto& value : response.values)
                words += value.text + " ";
            note_capabilities(words);
        }
    co_return Result<void>{};
}

Task<Result<void>> Session::open(const OpenOptions& options) {
    stream_->set_timeout(timeout_);
    if (options.tls == TlsMode::implicit) {
        MAIL_CO_DO(co_await secure(options));
    }
    MAIL_CO_TRY(const auto greeting, co_await next());
    if (greeting.kind != Response::Kind::untagged || (!greeting.is("OK") && !greeting.is("PREAUTH")))
        co_return fail(ErrorCode::invalid, "the server does not greet as IMAP does");
    if (options.tls == TlsMode::starttls) {
        if (greeting.is("PREAUTH")) // RFC 9051 §11.1: somebody between may have put it there to keep TLS away
            co_return fail(ErrorCode::unsupported, "the server greets with PREAUTH, which leaves no room for STARTTLS");
        MAIL_CO_DO(co_await command("STARTTLS"));
        if (!reader_.buffered().empty()) // RFC 9051 §6.2.1: nothing said before TLS counts within it
            co_return fail(ErrorCode::invalid, "the server goes on talking in the clear after STARTTLS");
        MAIL_CO_DO(co_await secure(options));
    }
    MAIL_CO_DO(co_await learn_capabilities());
    if (!greeting.is("PREAUTH")) {
        MAIL_CO_DO(co_await sign_in(options));
        MAIL_CO_DO(co_await learn_capabilities()); // they differ after sign-in
    }
    co_return Result<void>{};
}

Task<Result<void>> Session::sign_in(const OpenOptions& options) {
    if (has("AUTH=SCRAM-SHA-256") || has("LOGINDISABLED"))
        co_return co_await authenticate(options);
    co_return co_await log_in(options);
}

Task<Result<void>> Session::log_in(const OpenOptions& options) {
    const auto user = quoted(options.user);
    const auto password = quoted(options.password.reveal());
    if (!user || !password)
        co_return co_await authenticate(options); // no quoted string can hold them
    auto answer = co_await command("LOGIN " + *user + " " + *password);
    if (!answer)
        co_return fail(answer.error().code == ErrorCode::denied ? ErrorCode::unauthorized : answer.error().code, answer.error().message);
    co_return Result<void>{};
}

Task<Result<void>> Session::authenticate(const OpenOptions& options) {
    std::vector<std::string_view> offered;
    for (const auto& word : capabilities_)
        if (word.starts_with("AUTH="))
            offered.push_back(std::string_view(word).substr(5));
    sasl::Credentials credentials{options.user, std::string(options.password.reveal()), ""};
    const auto mechanism = sasl::choose_client_mechanism(offered, std::move(credentials), true);
    if (!mechanism)
        co_return fail(ErrorCode::unsupported, "the server offers no way to sign in that is known here");
    MAIL_CO_DO(co_await send("AUTHENTICATE " + std::string(mechanism->name())));
    auto pending = mechanism->initial();
    for (int round = 0; round < most_rounds; ++round) {
        MAIL_CO_TRY(const auto response, co_await next());
        if (is_end(response)) {
            if (!response.is("OK"))
                co_return fail(ErrorCode::unauthorized, outcome(response).error().message);
            if (!mechanism->is_complete())
                co_return fail(ErrorCode::unauthorized, "the server does not prove that it knows the password");
            co_return Result<void>{};
        }
        if (response.kind != Response::Kind::continuation)
            continue;
        if (!pending) {
            const auto challenge = text::unbase64(response.text);
            auto answer = challenge ? mechanism->step(*challenge) : Result<std::string>(fail(ErrorCode::invalid, "a challenge is no base64"));
            if (!answer)
                co_return fail(ErrorCode::unauthorized, "the server cannot be trusted: " + answer.error().message);
            pending = std::move(*answer);
        }
        const std::string line = text::base64(*pending) + "\r\n";
        pending.reset();
        MAIL_CO_DO(co_await stream_->write(line));
    }
    co_return fail(ErrorCode::invalid, "the sign-in does not come to an end");
}

Task<void> Session::logout() {
    const auto sent = co_await send("LOGOUT");
    static_cast<void>(sent);
    co_await stream_->shutdown();
}

} // namespace mail::imap_client
