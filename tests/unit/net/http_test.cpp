#include "common/net/http.hpp"
#include "common/net/memory_stream.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <algorithm>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

class CountingSource final : public HttpBodySource {
  public:
    explicit CountingSource(bool fail_at_end) : fail_(fail_at_end) {}
    Task<Result<void>> run(HttpBodyWriter& out) override {
        for (int i = 0; i < 3; ++i) {
            const std::string line = "{\"n\":" + std::to_string(i) + "}\n";
            MAIL_CO_DO(co_await out.write(line));
        }
        if (fail_)
            co_return fail(ErrorCode::internal, "cut");
        co_return Result<void>{};
    }

  private:
    bool fail_;
};

/// Answers with what it understood.
class Echo final : public HttpHandler {
  public:
    Task<HttpResponse> handle(HttpRequest request) override {
        ++handled;
        HttpResponse response;
        if (request.path == "/stream" || request.path == "/cut") {
            response.source = std::make_unique<CountingSource>(request.path == "/cut");
            co_return response;
        }
        if (request.path == "/none") {
            response.status = 204;
            co_return response;
        }
        response.headers.set("X-Evil", "a\r\nInjected: yes");
        response.body = request.method + "|";
        for (const auto& segment : request.segments)
            response.body += segment + "|";
        for (const auto& [name, value] : request.query)
            response.body += name + "=" + value + "|";
        response.body += request.body;
        if (request.path == "/big")
            response.body = std::string(200000, 'b');
        co_return response;
    }
    std::size_t body_limit(const HttpRequest&) const override { return 1000; }
    std::optional<HttpResponse> reject(const HttpRequest& head) override {
        if (head.path != "/secret")
            return std::nullopt;
        HttpResponse response;
        response.status = 401;
        return response;
    }
    int handled = 0;
};

struct Exchange {
    std::string output;
    int handled = 0;
    int responses = 0;
    [[nodiscard]] int status() const { return output.size() > 12 ? std::stoi(output.substr(9, 3)) : 0; }
    [[nodiscard]] bool has(const std::string& words) const { return output.find(words) != std::string::npos; }
};

Exchange exchange(const std::string& input, std::size_t cut = 1U << 20U) {
    Exchange result;
    Echo echo;
    const auto stream = make_script_stream(input, &result.output, [cut] { return cut; });
    async::run_until_done(serve_http(*stream, echo));
    result.handled = echo.handled;
    for (std::size_t at = result.output.find("HTTP/1.1 "); at != std::string::npos; at = result.output.find("HTTP/1.1 ", at + 1))
        ++result.responses;
    return result;
}

} // namespace

TEST_CASE("requests are understood however the bytes are cut, and connections are kept") {
    const std::string input = "GET /v1/mailboxes/ann%40example.org?limit=2&after=a%20b+c&x HTTP/1.1\r\nHost: a\r\n\r\n"
                              "\r\n" // RFC 9112 §2.2
                              "PUT /p HTTP/1.1\r\nhost: b\r\nContent-Length: 5\r\n\r\nhello"
                              "POST /c HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n"
                              "HEAD /h HTTP/1.1\r\nHost: d\r\n\r\n"
                              "GET /none HTTP/1.1\r\nHost: d\r\n\r\n"
                              "GET http://elsewhere.test/abs?q=1 HTTP/1.1\r\nHost: e\r\n\r\n"
                              "GET / HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n"
                              "GET /never HTTP/1.1\r\nHost: g\r\n\r\n";
    const auto whole = exchange(input);
    CHECK(whole.handled == 7);
    CHECK(whole.has("GET|v1|mailboxes|ann@example.org|limit=2|after=a b c|x=|"));
    CHECK(whole.has("PUT|p|hello"));
    CHECK(whole.has("POST|c|abc0123456789"));
    CHECK(whole.has("GET|abs|q=1|"));
    CHECK(!whole.has("HEAD|h|"));
    CHECK(whole.has("HTTP/1.1 204 No Content\r\n"));
    CHECK(whole.has("X-Evil: aInjected: yes\r\n"));
    CHECK(whole.has("Connection: close\r\n"));
    CHECK(!whole.has("never"));
    for (const std::size_t cut : {1UL, 2UL, 3UL, 17UL, 64UL}) {
        const auto pieces = exchange(input, cut);
        CHECK(pieces.handled == 7);
        CHECK(pieces.output.size() == whole.output.size());
    }
}

TEST_CASE("large and streamed bodies, HTTP/1.0, Expect, early rejection") {
    CHECK(exchange("GET /big HTTP/1.1\r\nHost: a\r\n\r\n").output.size() > 200000);
    const auto streamed = exchange("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(streamed.has("Transfer-Encoding: chunked\r\n\r\n8\r\n{\"n\":0}\n\r\n8\r\n{\"n\":1}\n\r\n8\r\n{\"n\":2}\n\r\n0\r\n\r\nHTTP/1.1 200"));
    const auto cut = exchange("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(cut.has("8\r\n{\"n\":2}\n\r\n"));
    CHECK(!cut.has("\r\n0\r\n"));
    const auto old = exchange("GET /stream HTTP/1.0\r\n\r\n");
    CHECK(old.has("Connection: close\r\n\r\n{\"n\":0}\n{\"n\":1}\n"));
    const auto kept = exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    CHECK(kept.handled == 2);
    CHECK(kept.has("Connection: keep-alive\r\n"));
    const auto expecting = exchange("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
    CHECK(expecting.output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    const auto rejected = exchange("PUT /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n");
    CHECK(rejected.status() == 401);
    CHECK(rejected.has("Connection: close"));
    CHECK(rejected.handled == 0);
    const auto polite = exchange("GET /secret HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(polite.handled == 1);
}

TEST_CASE("hostile requests get one refusal and the end of the connection") { // H01 H02 H04 H05 H16
    struct Row {
        const char* what;
        std::string input;
        int status;
    };
    const std::string host = "Host: a\r\n";
    const std::string get = "GET / HTTP/1.1\r\n" + host;
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto post = [&](const std::string& fields, const std::string& body) {
        return "POST / HTTP/1.1\r\n" + host + fields + "\r\n" + body;
    };
    std::string many;
    for (int i = 0; i < 20000; ++i)
        many += "a:\r\n";
    std::string hundred_one;
    for (int i = 0; i < 101; ++i)
        hundred_one += "a: b\r\n";
    const Row rows[] = {
        {"H01 CL and TE", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled), 400},
        {"H01 TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n" + smuggled), 400},
        {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        {"TE list", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 501},
        {"TE gzip", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
        {"TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"H02 two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
        {"H02 same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
        {"H02 list", post("Content-Length: 5, 6\r\n", "hello"), 400},
        {"H02 plus", post("Content-Length: +5\r\n", "hello"), 400},
        {"H02 hex", post("Content-Length: 0x5\r\n", "hello"), 400},
        {"H02 negative", post("Content-Length: -5\r\n", "hello"), 400},
        {"H02 huge", post("Content-Length: 99999999999999999999\r\n", "hello"), 400},
        {"H02 empty", post("Content-Length:\r\n", "hello"), 400},
        {"H14 announced too much", post("Content-Length: 1000000000\r\n", "x"), 413},
        {"chunked too much", post("Transfer-Encoding: chunked\r\n", "FFFF\r\n" + std::string(65535, 'x')), 413},
        {"chunk size nonsense", post("Transfer-Encoding: chunked\r\n", "xyz\r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk size overflow", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk without CR LF", post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"), 400},
        {"endless chunk extension", post("Transfer-Encoding: chunked\r\n", "3;" + std::string(100000, 'x')), 400},
        {"gzip body", post("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x"), 415},
        {"unknown expectation", post("Expect: a miracle\r\nContent-Length: 1\r\n", "x"), 417},
        {"H04 1 MB header", get + "X: " + std::string(1000000, 'x') + "\r\n\r\n", 431},
        {"H04 20000 headers", get + many + "\r\n", 431},
        {"H04 101 headers", "GET / HTTP/1.1\r\n" + host + hundred_one + "\r\n", 431},
        {"H04 1 MB request line", "GET /" + std::string(1000000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414},
        {"target over 8 KB", "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414},
        {"H05 traversal", "GET /../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 400},
        {"H05 encoded traversal", "GET /%2e%2e/etc/passwd HTTP/1.1\r\n" + host + "\r\n", 400},
        {"H05 NUL", "GET /a%00b HTTP/1.1\r\n" + host + "\r\n", 400},
        {"broken escape", "GET /a%zz HTTP/1.1\r\n" + host + "\r\n", 400},
        {"cut escape", "GET /a%2 HTTP/1.1\r\n" + host + "\r\n", 400},
        {"broken escape in query", "GET /a?b=%f HTTP/1.1\r\n" + host + "\r\n", 400},
        {"line break in path", "GET /a%0d%0ab HTTP/1.1\r\n" + host + "\r\n", 400},
        {"no path", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
        {"only a query", "GET ?@evil HTTP/1.1\r\n" + host + "\r\n", 400},
        {"fragment", "GET /#x HTTP/1.1\r\n" + host + "\r\n", 400},
        {"H16 TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", 501},
        {"H16 CONNECT", "CONNECT a:25 HTTP/1.1\r\n" + host + "\r\n", 501},
        {"H16 10 KB method", std::string(10000, 'M') + " / HTTP/1.1\r\n" + host + "\r\n", 501},
        {"H16 method no word", "G@T / HTTP/1.1\r\n" + host + "\r\n", 400},
        {"H16 HTTP/9.9", "GET / HTTP/9.9\r\n" + host + "\r\n", 505},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"H16 no version", "GET /\r\n" + host + "\r\n", 400},
        {"lower-case version", "GET / http/1.1\r\n" + host + "\r\n", 400},
        {"H16 LF only", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"LF in one line", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
        {"bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
        {"H16 obs-fold", get + "X: a\r\n b\r\n\r\n", 400},
        {"fold in the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"H16 space before colon", get + "X : a\r\n\r\n", 400},
        {"space before colon in length", post("Content-Length : 5\r\n", "hello"), 400},
        {"field without colon", get + "nonsense\r\n\r\n", 400},
        {"field without name", get + ": x\r\n\r\n", 400},
        {"control character", get + "X: a\x01" "b\r\n\r\n", 400},
        {"NUL in a field", get + std::string("X: a\0b\r\n\r\n", 10), 400},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
        {"tab", "GET\t/\tHTTP/1.1\r\n" + host + "\r\n", 400},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
        {"SMTP", "EHLO a\r\n\r\n", 400},
        {"eight-bit target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
        {"101 parameters", "GET /?" + std::string(101, '&') + " HTTP/1.1\r\n" + host + "\r\n", 400},
    };
    for (const auto& row : rows) {
        for (const std::size_t cut : {1U << 20U, 100U}) {
            const auto result = exchange(row.input, cut);
            INFO(row.what);
            CHECK(result.responses == 1);
            CHECK(result.status() == row.status);
            CHECK(result.handled == 0);
            CHECK(result.has("Connection: close\r\n"));
            CHECK(result.has("application/problem+json"));
            CHECK(!result.has("smuggled"));
        }
    }
}

TEST_CASE("a cut request is no request") {
    const std::string input = "PUT /p HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello";
    for (std::size_t size = 0; size < input.size(); ++size) {
        const auto result = exchange(input.substr(0, size));
        CHECK(result.handled == 0);
        CHECK(result.output.empty());
    }
}

TEST_CASE("a last chunk in pieces is waited for, also when no chunk was before it") {
    for (const std::string end : {"0\r\n\r\n", "00\r\n\r\n", "0;a=b\r\nTrailer: x\r\n\r\n", "1\r\nx\r\n0\r\n\r\n"}) {
        const std::string input = "PUT /p HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n" + end;
        for (const std::size_t cut : {1UL, 2UL, 3UL, 4UL, 5UL, 1000UL}) {
            const auto result = exchange(input, cut);
            CHECK(result.status() == 200);
            CHECK(result.handled == 1);
        }
    }
    const auto nonsense = exchange("PUT /p HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n$\r\n\r\n", 1);
    CHECK(nonsense.status() == 400);
}

TEST_CASE("slow requests are ended: 408 for a half head, silence for none") { // H13 H14
    const auto serve = [](Stream& stream, HttpHandler& handler) -> Task<void> {
        HttpLimits limits;
        limits.header_timeout = 60ms;
        limits.body_timeout = 60ms;
        co_await serve_http(stream, handler, limits);
    };
    struct Row {
        const char* sent;
        const char* answer;
    };
    for (const auto& row : {Row{"", ""}, Row{"GET / HT", "HTTP/1.1 408"}, Row{"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", "HTTP/1.1 408"}}) {
        auto [server, client] = make_memory_pair();
        Echo echo;
        Loop loop;
        std::string output;
        loop.add(serve(*server, echo));
        loop.add([](Stream& s, std::string text, std::string& out) -> Task<void> {
            const auto sent = co_await s.write(text);
            CHECK(sent);
            std::string all = co_await read_to_end(s);
            out = std::move(all);
        }(*client, row.sent, output));
        loop.run();
        CHECK(output.substr(0, 12) == row.answer);
        CHECK(echo.handled == 0);
    }
}

TEST_CASE("percent escapes") {
    CHECK(percent_encode("ann+x@example.org/a b") == "ann%2Bx@example.org%2Fa%20b");
    CHECK(percent_encode("..") == "%2E.");
    CHECK(percent_decode("a%2Bb+c") == "a+b+c");
    CHECK(percent_decode("a%2Bb+c", true) == "a+b c");
    CHECK(!percent_decode("%"));
    CHECK(!percent_decode("%4"));
    CHECK(!percent_decode("%00"));
    std::string all;
    for (int i = 1; i < 256; ++i)
        all += static_cast<char>(i);
    CHECK(percent_decode(percent_encode(all)) == all);
}
