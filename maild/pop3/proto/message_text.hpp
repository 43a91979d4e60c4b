// The body of RETR and TOP as pure code: a message as it is stored becomes a multi-line reply (RFC 1939 §3): every line
// ends with CR LF and none begins with a dot of its own. Takes the message in pieces, so that a large one is never held
// whole. Used by the session and by fuzzing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::pop3 {

class MessageText {
  public:
    /// With `body_lines`, only the header, the empty line and so many lines of the body (RFC 1939 §7 TOP).
    explicit MessageText(std::optional<std::uint32_t> body_lines = std::nullopt) : body_lines_(body_lines) {}

    /// Appends what `piece`, the next bytes of the message, becomes.
    void put(std::string& out, std::string_view piece);
    /// Nothing of the message that follows is wanted any more.
    [[nodiscard]] bool is_enough() const noexcept { return enough_; }
    /// Ends the last line if need be, and the reply with its final dot.
    void finish(std::string& out);

  private:
    void end_line();

    std::optional<std::uint32_t> body_lines_;
    std::uint32_t lines_ = 0; ///< of the body, written so far
    bool at_line_start_ = true;
    bool line_is_empty_ = true;
    bool pending_cr_ = false; ///< a CR that may be half of a line end
    bool in_body_ = false;
    bool enough_ = false;
};

} // namespace mail::pop3
