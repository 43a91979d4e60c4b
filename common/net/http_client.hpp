// HTTP/1.1 client over a Stream. HttpClient for coroutines; BlockingHttpClient for mailctl, over a Unix
// socket, which keeps one connection for many requests.
#pragma once

#include "common/net/http.hpp"

#include <functional>

namespace mail::net {

struct HttpCall {
    std::string method = "GET";
    std::string target = "/"; ///< already percent-encoded, with query
    HttpHeaders headers;      ///< Host and Content-Length are set for you
    std::string body;
};

/// Gets each line of an NDJSON body without its LF; false ends the transfer (and the connection).
using HttpLineSink = std::function<bool(std::string_view line)>;

class HttpClient {
  public:
    /// `host` goes into the Host header.
    HttpClient(std::unique_ptr<Stream> stream, std::string host, std::size_t max_body = 64U << 20U);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    /// Redirects are never followed. `timeout` for the whole exchange. Errors: closed, timeout, too_large,
    /// invalid (not HTTP).
    [[nodiscard]] Task<Result<HttpResponse>> request(HttpCall call, Duration timeout);
    /// As request(), but a 2xx body goes to `sink` line by line; `timeout` is between two reads.
    [[nodiscard]] Task<Result<HttpResponse>> stream_lines(HttpCall call, HttpLineSink sink, Duration timeout);
    /// False once the connection cannot carry another request.
    [[nodiscard]] bool usable() const noexcept;
    /// Whether any byte of the last answer came.
    [[nodiscard]] bool answered() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// One thread, one call at a time. Connects at the first request and again when the server closed an idle connection.
class BlockingHttpClient {
  public:
    BlockingHttpClient(std::string socket_path, Duration timeout);
    ~BlockingHttpClient();
    BlockingHttpClient(const BlockingHttpClient&) = delete;
    BlockingHttpClient& operator=(const BlockingHttpClient&) = delete;
    /// Errors as connect_unix and HttpClient::request. A request is sent again only if the connection was a used one
    /// and closed before any byte of the answer came, and only GET.
    [[nodiscard]] Result<HttpResponse> request(HttpCall call);
    /// `idle`: longest silence between two lines; Duration::max() for none.
    [[nodiscard]] Result<HttpResponse> stream_lines(HttpCall call, HttpLineSink sink, Duration idle);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace mail::net
