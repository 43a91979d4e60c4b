// The client session over real sockets and real TLS, and how fast the queue relays.
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/net/bind.hpp"
#include "common/net/connect.hpp"
#include "common/net/listener.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/conversation.hpp"

#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace mail;
using namespace mail::test;
using smtp_client::TlsPolicy;
using namespace std::chrono_literals;

namespace {

struct Call {
    Script script;
    smtp_client::SessionOptions options;
    const net::TlsClient* tls = nullptr;
    bool require_tls = false;
    // What came of it.
    smtp_client::Opened opened;
    smtp_client::Sent sent;
    bool encrypted = false;
    bool verified = false;
    Seen seen;
};

Result<std::unique_ptr<net::Listener>> listen_somewhere(const async::Executor& executor) {
    for (int i = 0; i < 200; ++i) {
        net::BindAddress address;
        address.address = "127.0.0.1";
        address.port = static_cast<std::uint16_t>(20'000 + (getpid() * 7 + i) % 10'000);
        auto listener = net::Listener::open(executor, address);
        if (listener)
            return listener;
    }
    return fail(ErrorCode::unavailable, "no free port");
}

Task<void> serve_one(net::Listener& listener, Script script, Seen& seen) {
    auto stream = co_await listener.accept();
    if (stream)
        co_await play(std::move(*stream), std::move(script), seen);
}

Task<void> call(Call& c) {
    auto executor = co_await boost::asio::this_coro::executor;
    auto listener = listen_somewhere(executor);
    REQUIRE(listener);
    async::TaskGroup group;
    group.spawn(executor, serve_one(**listener, c.script, c.seen));
    auto stream = co_await net::connect_tcp("127.0.0.1", (*listener)->port(), 2s);
    REQUIRE(stream);
    c.options.tls_client = c.tls;
    smtp_client::Session session(std::move(*stream), c.options);
    c.opened = co_await session.open();
    if (c.opened.outcome.is_delivered()) {
        c.encrypted = session.tls() != nullptr;
        c.verified = c.encrypted && session.tls()->verified;
        auto message = message_to({"bob@remote.test"});
        message.require_tls = c.require_tls;
        smtp_client::StringSource source(std::make_shared<const std::string>("Subject: t\r\n\r\nx\r\n"));
        c.sent = co_await session.send(message, source);
    }
    co_await session.quit();
    (*listener)->close();
    while (group.size() > 0)
        co_await async::sleep_for(1ms);
}

Script tls_script() {
    return {say("220 mx"), line("EHLO"), raw("250-mx\r\n250 STARTTLS\r\n"), line("STARTTLS"), say("220 go"), tls(),
            line("EHLO"), raw("250-mx\r\n250 PIPELINING\r\n"), line("MAIL"), line("RCPT"), line("DATA"),
            raw("250 ok\r\n250 ok\r\n354 go\r\n"), data(), say("250 2.0.0 ok"), line("QUIT"), say("221 bye")};
}

/// A client that trusts the scripted server's certificate alone.
std::unique_ptr<net::TlsClient> trusting_client() {
    const std::string path = "/tmp/queue-test-ca-" + std::to_string(getpid()) + ".pem";
    std::ofstream(path) << tls_identity().cert_pem;
    net::TlsClientOptions options;
    options.ca_file = path;
    auto client = net::TlsClient::create(options);
    std::remove(path.c_str());
    REQUIRE(client);
    return std::move(*client);
}

} // namespace

// Faults O03
TEST_CASE("certificates nobody vouches for: used when opportunistic or required, refused when verified") {
    const auto system = net::TlsClient::create();
    REQUIRE(system);
    for (const TlsPolicy policy : {TlsPolicy::opportunistic, TlsPolicy::required}) {
        Call c;
        c.script = tls_script();
        c.options.tls = policy;
        c.options.server_name = "mx.remote.test";
        c.tls = system->get();
        async::run_until_done(call(c));
        CHECK(c.encrypted);
        CHECK_FALSE(c.verified);
        REQUIRE(c.sent.outcomes.size() == 1);
        CHECK(c.sent.outcomes[0].is_delivered());
    }
    Call strict;
    strict.script = tls_script();
    strict.options.tls = TlsPolicy::verified;
    strict.options.server_name = "mx.remote.test";
    strict.tls = system->get();
    async::run_until_done(call(strict));
    CHECK(brief(strict.opened.outcome) == "temporary 0 4.7.5");
    CHECK(strict.seen.contents.empty());
}

TEST_CASE("verified TLS wants a trusted certificate with the right name") {
    const auto client = trusting_client();
    for (const bool right : {true, false}) {
        Call c;
        c.script = tls_script();
        c.options.tls = TlsPolicy::verified;
        c.options.server_name = right ? "mx.remote.test" : "other.test";
        c.tls = client.get();
        async::run_until_done(call(c));
        CHECK(c.opened.outcome.is_delivered() == right);
        CHECK(c.verified == right);
    }
}

// RFC 7672 §3.1.1: with DANE-EE the record alone decides, whatever the name and the CAs.
TEST_CASE("DANE: the certificate that its TLSA record names, and no other") {
    const auto system = net::TlsClient::create();
    REQUIRE(system);
    std::string body = tls_identity().cert_pem;
    body = body.substr(body.find('\n') + 1);
    body = body.substr(0, body.find("-----END"));
    std::erase(body, '\n');
    const auto der = text::unbase64(body);
    REQUIRE(der);
    for (const bool right : {true, false}) {
        Call c;
        c.script = tls_script();
        c.options.tls = TlsPolicy::dane;
        c.options.server_name = "mx.elsewhere.test";
        c.options.tlsa = {{3, 0, 1, right ? crypto::sha256(*der) : std::string(32, 'x')}};
        c.tls = system->get();
        async::run_until_done(call(c));
        CHECK(c.opened.outcome.is_delivered() == right);
        CHECK(c.verified == right);
        CHECK(c.opened.tls_failed == !right);
    }
}

// RFC 8689 §4.2.1
TEST_CASE("REQUIRETLS leaves to a verified host that is certainly the right one and offers it") {
    const auto client = trusting_client();
    for (const bool sure : {true, false}) {
        Call c;
        c.script = tls_script();
        c.script[7] = raw("250-mx\r\n250-PIPELINING\r\n250 REQUIRETLS\r\n");
        c.options.tls = TlsPolicy::verified;
        c.options.server_name = "mx.remote.test";
        c.options.trusted_host = sure;
        c.tls = client.get();
        c.require_tls = true;
        async::run_until_done(call(c));
        REQUIRE(c.sent.outcomes.size() == 1);
        CHECK(c.sent.outcomes[0].is_delivered() == sure);
        if (sure)
            CHECK(c.seen.lines.at(3) == "MAIL FROM:<ann@example.test> REQUIRETLS");
        else
            CHECK(c.sent.outcomes[0].status == "5.7.30");
    }
}

TEST_CASE("a silent server over a socket, and one that resets") {
    Call silent;
    silent.script = {silence()};
    silent.options.timeouts.greeting = 100ms;
    async::run_until_done(call(silent));
    CHECK(brief(silent.opened.outcome) == "temporary 0 4.4.2");
    Call reset;
    reset.script = {say("220 mx"), line("EHLO"), say("250 mx"), line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"),
                    line("DATA"), say("354 go"), data(), cut()};
    async::run_until_done(call(reset));
    REQUIRE(reset.sent.outcomes.size() == 1);
    CHECK(reset.sent.outcomes[0].verdict == smtp_client::Verdict::temporary);
}
