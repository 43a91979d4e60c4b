// SMTP replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034): what the session sends, what the outbound client
// reads. append() writes a whole reply at once. ReplyParser is strict about form and bounded: at most
// limit::reply_lines lines of limit::reply_line bytes; whatever is no reply is an error, never a guess (faults O04, O05).
#pragma once

#include "common/base/error.hpp"
#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::smtp {

struct Reply {
    int code = 250;
    std::string enhanced; ///< "2.1.0", or empty where none belongs (greeting, EHLO, 3xx)
    std::vector<std::string> lines; ///< text without CR LF; at least one, which may be empty

    Reply() = default;
    Reply(int reply_code, std::string_view enhanced_code, std::string text) : code(reply_code), enhanced(enhanced_code) {
        lines.push_back(std::move(text));
    }
    bool operator==(const Reply&) const = default;
    [[nodiscard]] bool is_positive() const noexcept { return code >= 200 && code < 400; }
    [[nodiscard]] bool is_temporary() const noexcept { return code >= 400 && code < 500; }
    [[nodiscard]] bool is_permanent() const noexcept { return code >= 500; }
    /// "550 5.1.1 no such user" with lines joined by blanks, control characters escaped: for logs and reports.
    [[nodiscard]] std::string text() const;
};

/// The reply's bytes. Control characters in texts become '?': nobody's words can end a line.
void append(std::string& out, const Reply& reply);
/// The reply that tells an error, by the house's one table; `internal` errors hide their message from strangers.
[[nodiscard]] Reply reply_for(const Error& error);

/// Puts a server's reply together from its lines.
class ReplyParser {
  public:
    /// One line without its end. A value: the reply is whole (the parser then starts anew); nullopt: more lines follow.
    /// Errors: invalid (not a reply line, code changed between lines), too_large (too many or too long lines).
    [[nodiscard]] Result<std::optional<Reply>> feed(std::string_view line);

  private:
    Reply reply_;
    bool started_ = false;
};

/// Whether `text` is an enhanced status code of RFC 3463 §2: class "." subject "." detail.
[[nodiscard]] bool is_enhanced_code(std::string_view text) noexcept;

} // namespace mail::smtp
