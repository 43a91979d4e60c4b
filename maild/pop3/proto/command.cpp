#include "maild/pop3/proto/command.hpp"

#include "common/base/text.hpp"

#include <array>

namespace mail::pop3 {
namespace {

enum class Shape : std::uint8_t { nothing, text, rest, auth, number, optional_number, top, optional_text };
struct Row {
    std::string_view word;
    Verb verb;
    Shape shape;
};
constexpr std::array rows{
    Row{"USER", Verb::user, Shape::text},           Row{"PASS", Verb::pass, Shape::rest},
    Row{"AUTH", Verb::auth, Shape::auth},           Row{"STLS", Verb::stls, Shape::nothing},
    Row{"CAPA", Verb::capa, Shape::nothing},        Row{"QUIT", Verb::quit, Shape::nothing},
    Row{"STAT", Verb::stat, Shape::nothing},        Row{"LIST", Verb::list, Shape::optional_number},
    Row{"RETR", Verb::retr, Shape::number},         Row{"DELE", Verb::dele, Shape::number},
    Row{"NOOP", Verb::noop, Shape::nothing},        Row{"RSET", Verb::rset, Shape::nothing},
    Row{"TOP", Verb::top, Shape::top},              Row{"UIDL", Verb::uidl, Shape::optional_number},
    Row{"UTF8", Verb::utf8, Shape::nothing},        Row{"LANG", Verb::lang, Shape::optional_text},
};

/// The next word and the rest behind one space.
std::string_view next_word(std::string_view& rest) {
    const auto end = rest.find(' ');
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return word;
}

Result<std::uint32_t> message_number(std::string_view word) {
    const auto n = text::number<std::uint32_t>(word);
    if (!n || *n == 0)
        return fail(ErrorCode::invalid, "a message number is expected");
    return *n;
}

Result<Command> parse_arguments(const Row& row, std::string_view rest) {
    Command out;
    out.verb = row.verb;
    const std::string_view all = rest;
    switch (row.shape) {
    case Shape::rest: // RFC 1939 §7 PASS: the whole rest is the password, spaces included
        out.text = all;
        if (all.empty())
            return fail(ErrorCode::invalid, "an argument is missing");
        return out;
    case Shape::text:
    case Shape::optional_text:
        out.text = text::trim(all);
        if (out.text.empty() && row.shape == Shape::text)
            return fail(ErrorCode::invalid, "an argument is missing");
        return out;
    case Shape::auth:
        out.text = next_word(rest);
        if (!rest.empty())
            out.initial = std::string(text::trim(rest));
        return out;
    case Shape::nothing:
        if (!text::trim(all).empty())
            return fail(ErrorCode::invalid, "this command takes no argument");
        return out;
    case Shape::number:
    case Shape::optional_number: {
        const auto word = text::trim(all);
        if (word.empty() && row.shape == Shape::optional_number)
            return out;
        MAIL_TRY(out.number, message_number(word));
        return out;
    }
    case Shape::top: {
        MAIL_TRY(out.number, message_number(next_word(rest)));
        const auto lines = text::number<std::uint32_t>(text::trim(rest));
        if (!lines)
            return fail(ErrorCode::invalid, "a number of lines is expected");
        out.lines = *lines;
        return out;
    }
    }
    return fail(ErrorCode::internal, "unknown shape");
}

} // namespace

Result<Command> parse_command(std::string_view line) {
    for (char c : line)
        if (c == '\0' || c == '\r' || c == '\n')
            return fail(ErrorCode::invalid, "the command contains a forbidden byte");
    std::string_view rest = line;
    const auto word = next_word(rest);
    for (const auto& row : rows)
        if (text::iequals(row.word, word))
            return parse_arguments(row, rest);
    return fail(ErrorCode::invalid, "unknown command");
}

} // namespace mail::pop3
