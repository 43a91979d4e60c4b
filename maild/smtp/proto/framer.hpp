// Framers of SMTP's byte stream: command lines, DATA with dots (RFC 5321 §2.3.8, §4.5.2) and BDAT chunks (RFC 3030).
// Whether a byte sequence ends a line or a message is decided here and nowhere else: only CR LF ends a line and only
// CR LF "." CR LF ends DATA, which closes every form of SMTP smuggling. Used by the session and by fuzz targets.
// Pure and incremental: the result is the same for every way of cutting the input into pieces. Linear time.
#pragma once

#include "common/base/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::smtp {

/// One command line from the front of an input buffer.
class LineFramer {
  public:
    enum class Status : std::uint8_t {
        need_more, ///< no whole line yet: drop `consumed` bytes and read on
        line,      ///< `line` (without CR LF) views into the buffer given
        too_long,  ///< a line over the limit has ended and was dropped
        bare_lf,   ///< LF without CR: the peer does not speak SMTP; answer and close
        flood,     ///< a line that goes on far beyond the limit; answer and close
    };
    struct Result {
        Status status = Status::need_more;
        std::string_view line;
        std::size_t consumed = 0;
    };
    /// `buffered` begins where the last result's `consumed` ended. Lines longer than `max` bytes (with CR LF) are
    /// dropped as they come, at most `flood` bytes of one.
    [[nodiscard]] Result next(std::string_view buffered, std::size_t max, std::size_t flood = 131072);

  private:
    std::size_t scanned_ = 0; ///< bytes at the front known to hold no LF
    std::size_t dropped_ = 0; ///< bytes of a line that is too long
    bool dropped_cr_ = false; ///< the last of them was CR
};

/// Finds CR and LF that do not belong together, over any number of pieces.
class LineEndings {
  public:
    void feed(std::string_view bytes);
    /// Also true for a CR at the very end, once `at_end`.
    [[nodiscard]] bool is_bare(bool at_end) const noexcept { return bare_ || (at_end && last_cr_); }

  private:
    bool bare_ = false;
    bool last_cr_ = false;
};

/// The bytes after 354 up to CR LF "." CR LF, with the leading dots of lines taken away (RFC 5321 §4.5.2).
class DataFramer {
  public:
    explicit DataFramer(std::size_t max_line = std::size_t{limit::smtp_text_line}) : max_line_(max_line) {}
    /// Takes bytes from the front of `in` up to the end of the message and appends the message's bytes to `out` (null:
    /// they are dropped). Returns how many were taken: all of them unless done().
    [[nodiscard]] std::size_t feed(std::string_view in, std::string* out);
    [[nodiscard]] bool done() const noexcept { return done_; }
    /// CR or LF alone was seen: the message is to be refused and the connection closed.
    [[nodiscard]] bool has_bare_line_ending() const noexcept { return bare_; }
    [[nodiscard]] bool has_long_line() const noexcept { return long_line_; }
    /// Bytes of the message so far, dots and the end mark not counted.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  private:
    enum class State : std::uint8_t { line_start, in_line, after_dot, after_dot_cr };
    [[nodiscard]] std::size_t scan_line(std::string_view in, std::size_t at);

    State state_ = State::line_start;
    bool last_cr_ = false;
    bool done_ = false;
    bool bare_ = false;
    bool long_line_ = false;
    std::size_t max_line_;
    std::uint64_t line_ = 0; ///< length of the current line so far
    std::uint64_t size_ = 0;
};

/// Adds the dots and the end mark that DataFramer takes away; for the outbound client. `body` is any bytes: bare CR and
/// LF become CR LF, so that what leaves cannot be read in two ways (faults O13). Returns what goes after 354.
[[nodiscard]] std::string stuff_dots(std::string_view body);

/// The same over pieces, for messages that are not in memory at once.
class DotStuffer {
  public:
    void feed(std::string_view bytes, std::string& out);
    /// Closes the last line and appends the end mark.
    void finish(std::string& out);

  private:
    bool line_start_ = true;
    bool last_cr_ = false;
};

} // namespace mail::smtp
