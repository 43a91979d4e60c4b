#include "common/net/http_client.hpp"

#include "common/base/text.hpp"
#include "common/net/connect.hpp"
#include "common/net/http_parser.hpp"
#include "common/net/reader.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace mail::net {
namespace asio = boost::asio;

struct HttpClient::State {
    State(std::unique_ptr<Stream> connection, std::string host_name, std::size_t most)
        : stream(std::move(connection)), reader(*stream), host(std::move(host_name)), max_body(most) {}
    std::unique_ptr<Stream> stream;
    Reader reader;
    std::string host;
    std::size_t max_body;
    bool usable = true;
    bool answered = false; ///< any byte of the present response came
    /// Where the body goes: collected, or cut into lines.
    HttpLineSink sink;
    bool stopped = false; ///< the sink wants no more

    Task<Result<void>> send(const HttpCall& call);
    Task<Result<HttpResponse>> exchange(HttpCall call, Duration timeout);
    Task<Result<void>> read_head(HttpParser& parser, bool no_body, HttpResponse& out);
    Task<Result<void>> read_body(HttpParser& parser, Duration timeout, HttpResponse& out);
    void pass_lines(std::string& data, bool last);
};

namespace {

constexpr std::size_t max_head = 65536;

Failure no_http() { return fail(ErrorCode::invalid, "the answer is not HTTP"); }

} // namespace

Task<Result<void>> HttpClient::State::send(const HttpCall& call) {
    std::string head = call.method + " " + call.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
    for (const auto& [name, value] : call.headers.all()) {
        if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            co_return fail(ErrorCode::invalid, "a header field has a line break");
        head += name + ": " + value + "\r\n";
    }
    if (!call.body.empty() || (call.method != "GET" && call.method != "HEAD" && call.method != "DELETE"))
        head += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
    head += "\r\n";
    const bool small = call.body.size() <= 65536;
    if (small)
        head += call.body;
    MAIL_CO_DO(co_await stream->write(head));
    if (!small) {
        MAIL_CO_DO(co_await stream->write(call.body));
    }
    co_return Result<void>{};
}

Task<Result<void>> HttpClient::State::read_head(HttpParser& parser, bool no_body, HttpResponse& out) {
    std::string head;
    for (std::size_t searched = 0; head.empty();) {
        const std::string_view data = reader.buffered();
        const std::size_t end = data.find("\r\n\r\n", searched < 3 ? 0 : searched - 3);
        if (end != std::string_view::npos) {
            head = data.substr(0, end + 4);
            reader.consume(end + 4);
            const bool interim = head.size() > 12 && head.starts_with("HTTP/1.") && head[9] == '1'; // RFC 9110 §15.2
            if (interim)
                head.clear();
            searched = 0;
            continue;
        }
        searched = data.size();
        if (searched > max_head)
            co_return fail(ErrorCode::too_large, "the head of the answer is too large");
        MAIL_CO_TRY(const bool more, co_await reader.fill());
        if (!more)
            co_return fail(ErrorCode::closed, "the server ended the connection without an answer");
        answered = true;
    }
    if (no_body)
        parser.expect_no_body();
    if (!parser.put_head(head))
        co_return no_http();
    out.status = parser.status();
    parser.each_field([&out](std::string_view name, std::string_view value) { out.headers.add(name, value); });
    co_return Result<void>{};
}

/// Hands complete lines of `data` to the sink and keeps the rest.
void HttpClient::State::pass_lines(std::string& data, bool last) {
    std::size_t at = 0;
    while (!stopped) {
        const std::size_t end = data.find('\n', at);
        if (end == std::string::npos)
            break;
        stopped = !sink(std::string_view(data).substr(at, end - at));
        at = end + 1;
    }
    data.erase(0, at);
    if (last && !data.empty() && !stopped)
        stopped = !sink(data);
}

Task<Result<void>> HttpClient::State::read_body(HttpParser& parser, Duration timeout, HttpResponse& out) {
    const bool by_lines = sink && out.status >= 200 && out.status < 300;
    parser.limit_body(by_lines ? UINT64_MAX / 2 : max_body);
    while (!parser.done()) {
        std::size_t used = 0;
        const auto step = parser.put_body(reader.buffered(), used, out.body);
        reader.consume(used);
        if (by_lines)
            pass_lines(out.body, step == HttpParser::Step::done);
        if (stopped || step == HttpParser::Step::done)
            break;
        if (step == HttpParser::Step::too_large || out.body.size() > max_body)
            co_return fail(ErrorCode::too_large, "the answer is larger than " + std::to_string(max_body) + " bytes");
        if (step == HttpParser::Step::broken || (used == 0 && reader.buffered().size() > max_head))
            co_return no_http();
        if (used > 0 && !reader.buffered().empty())
            continue;
        if (by_lines)
            stream->set_timeout(timeout);
        MAIL_CO_TRY(const bool more, co_await reader.fill(65536));
        if (more)
            continue;
        if (!parser.put_end())
            co_return fail(ErrorCode::closed, "the server ended the connection in the middle of its answer");
        usable = false;
        if (by_lines)
            pass_lines(out.body, true);
    }
    co_return Result<void>{};
}

Task<Result<HttpResponse>> HttpClient::State::exchange(HttpCall call, Duration timeout) {
    if (!usable)
        co_return fail(ErrorCode::closed, "the connection cannot be used again");
    usable = false; // until all went well
    answered = stopped = false;
    stream->set_timeout(timeout);
    MAIL_CO_DO(co_await send(call));
    HttpParser parser(HttpParser::Kind::response);
    HttpResponse response;
    MAIL_CO_DO(co_await read_head(parser, call.method == "HEAD", response));
    const bool persistent = parser.keep_alive();
    usable = true;
    auto body = co_await read_body(parser, timeout, response);
    usable = usable && body && persistent && !stopped && reader.buffered().empty();
    MAIL_CO_DO(body);
    co_return response;
}

HttpClient::HttpClient(std::unique_ptr<Stream> stream, std::string host, std::size_t max_body)
    : state_(std::make_unique<State>(std::move(stream), std::move(host), max_body)) {}
HttpClient::~HttpClient() = default;
bool HttpClient::usable() const noexcept { return state_->usable; }
bool HttpClient::answered() const noexcept { return state_->answered; }

Task<Result<HttpResponse>> HttpClient::request(HttpCall call, Duration timeout) {
    co_return co_await stream_lines(std::move(call), nullptr, timeout);
}

Task<Result<HttpResponse>> HttpClient::stream_lines(HttpCall call, HttpLineSink sink, Duration timeout) {
    state_->sink = std::move(sink);
    co_return co_await state_->exchange(std::move(call), timeout);
}

struct BlockingHttpClient::State {
    std::string path;
    Duration timeout;
    asio::io_context io{1};
    std::unique_ptr<HttpClient> client; // after io: its stream lives there
    SteadyTime last_use{};

    /// Runs one task on this thread.
    Result<HttpResponse> run(HttpCall call, HttpLineSink sink, Duration idle);
    Task<void> attempt(const HttpCall& call, const HttpLineSink& sink, Duration idle, Result<HttpResponse>& out);
};

Task<void> BlockingHttpClient::State::attempt(const HttpCall& call, const HttpLineSink& sink, Duration idle,
                                              Result<HttpResponse>& out) {
    if (!client) {
        auto stream = co_await connect_unix(path, timeout);
        if (!stream) {
            out = fail(std::move(stream).error());
            co_return;
        }
        client = std::make_unique<HttpClient>(std::move(stream).value(), "localhost");
    }
    auto answer = co_await client->stream_lines(call, sink, idle);
    out = std::move(answer);
}

Result<HttpResponse> BlockingHttpClient::State::run(HttpCall call, HttpLineSink sink, Duration idle) {
    // The server closes idle connections; better not to find that out with a request that must not be sent twice.
    const auto now = std::chrono::steady_clock::now();
    if (client && (!client->usable() || now - last_use > std::chrono::seconds(5)))
        client.reset();
    Result<HttpResponse> result;
    for (int round = 0; round < 2; ++round) {
        const bool used_before = client != nullptr;
        bool done = false;
        asio::co_spawn(io, attempt(call, sink, idle, result), [&result, &done](std::exception_ptr error) {
            done = true;
            if (error)
                result = fail(ErrorCode::internal, "the request failed unexpectedly");
        });
        io.restart();
        while (!done) // not run(): the kept connection's watchdog would hold it
            io.run_one();
        const bool lost = !result && result.error().code == ErrorCode::closed && client && !client->answered();
        if (client && !client->usable())
            client.reset();
        if (!lost || !used_before || call.method != "GET")
            break;
    }
    last_use = std::chrono::steady_clock::now();
    return result;
}

BlockingHttpClient::BlockingHttpClient(std::string socket_path, Duration timeout) : state_(std::make_unique<State>()) {
    state_->path = std::move(socket_path);
    state_->timeout = timeout;
}
BlockingHttpClient::~BlockingHttpClient() = default;

Result<HttpResponse> BlockingHttpClient::request(HttpCall call) {
    return state_->run(std::move(call), nullptr, state_->timeout);
}

Result<HttpResponse> BlockingHttpClient::stream_lines(HttpCall call, HttpLineSink sink, Duration idle) {
    return state_->run(std::move(call), std::move(sink), idle);
}

} // namespace mail::net
