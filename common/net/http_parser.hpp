// HttpParser: one HTTP/1.1 message, head then body, on Boost.Beast's parser. Behind a pointer because Beast takes long
// to compile. The server checks a request's head strictly (http_head.cpp) before it comes here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mail::net {

class HttpParser {
  public:
    enum class Kind : std::uint8_t { request, response };
    explicit HttpParser(Kind kind);
    ~HttpParser();
    HttpParser(const HttpParser&) = delete;
    HttpParser& operator=(const HttpParser&) = delete;

    /// The response belongs to a HEAD request: no body follows whatever it says. Before put_head.
    void expect_no_body();
    /// A complete head with its empty line. False: not HTTP.
    [[nodiscard]] bool put_head(std::string_view head);
    [[nodiscard]] std::string method() const;
    [[nodiscard]] std::string target() const;
    [[nodiscard]] int status() const;
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] bool is_http_1_0() const;
    void each_field(const std::function<void(std::string_view name, std::string_view value)>& visit) const;

    /// No body, or all of it was seen.
    [[nodiscard]] bool done() const;
    enum class Step : std::uint8_t { more, done, too_large, broken };
    /// Takes body bytes from `in`, appends what they carry to `out` (at most 16 KiB per call) and says in `consumed` how
    /// many were used. `more` with nothing consumed: more input is needed.
    [[nodiscard]] Step put_body(std::string_view in, std::size_t& consumed, std::string& out);
    /// Largest body over all put_body calls. After put_head.
    void limit_body(std::uint64_t bytes);
    /// The connection ended. True if the body may end so.
    [[nodiscard]] bool put_end();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// RFC 9110's words for a status.
[[nodiscard]] std::string_view reason_phrase(int status);

} // namespace mail::net
