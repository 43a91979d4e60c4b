#include "common/base/text.hpp"
#include "common/net/http.hpp"
#include "common/net/http_parser.hpp"
#include "common/net/reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace mail::net {
namespace {

/// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale.
std::string http_date(std::time_t now) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    gmtime_r(&now, &parts);
    const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return std::string(days[static_cast<std::size_t>(parts.tm_wday)]) + ", " + two(parts.tm_mday) + " " +
           months[static_cast<std::size_t>(parts.tm_mon)] + " " + std::to_string(parts.tm_year + 1900) + " " +
           two(parts.tm_hour) + ":" + two(parts.tm_min) + ":" + two(parts.tm_sec) + " GMT";
}

/// A value that cannot start a line of its own (response splitting).
std::string one_line(std::string_view value) {
    std::string out;
    for (const char c : value)
        if ((static_cast<unsigned char>(c) >= 32 && c != 127) || c == '\t')
            out += c;
    return out;
}

bool is_set_by_server(std::string_view name) {
    for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"})
        if (text::iequals(name, own))
            return true;
    return false;
}

class ChunkWriter final : public HttpBodyWriter {
  public:
    ChunkWriter(Stream& stream, bool chunked) : stream_(stream), chunked_(chunked) {}
    Task<Result<void>> write(std::string_view data) override {
        if (data.empty())
            co_return Result<void>{}; // an empty chunk would be the end
        if (!chunked_)
            co_return co_await stream_.write(data);
        std::array<char, 20> size{};
        const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
        std::string chunk(size.data(), end);
        chunk.append("\r\n").append(data).append("\r\n");
        co_return co_await stream_.write(chunk);
    }

  private:
    Stream& stream_;
    bool chunked_;
};

class Connection {
  public:
    Connection(Stream& stream, HttpHandler& handler, HttpLimits limits)
        : stream_(stream), handler_(handler), limits_(limits), reader_(stream) {}

    Task<void> run() {
        for (std::size_t served = 1;; ++served) {
            last_ = limits_.requests != 0 && served >= limits_.requests;
            const bool again = co_await serve_one();
            if (!again)
                break;
        }
        co_await stream_.shutdown();
    }

  private:
    /// One request and its response. False: the connection is to end.
    Task<bool> serve_one() {
        std::string head;
        const int refused = co_await read_head(head);
        if (refused == -1)
            co_return false;
        if (refused != 0)
            co_return co_await refuse(refused, "the request head is malformed or too large");
        HttpRequest request;
        if (const auto error = parse_request_head(head, limits_.header_fields, request))
            co_return co_await refuse(error->status, error->why);
        HttpParser parser(HttpParser::Kind::request);
        if (!parser.put_head(head))
            co_return co_await refuse(400, "the request is malformed");
        keep_alive_ = parser.keep_alive() && !last_ && !stream_.is_ending();
        old_ = parser.is_http_1_0();
        head_only_ = request.method == "HEAD";
        if (auto rejected = handler_.reject(request)) {
            rejected->close = rejected->close || !parser.done();
            co_return co_await respond(std::move(*rejected));
        }
        if (!parser.done()) {
            const int failed = co_await read_body(parser, request);
            if (failed == -1)
                co_return false;
            if (failed != 0)
                co_return co_await refuse(failed, body_fault(failed));
        }
        stream_.set_timeout(limits_.handler_timeout);
        HttpResponse response = co_await handler_.handle(std::move(request));
        co_return co_await respond(std::move(response));
    }

    static std::string_view body_fault(int status) {
        switch (status) {
        case 413:
            return "the body is too large";
        case 415:
            return "bodies must not be compressed";
        case 417:
            return "the expectation cannot be met";
        case 408:
            return "the body did not arrive in time";
        default:
            return "the body is malformed";
        }
    }

    /// 0: `head` is complete; -1: nothing to answer; otherwise the status.
    Task<int> read_head(std::string& head) {
        stream_.set_timeout(limits_.header_timeout);
        std::size_t searched = 0;
        for (;;) {
            std::string_view data = reader_.buffered();
            while (data.starts_with("\r\n")) { // RFC 9112 §2.2
                reader_.consume(2);
                data = reader_.buffered();
                searched = 0;
            }
            const std::size_t from = searched < 3 ? 0 : searched - 3;
            const std::size_t end = data.find("\r\n\r\n", from);
            const std::size_t known = end == std::string_view::npos ? data.size() : end + 4;
            if (known > limits_.header_bytes)
                co_return data.substr(0, limits_.header_bytes).find('\n') == std::string_view::npos ? 414 : 431;
            if (end != std::string_view::npos) {
                head = data.substr(0, known);
                reader_.consume(known);
                co_return 0;
            }
            // A sender that ends lines in LF only would wait for ever.
            for (std::size_t i = searched; i < data.size(); ++i)
                if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
                    co_return 400;
            searched = data.size();
            if (data.empty())
                reader_.release();
            const Interruptible waiting(stream_, searched == 0);
            const auto more = co_await reader_.fill(4096);
            if (!more)
                co_return more.error().code == ErrorCode::timeout && searched > 0 ? 408 : -1;
            if (!*more)
                co_return -1;
        }
    }

    /// 0, -1 or a status as read_head.
    Task<int> read_body(HttpParser& parser, HttpRequest& request) {
        const auto encoding = request.headers.find("Content-Encoding");
        if (!encoding.empty() && !text::iequals(encoding, "identity"))
            co_return 415;
        const std::size_t limit = handler_.body_limit(request);
        const auto announced = text::number<std::uint64_t>(request.headers.find("Content-Length"));
        if (announced && *announced > limit)
            co_return 413;
        const auto expectation = request.headers.find("Expect");
        if (!expectation.empty()) {
            if (!text::iequals(expectation, "100-continue"))
                co_return 417;
            const auto sent = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
            if (!sent)
                co_return -1;
        }
        parser.limit_body(limit);
        const auto begun = std::chrono::steady_clock::now();
        while (!parser.done()) {
            std::size_t used = 0;
            const auto step = parser.put_body(reader_.buffered(), used, request.body);
            reader_.consume(used);
            if (step == HttpParser::Step::done)
                break;
            if (step == HttpParser::Step::too_large || request.body.size() > limit)
                co_return 413;
            // A chunk's head or the trailer is never this long.
            if (step == HttpParser::Step::broken || (used == 0 && reader_.buffered().size() > limits_.header_bytes))
                co_return 400;
            if (used > 0 && !reader_.buffered().empty())
                continue;
            // The whole body has its time, and more of it the more has come: 64 KiB earn a second.
            const auto allowed = limits_.body_timeout + std::chrono::seconds(request.body.size() / 65536);
            const auto spent = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
            stream_.set_timeout(std::max<Duration>(allowed - spent, Duration(1)));
            const auto more = co_await reader_.fill(65536);
            if (!more)
                co_return more.error().code == ErrorCode::timeout ? 408 : -1;
            if (!*more)
                co_return -1;
        }
        co_return 0;
    }

    Task<bool> refuse(int status, std::string_view why) {
        stream_.set_timeout(std::chrono::seconds(10)); // a time-out may have brought us here
        HttpResponse response = handler_.problem(status, why);
        response.close = true;
        co_return co_await respond(std::move(response));
    }

    std::string response_head(const HttpResponse& response, bool chunked) const {
        std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(http_reason(response.status)) +
                          "\r\nDate: " + http_date(std::time(nullptr)) + "\r\n";
        for (const auto& [name, value] : response.headers.all())
            if (!is_set_by_server(name))
                out += one_line(name) + ": " + one_line(value) + "\r\n";
        // RFC 9110 §8.6: none with 1xx and 204.
        if (chunked)
            out += "Transfer-Encoding: chunked\r\n";
        else if (!response.source && response.status >= 200 && response.status != 204)
            out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
        if (!keep_alive_)
            out += "Connection: close\r\n";
        else if (old_)
            out += "Connection: keep-alive\r\n";
        return out + "\r\n";
    }

    Task<bool> respond(HttpResponse response) {
        const bool bodyless = head_only_ || response.status == 204 || response.status == 304;
        const bool chunked = response.source && !old_ && !bodyless;
        if (response.close || (response.source && !chunked))
            keep_alive_ = false;
        std::string head = response_head(response, chunked);
        if (!bodyless && !response.source && response.body.size() <= 65536)
            head += response.body;
        const auto sent = co_await stream_.write(head);
        if (!sent)
            co_return false;
        if (bodyless)
            co_return keep_alive_;
        if (response.source)
            co_return co_await respond_streaming(*response.source, chunked);
        if (response.body.size() > 65536) {
            const auto body_sent = co_await stream_.write(response.body);
            if (!body_sent)
                co_return false;
        }
        co_return keep_alive_;
    }

    Task<bool> respond_streaming(HttpBodySource& source, bool chunked) {
        ChunkWriter writer(stream_, chunked);
        const auto finished = co_await source.run(writer);
        if (!finished) {
            stream_.close(); // the missing last chunk tells the client
            co_return false;
        }
        if (chunked) {
            const auto ended = co_await stream_.write("0\r\n\r\n");
            if (!ended)
                co_return false;
        }
        co_return keep_alive_;
    }

    Stream& stream_;
    HttpHandler& handler_;
    HttpLimits limits_;
    Reader reader_;
    bool keep_alive_ = false;
    bool old_ = false;
    bool head_only_ = false;
    bool last_ = false;
};

} // namespace

Task<void> serve_http(Stream& stream, HttpHandler& handler, HttpLimits limits) {
    Connection connection(stream, handler, limits);
    co_await connection.run();
}

} // namespace mail::net
