// HTTP/1.1 over a Stream (RFC 9110, RFC 9112): requests, responses and the server's loop for one connection.
// Used by the admin socket and the http listeners. Strict: what two parsers could read in two ways is refused with 400
// and the connection closed. Bodies are collected in memory up to a limit chosen per request; nothing is allocated
// for bytes that were only announced.
#pragma once

#include "common/net/stream.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace mail::net {

class HttpHeaders {
  public:
    /// First value of the field, or empty. Field names ignore case.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
    [[nodiscard]] bool contains(std::string_view name) const noexcept;
    /// Replaces all fields of that name.
    void set(std::string_view name, std::string_view value);
    void add(std::string_view name, std::string_view value);
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return fields_; }

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
    std::string method; ///< as sent
    std::string target; ///< as sent: "/v1/domains?limit=2"
    std::string path;   ///< target without the query, still percent-encoded
    std::vector<std::string> segments; ///< of the path, decoded; never ".", ".." or with NUL
    std::vector<std::pair<std::string, std::string>> query; ///< decoded, in order
    HttpHeaders headers;
    std::string body;
    /// First query parameter of that name, or empty.
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;
    [[nodiscard]] bool has_parameter(std::string_view name) const noexcept;
};

/// Where a streaming body writes. Each write is one chunk that the client gets at once.
class HttpBodyWriter {
  public:
    virtual ~HttpBodyWriter() = default;
    /// Errors: closed, timeout: the client is gone; stop.
    [[nodiscard]] virtual Task<Result<void>> write(std::string_view data) = 0;
};
/// A body that is made while it is sent (NDJSON watch, log tail).
class HttpBodySource {
  public:
    virtual ~HttpBodySource() = default;
    /// An error cuts the connection, so that the client sees an incomplete body.
    [[nodiscard]] virtual Task<Result<void>> run(HttpBodyWriter& out) = 0;
};

struct HttpResponse {
    int status = 200;
    HttpHeaders headers; ///< Content-Length, Transfer-Encoding, Connection and Date are set for you
    std::string body;
    std::unique_ptr<HttpBodySource> source; ///< instead of body
    bool close = false;                     ///< end the connection after this response
};

class HttpHandler {
  public:
    virtual ~HttpHandler() = default;
    [[nodiscard]] virtual Task<HttpResponse> handle(HttpRequest request) = 0;
    /// Largest body taken for this request, whose body is not read yet; more is answered 413.
    [[nodiscard]] virtual std::size_t body_limit(const HttpRequest& head) const = 0;
    /// A response instead of reading the body (401, 404); nullopt: go on. The connection closes if a body was coming.
    [[nodiscard]] virtual std::optional<HttpResponse> reject(const HttpRequest& head);
    /// The body of an error response the server itself makes (400, 413, 431 ...).
    [[nodiscard]] virtual HttpResponse problem(int status, std::string_view why) const;
};

struct HttpLimits {
    std::size_t header_bytes;      ///< request line and header section
    std::size_t header_fields;
    Duration header_timeout;       ///< for a whole request head, and idle between requests
    Duration body_timeout;         ///< for a whole body, plus a second per 64 KiB received
    Duration handler_timeout = Duration::max(); ///< writing the response
    std::size_t requests = 0;      ///< per connection; 0: no limit
    HttpLimits();                  ///< from limits.def
};

/// Serves requests until either side ends. `stream` is shut down at the end, never destroyed.
[[nodiscard]] Task<void> serve_http(Stream& stream, HttpHandler& handler, HttpLimits limits = {});

/// RFC 9110 reason phrase; empty for unknown codes.
[[nodiscard]] std::string_view http_reason(int status) noexcept;
/// "%2F" and friends; nullopt on a broken escape or a NUL. `plus`: '+' is a space (query strings).
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus = false);
/// Everything but RFC 3986 unreserved characters and "@" is escaped: for one path segment or query value.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Fills method .. headers from a complete head that ends in an empty line; the status to answer otherwise.
/// Pure; the fuzz target's entry.
struct HttpHeadError {
    int status = 400;
    std::string why;
};
[[nodiscard]] std::optional<HttpHeadError> parse_request_head(std::string_view head, std::size_t max_fields, HttpRequest& out);

} // namespace mail::net
