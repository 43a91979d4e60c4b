// api::Client: maild's API for mailctl and tests: one connection, many requests, errors as Result with the server's
// own words. Blocking; one thread. Bodies are JSON text: what they mean is the caller's business.
#pragma once

#include "common/api/problem.hpp"
#include "common/base/time.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail::api {

struct Call {
    std::string method = "GET";
    std::string path; ///< "/v1/domains/example.org?limit=2", percent-encoded
    std::string body; ///< empty: none
    std::string content_type = "application/json"; ///< of the body
    std::vector<std::pair<std::string, std::string>> headers; ///< If-Match, If-None-Match ...
};

struct Reply {
    int status = 0;
    std::string body;
    std::string etag;       ///< without quotes
    std::string request_id;
};

struct ClientOptions {
    std::string socket_path = "/run/maild/admin.sock";
    Duration timeout = std::chrono::seconds(60);
    std::string request_id; ///< sent with every request when set
    /// Gets each request as a curl command line before it is sent (mailctl -v). Bodies that may hold secrets are not in it.
    std::function<void(const std::string& line)> verbose;
};

class Client {
  public:
    explicit Client(ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// A status of 400 and above is an error; problem() then has the details. Errors: unavailable with a hint when
    /// maild cannot be reached; otherwise the server's code.
    [[nodiscard]] Result<Reply> call(Call call);
    /// The body of call().
    [[nodiscard]] Result<std::string> get(std::string_view path);
    [[nodiscard]] Result<std::string> put(std::string_view path, std::string_view json);
    [[nodiscard]] Result<std::string> patch(std::string_view path, std::string_view json); ///< JSON merge patch
    [[nodiscard]] Result<std::string> post(std::string_view path, std::string_view json);
    [[nodiscard]] Result<std::string> remove(std::string_view path);
    /// Follows an NDJSON stream until the server ends it or `line` returns false. `idle` is the longest silence.
    [[nodiscard]] Result<void> watch(std::string_view path, std::function<bool(std::string_view line)> line, Duration idle);
    /// Of the last failed call; null when there was no response.
    [[nodiscard]] const Problem* problem() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// "/v1/{kinds}/{name}" with the name escaped; for building paths.
[[nodiscard]] std::string path_of(std::string_view kinds, std::string_view name = {});

/// A call as a `curl --unix-socket` command line that does the same; for -v and the manual.
[[nodiscard]] std::string curl_line(const std::string& socket_path, const Call& call);

} // namespace mail::api
