// What an IMAP server says (RFC 9051 §7), as pure code for a client that trusts nothing: where one response ends among the
// bytes that came, and what it says. Sizes are bounded before anything is kept, nesting before anything is parsed.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap_client {

struct ResponseLimits {
    std::size_t line = 1U << 20U;      ///< bytes of a response, its literals apart
    std::size_t literal = 64U << 20U;  ///< bytes of one literal, and of all of a response
};

/// Finds the end of one response after another. Looks at every byte once.
class ResponseFramer {
  public:
    explicit ResponseFramer(ResponseLimits limits = {}) : limits_(limits) {}
    /// `data` is everything that came after the last response. Its size in bytes once it is complete; nullopt: read more.
    /// Errors: too_large, invalid; the connection is then of no use.
    [[nodiscard]] Result<std::optional<std::size_t>> find_end(std::string_view data);
    /// Bytes that are still to come of a literal; for time-outs.
    [[nodiscard]] std::size_t missing() const noexcept { return missing_; }

  private:
    ResponseLimits limits_;
    std::size_t line_begin_ = 0;
    std::size_t searched_ = 0;
    std::size_t literals_ = 0; ///< bytes of them so far
    std::size_t missing_ = 0;
};

/// A piece of data: NIL, an atom or number, a string, or a list in parentheses.
struct Value {
    enum class Kind : std::uint8_t { nil, atom, string, list };
    Kind kind = Kind::nil;
    std::string text; ///< of atom and string
    std::vector<Value> items;
    [[nodiscard]] bool is_list() const noexcept { return kind == Kind::list; }
    [[nodiscard]] std::optional<std::uint64_t> number() const;
};

struct Response {
    enum class Kind : std::uint8_t { untagged, tagged, continuation };
    Kind kind = Kind::untagged;
    std::string tag;                    ///< of a tagged one
    std::optional<std::uint32_t> number; ///< "* 12 FETCH"
    std::string name;                   ///< upper case: OK, NO, BAD, BYE, FETCH, LIST ...; empty for a continuation
    std::string code;                   ///< "UIDVALIDITY 17" of [UIDVALIDITY 17]
    std::string text;                   ///< what is for people; of a continuation all of it
    std::vector<Value> values;          ///< of data
    [[nodiscard]] bool is(std::string_view word) const noexcept { return name == word; }
    /// The argument of a code: code_argument("UIDVALIDITY") == "17".
    [[nodiscard]] std::optional<std::string_view> code_argument(std::string_view word) const;
    /// In a FETCH response what belongs to an item: fetched("UID"). BODY[...] items carry their section in the name.
    [[nodiscard]] const Value* fetched(std::string_view item) const;
};

/// One whole response as ResponseFramer found it, line end included. Errors: invalid.
[[nodiscard]] Result<Response> parse_response(std::string_view bytes);

/// An argument as a quoted string where that is possible, else as a synchronizing literal is needed: nullopt (CR, LF, NUL or
/// 8-bit bytes).
[[nodiscard]] std::optional<std::string> quoted(std::string_view text);

} // namespace mail::imap_client
