// Scanner: the lexical rules of structured header fields (RFC 5322 §3.2) as a cursor over bytes, for the
// parsers of this folder only. Always moves forward, so every parser built on it is linear; nested comments
// are counted, never followed by recursion, and past limit::comment_depth the rest of the value is taken for
// comment.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <string>
#include <string_view>

namespace mail {

class Scanner {
  public:
    explicit Scanner(std::string_view text) noexcept : text_(text) {}

    [[nodiscard]] bool done() const noexcept { return at_ >= text_.size(); }
    /// The byte under the cursor; NUL at the end.
    [[nodiscard]] char peek() const noexcept { return done() ? '\0' : text_[at_]; }
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }
    void skip(std::size_t n = 1) noexcept { at_ = n > text_.size() - at_ ? text_.size() : at_ + n; }
    [[nodiscard]] bool take(char c) noexcept {
        if (done() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }

    /// Skips blanks, line ends and comments; says whether there were any. The text of the last outermost
    /// comment goes to `comment`, its quoted pairs undone, when given.
    bool skip_blanks(std::string* comment = nullptr) {
        const std::size_t start = at_;
        while (!done()) {
            if (is_blank(text_[at_]))
                ++at_;
            else if (text_[at_] == '(')
                skip_comment(comment);
            else
                break;
        }
        return at_ != start;
    }

    /// The cursor stands on '"': appends the content to `out` without quotes, backslashes and line ends. An
    /// open string ends with the value.
    void read_quoted(std::string& out) {
        for (++at_; !done(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                return;
            }
            if (c == '\\' && at_ + 1 < text_.size())
                c = text_[++at_];
            if (c != '\r' && c != '\n' && c != '\0')
                out += c;
        }
    }

    /// The bytes up to the first that `stop` holds; blanks and line ends stop too.
    [[nodiscard]] std::string_view read_until(std::string_view stop) noexcept {
        const std::size_t start = at_;
        while (!done() && !is_blank(text_[at_]) && stop.find(text_[at_]) == std::string_view::npos)
            ++at_;
        return text_.substr(start, at_ - start);
    }

    [[nodiscard]] static bool is_blank(char c) noexcept {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
    }

  private:
    void skip_comment(std::string* comment) {
        std::int64_t depth = 0;
        if (comment != nullptr)
            comment->clear();
        for (; !done(); ++at_) {
            char c = text_[at_];
            if (c == '(') {
                if (++depth == 1)
                    continue;
                if (depth > limit::comment_depth) {
                    at_ = text_.size();
                    return;
                }
            } else if (c == ')' && --depth == 0) {
                ++at_;
                return;
            } else if (c == '\\' && at_ + 1 < text_.size()) {
                c = text_[++at_];
            }
            if (comment != nullptr && c != '\r' && c != '\n' && c != '\0')
                *comment += c;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace mail
