#include "maild/imap/proto/cursor.hpp"

#include "common/base/text.hpp"
#include "maild/imap/proto/characters.hpp"

#include <algorithm>
#include <array>

namespace mail::imap {

Cursor::Cursor(const Frame& frame, std::size_t position) noexcept
    : text_(frame.text), literals_(frame.literals), at_(position) {
    while (next_literal_ < literals_.size() && literals_[next_literal_].at < at_)
        ++next_literal_;
}

bool Cursor::fail(std::string_view reason) {
    if (reason_.empty()) {
        reason_ = reason;
        fault_ = at_;
    }
    return false;
}

bool Cursor::take(char c) noexcept {
    if (at_end() || text_[at_] != c)
        return false;
    ++at_;
    return true;
}

bool Cursor::take_prefix(std::string_view prefix) noexcept {
    if (!text::istarts_with(text_.substr(at_), prefix))
        return false;
    at_ += prefix.size();
    return true;
}

bool Cursor::take_word(std::string_view word) noexcept {
    const auto rest = text_.substr(at_);
    if (!text::istarts_with(rest, word) || (rest.size() > word.size() && is_atom_char(rest[word.size()])))
        return false;
    at_ += word.size();
    return true;
}

bool Cursor::at_string() const noexcept { return peek() == '"' || literal_here() != nullptr; }

bool Cursor::expect(char c) {
    if (take(c))
        return true;
    return fail(c == '(' ? "expected (" : c == ')' ? "expected )" : c == ']' ? "expected ]" : "unexpected character");
}

bool Cursor::space() { return take(' ') || fail(at_end() ? "missing argument" : "expected a space"); }

bool Cursor::end() { return at_end() || fail("unexpected text after the command"); }

template <class Predicate> std::string_view Cursor::run(Predicate matches) noexcept {
    const auto begin = at_;
    while (at_ < text_.size() && matches(text_[at_]))
        ++at_;
    return text_.substr(begin, at_ - begin);
}

bool Cursor::atom(std::string& out) {
    out = run(is_atom_char);
    return !out.empty() || fail("expected an atom");
}

const Literal* Cursor::literal_here() const noexcept {
    return next_literal_ < literals_.size() && literals_[next_literal_].at == at_ ? &literals_[next_literal_] : nullptr;
}

bool Cursor::literal(std::string& out) {
    const auto* literal = literal_here();
    if (literal == nullptr || literal->streamed || literal->literal8)
        return fail("expected a string");
    const auto bytes = text_.substr(literal->data, static_cast<std::size_t>(literal->size));
    // RFC 9051 §9: a literal holds CHAR8, which leaves out NUL.
    if (bytes.find('\0') != std::string_view::npos)
        return fail("a NUL byte in a string");
    out = bytes;
    at_ = literal->data + bytes.size();
    ++next_literal_;
    return true;
}

bool Cursor::quoted(std::string& out) {
    if (!take('"'))
        return fail("expected a string");
    out.clear();
    while (true) {
        const auto plain = run([](char c) { return c != '"' && c != '\\' && c != '\r' && c != '\n'; });
        out += plain;
        if (take('"'))
            return true;
        if (!take('\\') || (peek() != '"' && peek() != '\\'))
            return fail("a quoted string does not end well");
        out += text_[at_++];
    }
}

bool Cursor::string(std::string& out) { return peek() == '"' ? quoted(out) : literal(out); }

bool Cursor::astring(std::string& out) {
    if (at_string())
        return string(out);
    out = run(is_astring_char);
    return !out.empty() || fail("expected a string or an atom");
}

bool Cursor::nstring(std::optional<std::string>& out) {
    if (take_word("NIL")) {
        out.reset();
        return true;
    }
    return string(out.emplace());
}

bool Cursor::value(std::optional<std::string>& out) {
    const auto* literal = literal_here();
    if (literal == nullptr || !literal->literal8 || literal->streamed)
        return nstring(out);
    out = text_.substr(literal->data, static_cast<std::size_t>(literal->size));
    at_ = literal->data + out->size();
    ++next_literal_;
    return true;
}

bool Cursor::list_mailbox(std::string& out) {
    if (at_string())
        return string(out);
    out = run(is_list_char);
    return !out.empty() || fail("expected a mailbox pattern");
}

bool Cursor::number(std::uint32_t& out) {
    const auto value = text::number<std::uint32_t>(run(text::is_digit));
    out = value.value_or(0);
    return value.has_value() || fail("expected a number");
}

bool Cursor::number64(std::uint64_t& out) {
    const auto value = text::number<std::uint64_t>(run(text::is_digit));
    out = value.value_or(0);
    // RFC 9051 §9 number64 and RFC 7162 §7 mod-sequence-value: 63 bits.
    return (value && *value <= 9223372036854775807ULL) || fail("expected a number");
}

bool Cursor::nz_number(std::uint32_t& out) { return number(out) && (out != 0 || fail("zero is not allowed here")); }

bool Cursor::sequence_set(SequenceSet& out) {
    const auto begin = at_;
    const auto text = run([](char c) { return text::is_digit(c) || c == ':' || c == ',' || c == '*' || c == '$'; });
    auto set = SequenceSet::parse(text);
    if (!set) {
        at_ = begin;
        return fail("expected a sequence set");
    }
    out = std::move(*set);
    return true;
}

bool Cursor::flag(FlagList& out) {
    struct Name {
        std::string_view word;
        std::uint8_t bit;
    };
    static constexpr std::array<Name, 6> names{{{"Seen", 1}, {"Answered", 2}, {"Flagged", 4}, {"Deleted", 8},
                                                {"Draft", 16}, {"Recent", 0}}};
    if (take('\\')) {
        for (const auto& name : names)
            if (take_word(name.word)) {
                out.system = static_cast<std::uint8_t>(out.system | name.bit);
                return true;
            }
        return fail("unknown system flag");
    }
    std::string keyword;
    if (!atom(keyword))
        return false;
    // Clients list dozens at most; beyond that a set would be needed to stay linear.
    if (out.keywords.size() > static_cast<std::size_t>(limit::keywords_per_folder))
        return fail("too many keywords");
    for (const auto& known : out.keywords)
        if (text::iequals(known, keyword))
            return true;
    out.keywords.push_back(std::move(keyword));
    return true;
}

bool Cursor::flag_list(FlagList& out) {
    if (!expect('('))
        return false;
    if (take(')'))
        return true;
    while (true) {
        if (!flag(out))
            return false;
        if (take(')'))
            return true;
        if (!space())
            return false;
    }
}

bool Cursor::date(Time& out) {
    std::string text;
    const bool is_quoted = peek() == '"';
    if (is_quoted ? !quoted(text) : !atom(text))
        return false;
    const auto day = parse_imap_date(text);
    if (!day)
        return fail("expected a date such as 1-Feb-2024");
    out = *day;
    return true;
}

bool Cursor::date_time(DateTime& out) {
    std::string text;
    if (!quoted(text))
        return false;
    const auto time = parse_internal_date(text);
    if (!time)
        return fail("expected a date and time such as \"17-Jul-2024 02:44:25 -0700\"");
    out = *time;
    return true;
}

bool Cursor::at_streamed_literal() const noexcept {
    const auto* literal = literal_here();
    return literal != nullptr && literal->streamed;
}

bool Cursor::message_literal(AppendPiece& out) {
    const auto* literal = literal_here();
    if (literal == nullptr)
        return fail("expected a literal");
    out.size = literal->size;
    out.literal8 = literal->literal8;
    out.streamed = literal->streamed;
    at_ = literal->data + (literal->streamed ? 0 : static_cast<std::size_t>(literal->size));
    ++next_literal_;
    return true;
}

} // namespace mail::imap
