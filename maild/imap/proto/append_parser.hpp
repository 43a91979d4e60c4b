// Reading an APPEND or REPLACE while its messages stream by (RFC 9051 §6.3.12, MULTIAPPEND of RFC 3502, CATENATE of RFC 4469,
// REPLACE of RFC 8508). What was read comes as pieces in order: a message begins, its bytes come from literals and URLs, it
// ends. At every Framer::Step::append_literal the session calls next(), at the final frame end().
#pragma once

#include "maild/imap/proto/command.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mail::imap {

class Cursor;

/// The grammar behind both the streaming parser and parse().
class AppendGrammar {
  public:
    /// From the blank after the mailbox name, or after the last literal, to the next literal that is announced but not in the
    /// frame, or to the end of the command.
    bool run(Cursor& in, std::vector<AppendPiece>& out);
    /// Whether a command may end here.
    [[nodiscard]] bool is_complete() const noexcept { return state_ == State::between && messages_ > 0; }

  private:
    enum class State : std::uint8_t { between, after_literal, after_part };
    bool begin(Cursor& in, std::vector<AppendPiece>& out);
    bool part(Cursor& in, std::vector<AppendPiece>& out);
    bool literal(Cursor& in, AppendPiece::Kind kind, std::vector<AppendPiece>& out);
    void finish_message(std::vector<AppendPiece>& out);
    State state_ = State::between;
    bool wrapped_ = false; ///< the literal stands in UTF8 (...) (RFC 6855 §4)
    bool waits_ = false;   ///< the last piece is a literal whose bytes are to come
    std::size_t messages_ = 0;
    std::size_t parts_ = 0;
};

class AppendParser {
  public:
    /// Reads from the last literal (or the tag) to the one just announced, which is the last piece. A fault is a BAD answer.
    [[nodiscard]] std::optional<BadCommand> next(const Frame& frame, std::vector<AppendPiece>& pieces);
    /// The command ended: what stands behind the last literal.
    [[nodiscard]] std::optional<BadCommand> end(const Frame& frame, std::vector<AppendPiece>& pieces);

    [[nodiscard]] const std::string& tag() const noexcept { return tag_; }
    [[nodiscard]] const std::string& mailbox() const noexcept { return mailbox_; } ///< raw
    /// REPLACE: the message that goes.
    [[nodiscard]] const std::optional<ReplaceArguments>& replaces() const noexcept { return replaces_; }

  private:
    bool read(Cursor& in, std::vector<AppendPiece>& pieces);
    [[nodiscard]] std::optional<BadCommand> run(const Frame& frame, std::vector<AppendPiece>& pieces, bool to_literal);
    std::string tag_;
    std::string mailbox_;
    std::optional<ReplaceArguments> replaces_;
    AppendGrammar grammar_;
    std::size_t position_ = 0; ///< behind the last literal's header
};

} // namespace mail::imap
