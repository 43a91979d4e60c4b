// Session: one connection to somebody else's IMAP server, for fetching a mailbox from it (IMAP4rev1 and IMAP4rev2). The server is
// not trusted: sizes, numbers and times are bounded, and what breaks a rule ends the session with an error that says so.
// One command at a time: send(), then next() until the tagged response.
#pragma once

#include "common/base/secret.hpp"
#include "common/imap_client/response.hpp"
#include "common/net/reader.hpp"
#include "common/net/stream.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mail::imap_client {

enum class TlsMode : std::uint8_t { none, starttls, implicit };

struct OpenOptions {
    std::string host; ///< for the certificate
    TlsMode tls = TlsMode::implicit;
    bool verify = true; ///< the certificate must be valid and name `host`
    const net::TlsClient* client = nullptr; ///< not null unless tls is none
    std::string user;
    Secret password;
    Duration timeout = std::chrono::seconds(60); ///< for one response, and a second more for every 64 KiB of it
};

class Session {
  public:
    Session(std::unique_ptr<net::Stream> stream, Duration timeout, ResponseLimits limits = {});

    /// Greeting, TLS, sign-in, capabilities. A password is sent in the clear only when `tls` is none.
    /// Errors: unauthorized, unsupported, unavailable, timeout, closed, invalid.
    [[nodiscard]] Task<Result<void>> open(const OpenOptions& options);
    [[nodiscard]] bool has(std::string_view capability) const;

    [[nodiscard]] Task<Result<void>> send(std::string command);
    /// The next response to the command. Untagged BYE is an error. Errors as open().
    [[nodiscard]] Task<Result<Response>> next();
    /// send() and all untagged responses up to the tagged OK. Errors: also denied (NO) and invalid (BAD), with the server's words.
    [[nodiscard]] Task<Result<std::vector<Response>>> command(std::string command);
    /// Whether `response` ends the command that was sent; then ok() of it says how.
    [[nodiscard]] bool is_end(const Response& response) const { return response.kind == Response::Kind::tagged && response.tag == tag_; }
    [[nodiscard]] static Result<void> outcome(const Response& tagged);
    [[nodiscard]] Task<void> logout();

  private:
    [[nodiscard]] Task<Result<void>> secure(const OpenOptions& options);
    [[nodiscard]] Task<Result<void>> learn_capabilities();
    [[nodiscard]] Task<Result<void>> sign_in(const OpenOptions& options);
    [[nodiscard]] Task<Result<void>> authenticate(const OpenOptions& options);
    [[nodiscard]] Task<Result<void>> log_in(const OpenOptions& options);
    void note_capabilities(std::string_view words);

    std::unique_ptr<net::Stream> stream_;
    net::Reader reader_;
    ResponseFramer framer_;
    Duration timeout_;
    std::set<std::string> capabilities_;
    unsigned commands_ = 0;
    std::string tag_;
    std::uint64_t responses_ = 0; ///< to the present command
};

} // namespace mail::imap_client
