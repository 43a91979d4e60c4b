// What an IMAP server says, taken apart: responses with their literals, and the values in them. For load generators, which check
// every answer; throws std::runtime_error for what is no IMAP.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mail::bench {

/// An atom, a string or a list; NIL is an atom.
struct Value {
    bool is_list = false;
    std::string text;
    std::vector<Value> items;
};

/// Takes the first whole response, without its last CRLF, from the front of `bytes`; false: more must come.
[[nodiscard]] bool take_response(std::string_view bytes, std::size_t& length);

class ReplyCursor {
  public:
    explicit ReplyCursor(std::string_view text) : rest_(text) {}
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    /// The next value; blanks before it are skipped. Brackets belong to an atom with all they hold: BODY[HEADER.FIELDS (To)].
    [[nodiscard]] Value value();
    [[nodiscard]] unsigned number();
    /// The next atom when it is `word`.
    bool skip(std::string_view word);

  private:
    void blanks();
    [[nodiscard]] std::string quoted();
    [[nodiscard]] std::string literal();
    [[nodiscard]] std::string atom();
    std::string_view rest_;
};

} // namespace mail::bench
