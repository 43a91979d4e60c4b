// Framer: cuts the bytes of one IMAP connection into commands (RFC 9051 §2.2, §4.3; RFC 7888 literals).
// Fed by the session with whatever was read, in any chunking; the result never depends on the chunking. Knows nothing
// about verbs but one thing: the message literal of APPEND is announced, not buffered, so that it can stream to the store.
// Memory is bounded by Limits::command; a line that breaks a rule is swallowed to its end and reported once.
#pragma once

#include "common/base/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap {

struct Literal {
    std::size_t at = 0;     ///< offset in Frame::text of its '{' or '~'
    std::size_t data = 0;   ///< offset of its first byte
    std::uint64_t size = 0; ///< bytes announced
    bool literal8 = false;  ///< "~{n}" of RFC 3516
    bool streamed = false;  ///< its bytes went elsewhere and are not in the text
};

/// One command as it came, without its last CRLF; literals stand in place after their "{n}CRLF".
struct Frame {
    std::string text;
    std::vector<Literal> literals;
};

struct FramerLimits {
    std::size_t line = 0;           ///< one line, CRLF included
    std::size_t command = 0;        ///< text and literals of one command
    std::size_t literal = 0;        ///< one literal
    std::size_t nonsync = 0;        ///< one "{n+}" literal; a larger one ends the connection
    bool stream_append = false;     ///< announce the message literals of APPEND
    bool fatal_overflow = false;    ///< a line too long ends the connection

    [[nodiscard]] static FramerLimits before_sign_in() noexcept;
    [[nodiscard]] static FramerLimits after_sign_in() noexcept;
};

class Framer {
  public:
    enum class Step : std::uint8_t {
        need_more,      ///< all input was taken
        continuation,   ///< the client waits for "+" before it sends a literal
        append_literal, ///< `size` bytes of a message follow; call append_literal_done() once they are dealt with
        frame,          ///< frame() holds a command until the next feed()
        error,          ///< answer BAD; when `fatal`, say BYE and close
    };
    struct Event {
        Step step = Step::need_more;
        std::size_t consumed = 0;     ///< bytes of the input this call took
        std::uint64_t size = 0;       ///< of append_literal
        bool synchronizing = false;   ///< of append_literal: the client waits for "+"
        bool literal8 = false;        ///< of append_literal
        bool fatal = false;           ///< of error
        std::string tag = {};         ///< of error; empty when unknown
        std::string_view reason = {}; ///< of error; a constant
    };

    explicit Framer(FramerLimits limits) noexcept : limits_(limits) {}

    [[nodiscard]] Event feed(std::string_view input);
    [[nodiscard]] const Frame& frame() const noexcept { return frame_; }
    void append_literal_done() noexcept;
    /// The next line is no command but an answer (SASL, IDLE's DONE): frame() is then that line, literals ignored.
    void expect_line(std::size_t max) noexcept;
    /// Forgets an unfinished command, as after a refused synchronizing literal.
    void reset() noexcept;
    void set_limits(FramerLimits limits) noexcept { limits_ = limits; }
    /// Nothing of a command was taken in yet.
    [[nodiscard]] bool is_idle() const noexcept { return finished_ || (frame_.text.empty() && !poisoned()); }

  private:
    [[nodiscard]] bool poisoned() const noexcept { return !poison_.empty(); }
    void poison(std::string_view reason);
    void take_line_bytes(std::string_view bytes);
    [[nodiscard]] bool overflowed() const noexcept;
    [[nodiscard]] Event finish(Step step, std::size_t consumed);
    [[nodiscard]] Event failure(std::string_view reason, bool fatal, std::size_t consumed);
    [[nodiscard]] bool end_line(Event& event, std::size_t consumed);
    [[nodiscard]] bool begin_literal(std::string_view line, Event& event, std::size_t consumed);
    [[nodiscard]] bool refuse_literal(std::uint64_t size, bool nonsync, std::string_view reason, Event& event,
                                      std::size_t consumed);

    FramerLimits limits_;
    Frame frame_;
    std::size_t line_start_ = 0;
    std::size_t line_size_ = 0;      ///< bytes of the current line so far
    std::size_t swallowed_ = 0;      ///< bytes dropped since the command went wrong
    std::size_t line_max_ = 0;       ///< of an expected line
    std::uint64_t literal_left_ = 0; ///< bytes of a literal still to come
    std::string tail_;               ///< the end of the current line of a command that went wrong
    std::string tag_;                ///< its tag
    std::string_view poison_;        ///< what went wrong
    bool raw_line_ = false;
    bool finished_ = false;
};

/// The tag a command starts with; empty when it is none (RFC 9051 §9 tag).
[[nodiscard]] std::string_view tag_of(std::string_view text) noexcept;

} // namespace mail::imap
