#include "common/async/signal.hpp"
#include "common/net/connect.hpp"
#include "common/net/tls_context.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <thread>

#include <malloc.h>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

TlsCertificate certificate(const std::vector<std::string>& names) {
    auto pair = make_self_signed(names, 30);
    REQUIRE(pair);
    return {{}, pair->cert_pem, pair->key_pem};
}

std::unique_ptr<TlsServer> server_with(std::vector<TlsCertificate> certificates, std::vector<std::string> alpn = {}) {
    auto server = TlsServer::create(std::move(certificates), std::move(alpn));
    REQUIRE(server);
    return std::move(server).value();
}

std::unique_ptr<TlsClient> client_trusting(const TempFolder& folder, const TlsCertificate& trusted,
                                           std::vector<std::string> alpn = {}) {
    const std::string path = folder.file("ca.pem");
    std::ofstream(path) << trusted.cert_pem;
    auto client = TlsClient::create({path, std::move(alpn)});
    REQUIRE(client);
    return std::move(client).value();
}

TlsExpectation expect_name(std::string name, bool require_valid) {
    TlsExpectation out;
    out.server_name = std::move(name);
    out.require_valid = require_valid;
    return out;
}

Task<void> make_pair_into(Listener& listener, Pair& pair) {
    auto made = co_await connect_pair(listener);
    pair = std::move(made);
}
Task<void> serve(Stream& stream, const TlsServer& server, Result<void>& out) {
    auto done = co_await stream.start_tls(server);
    out = std::move(done);
}
Task<void> join(Stream& stream, const TlsClient& client, TlsExpectation expectation, Result<void>& out) {
    auto done = co_await stream.start_tls(client, expectation);
    out = std::move(done);
}
Task<void> write_and_end(Stream& stream, std::string data) {
    const auto sent = co_await stream.write(data);
    CHECK(sent);
    co_await stream.shutdown();
}
Task<void> expect_all(Stream& stream, std::string expected) {
    const std::string all = co_await read_exactly(stream, expected.size() + 1);
    CHECK((all == expected));
}
Task<void> write_only(Stream& stream, std::string data) {
    const auto sent = co_await stream.write(data);
    CHECK(sent);
}

struct Handshake {
    Loop loop;
    std::unique_ptr<Listener> listener = open_loopback(loop.executor());
    Pair pair;
    Result<void> server_result;
    Result<void> client_result;
    Handshake() {
        loop.add(make_pair_into(*listener, pair));
        loop.run();
    }
    void run(const TlsServer& server, const TlsClient& client, TlsExpectation expectation) {
        pair.server->set_timeout(5s);
        pair.client->set_timeout(5s);
        loop.add(serve(*pair.server, server, server_result));
        loop.add(join(*pair.client, client, std::move(expectation), client_result));
        loop.run();
    }
};

} // namespace

TEST_CASE("a handshake with a trusted self-signed certificate, megabytes both ways, close_notify") {
    TempFolder folder;
    const auto own = certificate({"mail.example.test", "127.0.0.1"});
    const auto server = server_with({own});
    const auto client = client_trusting(folder, own);
    for (const std::string name : {"mail.example.test", "127.0.0.1"}) {
        Handshake h;
        h.run(*server, *client, expect_name(name, true));
        REQUIRE(h.server_result);
        REQUIRE(h.client_result);
        REQUIRE(h.pair.client->tls() != nullptr);
        CHECK(h.pair.client->tls()->verified);
        CHECK(h.pair.server->tls()->version == "TLSv1.3");
        CHECK(h.pair.server->tls()->server_name == (name == "127.0.0.1" ? "" : name)); // RFC 6066 §3: no addresses in SNI
        CHECK(h.pair.client->channel_binding().size() == 32);
        CHECK(h.pair.client->channel_binding() == h.pair.server->channel_binding());
        std::string data(1500000, 'x');
        for (std::size_t i = 0; i < data.size(); i += 11)
            data[i] = static_cast<char>(i);
        h.loop.add(write_and_end(*h.pair.client, data));
        h.loop.add(expect_all(*h.pair.server, data));
        h.loop.run();
        h.loop.add(write_and_end(*h.pair.server, data));
        h.loop.add(expect_all(*h.pair.client, data));
        h.loop.run();
    }
}

TEST_CASE("wrong names, unknown issuers and expired trust: refused when required, told when opportunistic") {
    TempFolder folder;
    const auto own = certificate({"mail.example.test"});
    const auto other = certificate({"mail.example.test"});
    const auto server = server_with({own});
    SECTION("wrong name, required") {
        const auto client = client_trusting(folder, own);
        Handshake h;
        h.run(*server, *client, expect_name("other.example.test", true));
        REQUIRE(!h.client_result);
        CHECK(h.client_result.error().message.find("hostname mismatch") != std::string::npos);
        CHECK(!h.server_result);
    }
    SECTION("unknown issuer, required") {
        const auto client = client_trusting(folder, other);
        Handshake h;
        h.run(*server, *client, expect_name("mail.example.test", true));
        CHECK(!h.client_result);
    }
    SECTION("opportunistic") {
        const auto client = client_trusting(folder, other);
        Handshake h;
        h.run(*server, *client, expect_name("mail.example.test", false));
        REQUIRE(h.client_result);
        CHECK(!h.pair.client->tls()->verified);
        CHECK(!h.pair.client->tls()->verify_error.empty());
    }
}

TEST_CASE("SNI chooses the certificate, replace() changes it for new handshakes only, ALPN must fit") {
    TempFolder folder;
    const auto first = certificate({"one.example.test"});
    const auto second = certificate({"*.two.example.test"});
    const auto third = certificate({"a.two.example.test"});
    const auto server = server_with({first, second});
    SECTION("exact, wildcard, default") {
        const auto trusts_second = client_trusting(folder, second);
        Handshake h;
        h.run(*server, *trusts_second, expect_name("a.two.example.test", true));
        REQUIRE(h.client_result);
        REQUIRE(server->replace({first, third}));
        h.loop.add(write_only(*h.pair.server, "old session"));
        h.loop.add([](Stream& s) -> Task<void> {
            const std::string got = co_await read_exactly(s, 11);
            CHECK(got == "old session");
        }(*h.pair.client));
        h.loop.run();
        Handshake old_trust;
        old_trust.run(*server, *trusts_second, expect_name("a.two.example.test", true));
        CHECK(!old_trust.client_result);
        const auto trusts_third = client_trusting(folder, third);
        Handshake new_trust;
        new_trust.run(*server, *trusts_third, expect_name("a.two.example.test", true));
        CHECK(new_trust.client_result);
        const auto trusts_first = client_trusting(folder, first);
        Handshake unknown;
        unknown.run(*server, *trusts_first, expect_name("one.example.test", true));
        CHECK(unknown.client_result);
    }
    SECTION("ALPN") {
        const auto imap = server->with_alpn({"imap"});
        const auto none = client_trusting(folder, first);
        const auto same = client_trusting(folder, first, {"http/1.1", "imap"});
        const auto other = client_trusting(folder, first, {"http/1.1"});
        Handshake a;
        a.run(*imap, *none, expect_name("one.example.test", true));
        CHECK(a.server_result);
        Handshake b;
        b.run(*imap, *same, expect_name("one.example.test", true));
        CHECK(b.server_result);
        Handshake c;
        c.run(*imap, *other, expect_name("one.example.test", true));
        CHECK(!c.server_result);
        CHECK(!c.client_result);
        REQUIRE(server->replace({second}));
        CHECK(imap->has_certificates());
        CHECK(imap->end_point_hash() == server->end_point_hash());
        CHECK(imap->end_point_hash().size() == 32);
    }
}

TEST_CASE("garbage, silence and a cut in the handshake end it") { // S61
    const auto server = server_with({certificate({"x.test"})});
    Handshake h;
    SECTION("garbage") {
        h.loop.add(write_only(*h.pair.client, "EHLO I am not TLS at all, this is plain text\r\n"));
        h.loop.add(serve(*h.pair.server, *server, h.server_result));
        h.loop.run();
        REQUIRE(!h.server_result);
        CHECK(h.server_result.error().code == ErrorCode::invalid);
    }
    SECTION("a record that never ends") {
        h.pair.server->set_timeout(50ms);
        h.loop.add(write_only(*h.pair.client, std::string("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc", 9) + std::string(100, 'x')));
        h.loop.add(serve(*h.pair.server, *server, h.server_result));
        h.loop.run();
        REQUIRE(!h.server_result);
        CHECK(h.server_result.error().code == ErrorCode::timeout);
    }
    SECTION("the peer goes away") {
        h.pair.client.reset();
        h.loop.add(serve(*h.pair.server, *server, h.server_result));
        h.loop.run();
        REQUIRE(!h.server_result);
        CHECK(h.server_result.error().code == ErrorCode::closed);
    }
    SECTION("no certificate") {
        const auto empty = server_with({});
        CHECK(!empty->has_certificates());
        h.loop.add(serve(*h.pair.server, *empty, h.server_result));
        h.loop.run();
        REQUIRE(!h.server_result);
        CHECK(h.server_result.error().code == ErrorCode::unavailable);
    }
}

TEST_CASE("an end without close_notify is no clean end") {
    TempFolder folder;
    const auto own = certificate({"x.test"});
    const auto server = server_with({own});
    const auto client = client_trusting(folder, own);
    Handshake h;
    h.run(*server, *client, expect_name("x.test", true));
    REQUIRE(h.client_result);
    h.pair.client->close(); // TCP FIN only
    h.loop.add([](Stream& s) -> Task<void> {
        char byte = 0;
        const std::span<char> room(&byte, 1);
        const auto got = co_await s.read_some(room);
        REQUIRE(!got);
        CHECK(got.error().code == ErrorCode::closed);
    }(*h.pair.server));
    h.loop.run();
}

TEST_CASE("certificates are read and made") {
    const auto pair = make_self_signed({"mail.example.test", "*.example.test", "192.0.2.1", "2001:db8::1"}, 90);
    REQUIRE(pair);
    const auto info = certificate_info(pair->cert_pem);
    REQUIRE(info);
    CHECK(info->names == std::vector<std::string>{"mail.example.test", "*.example.test", "192.0.2.1", "2001:db8::1"});
    CHECK(info->self_signed);
    CHECK(info->fingerprint.size() == 64);
    CHECK(info->subject == "CN=mail.example.test");
    CHECK(info->not_after - info->not_before > std::chrono::hours(24 * 90));
    CHECK(check_key_pair(pair->cert_pem, pair->key_pem));
    const auto other = make_self_signed({"x"}, 1);
    CHECK(!check_key_pair(pair->cert_pem, other->key_pem));
    CHECK(!check_key_pair(pair->cert_pem, "nonsense"));
    CHECK(!check_key_pair("nonsense", pair->key_pem));
    CHECK(!certificate_info(""));
    CHECK(!make_self_signed({}, 1));
    CHECK(!make_self_signed({"a,DNS:b"}, 1));
    CHECK(!make_self_signed({"a:b"}, 1));
    CHECK(!make_self_signed({"a"}, 0));
    CHECK(!TlsServer::create({{{}, pair->cert_pem, other->key_pem}}));
    CHECK(!TlsClient::create({"/nonexistent", {}}));
}

namespace {

/// Serves `count` connections one after the other with one line each.
Task<void> serve_lines(Listener& listener, const TlsServer& server, int count) {
    for (int i = 0; i < count; ++i) {
        auto accepted = co_await listener.accept();
        REQUIRE(accepted);
        auto stream = std::move(accepted).value();
        stream->set_timeout(5s);
        const auto secured = co_await stream->start_tls(server);
        if (!secured)
            continue;
        const auto sent = co_await stream->write("HTTP/1.0 200 OK\r\n\r\nhello\n");
        (void)sent;
        co_await stream->shutdown();
    }
}

std::string run_command(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    char buffer[4096];
    for (std::size_t got = 0; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        out.append(buffer, got);
    ::pclose(pipe);
    return out;
}

} // namespace

TEST_CASE("openssl s_client resumes sessions by ticket, refuses old versions, and curl trusts the certificate") {
    TempFolder folder;
    const auto own = certificate({"localhost", "127.0.0.1"});
    std::ofstream(folder.file("ca.pem")) << own.cert_pem;
    const auto server = server_with({own, certificate({"other.test"})});
    Loop loop;
    auto listener = open_loopback(loop.executor());
    const std::string at = "127.0.0.1:" + std::to_string(listener->port());
    std::string script;
    for (const std::string version : {"-tls1_3", "-tls1_2"}) {
        const std::string base = "openssl s_client -connect " + at + " -servername localhost " + version + " -CAfile " +
                                 folder.file("ca.pem") + " -verify_return_error ";
        script += "sleep 0.3 | " + base + "-sess_out " + folder.file("session") + "; sleep 0.3 | " + base + "-sess_in " +
                  folder.file("session") + "; echo ======; ";
    }
    script += "sleep 0.2 | openssl s_client -connect " + at + " -tls1_1 -cipher ALL:@SECLEVEL=0; echo ======; ";
    script += "curl -sS --cacert " + folder.file("ca.pem") + " https://localhost:" + std::to_string(listener->port()) + "/";
    std::string output;
    std::thread other([&output, &script] { output = run_command(script); });
    loop.add(serve_lines(*listener, *server, 6));
    loop.run();
    other.join();
    const auto count = [&output](const std::string& word) {
        int found = 0;
        for (std::size_t at_ = output.find(word); at_ != std::string::npos; at_ = output.find(word, at_ + 1))
            ++found;
        return found;
    };
    INFO(output);
    CHECK(count("Reused, TLSv1.3") == 1);
    CHECK(count("Reused, TLSv1.2") == 1);
    CHECK(count("New, TLSv1.3") == 1);
    CHECK(count("Verify return code: 0 (ok)") >= 4);
    CHECK(output.ends_with("hello\n"));
}

TEST_CASE("an idle TLS connection takes less than 96 KiB at each end") {
    TempFolder folder;
    const auto own = certificate({"x.test"});
    const auto server = server_with({own});
    const auto client = client_trusting(folder, own);
    std::vector<std::unique_ptr<Handshake>> open;
    open.push_back(std::make_unique<Handshake>()); // what is made once
    open.back()->run(*server, *client, expect_name("x.test", true));
    const std::size_t before = ::mallinfo2().uordblks;
    constexpr std::size_t count = 50;
    for (std::size_t i = 0; i < count; ++i) {
        open.push_back(std::make_unique<Handshake>());
        open.back()->run(*server, *client, expect_name("x.test", true));
        REQUIRE(open.back()->server_result);
        open.back()->loop.add(write_only(*open.back()->pair.client, "hello"));
        open.back()->loop.add([](Stream& s) -> Task<void> {
            const std::string got = co_await read_exactly(s, 5);
            CHECK(got == "hello");
        }(*open.back()->pair.server));
        open.back()->loop.run();
    }
    const std::size_t after = ::mallinfo2().uordblks; // 0 under sanitizers
    const std::size_t each = after > before ? (after - before) / count : 0;
    INFO(each << " bytes for both ends and their loop");
    CHECK(each < 2 * 96 * 1024);
}
