// Reading an APPEND while its messages stream by (RFC 9051 §6.3.12, MULTIAPPEND of RFC 3502): at every
// Framer::Step::append_literal the session calls next(), at the final frame end().
#pragma once

#include "maild/imap/proto/command.hpp"

#include <optional>
#include <string>

namespace mail::imap {

class AppendParser {
  public:
    /// Reads from the last message (or the tag) to the literal just announced. A fault is a BAD answer.
    [[nodiscard]] std::optional<BadCommand> next(const Frame& frame, AppendMessage& message);
    /// The command ended: nothing may stand behind the last literal.
    [[nodiscard]] std::optional<BadCommand> end(const Frame& frame) const;

    [[nodiscard]] const std::string& tag() const noexcept { return tag_; }
    [[nodiscard]] const std::string& mailbox() const noexcept { return mailbox_; } ///< raw
    [[nodiscard]] bool started() const noexcept { return position_ != 0; }

  private:
    std::string tag_;
    std::string mailbox_;
    bool wrapped_ = false;     ///< the last literal stands in UTF8 (...)
    std::size_t position_ = 0; ///< behind the last literal's header
};

} // namespace mail::imap
