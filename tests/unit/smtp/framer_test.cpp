#include "maild/smtp/proto/framer.hpp"
#include "tests/catch.hpp"

#include <string>
#include <vector>

using namespace mail::smtp;
using namespace std::string_literals;
using Status = LineFramer::Status;

namespace {

/// Everything a LineFramer makes of `input` when it arrives in pieces of `piece` bytes.
std::vector<std::string> frame_lines(const std::string& input, std::size_t piece, std::size_t max) {
    std::vector<std::string> seen;
    LineFramer framer;
    std::string buffer;
    std::size_t fed = 0;
    while (true) {
        const LineFramer::Result result = framer.next(buffer, max, 64);
        const std::string line(result.line);
        buffer.erase(0, result.consumed);
        if (result.status == Status::line)
            seen.push_back("line " + line);
        else if (result.status == Status::too_long)
            seen.push_back("too long");
        else if (result.status == Status::bare_lf)
            seen.push_back("bare LF");
        else if (result.status == Status::flood)
            return seen.push_back("flood"), seen;
        if (result.status != Status::need_more)
            continue;
        if (fed == input.size())
            return seen;
        const std::size_t count = std::min(piece, input.size() - fed);
        buffer += input.substr(fed, count);
        fed += count;
    }
}

struct Taken {
    std::string message;
    std::string rest;
    bool done = false;
    bool bare = false;
    bool long_line = false;
    bool operator==(const Taken&) const = default;
};

Taken take_data(const std::string& input, std::size_t piece, std::size_t max_line = 1000) {
    DataFramer framer(max_line);
    Taken taken;
    std::size_t at = 0;
    while (at < input.size() && !framer.done()) {
        const std::string_view part = std::string_view(input).substr(at, piece);
        at += framer.feed(part, &taken.message);
    }
    CHECK(framer.size() == taken.message.size());
    taken.rest = input.substr(at);
    taken.done = framer.done();
    taken.bare = framer.has_bare_line_ending();
    taken.long_line = framer.has_long_line();
    return taken;
}

} // namespace

TEST_CASE("RFC 5321 §2.3.8: only CR LF ends a command line, however it is cut") {
    struct Row {
        std::string input;
        std::vector<std::string> expected;
    };
    const std::string long_line(30, 'x');
    const Row rows[] = {
        {"", {}},
        {"NOOP", {}},
        {"NOOP\r", {}},
        {"NOOP\r\n", {"line NOOP"}},
        {"\r\n", {"line "}},
        {"EHLO a\r\nQUIT\r\n", {"line EHLO a", "line QUIT"}},
        {"NOOP\n", {"bare LF"}},
        {"\n", {"bare LF"}},
        {"NOOP\nQUIT\r\n", {"bare LF", "line QUIT"}},
        {"A\rB\r\n", {"line A\rB"}},
        {"A\r\r\n", {"line A\r"}},
        {"A\0B\r\n"s, {"line A\0B"s}},
        {std::string(18, 'x') + "\r\n", {"line " + std::string(18, 'x')}},
        {std::string(19, 'x') + "\r\n", {"too long"}},
        {long_line + "\r\nQUIT\r\n", {"too long", "line QUIT"}},
        {long_line + "\nQUIT\r\n", {"bare LF", "line QUIT"}},
        {std::string(62, 'x') + "\r\n", {"too long"}},
        {std::string(63, 'x') + "\r\n", {"flood"}},
        {std::string(500, 'x'), {"flood"}},
    };
    for (const Row& row : rows) {
        INFO(row.input);
        for (std::size_t piece = 1; piece <= row.input.size() + 1; ++piece)
            CHECK(frame_lines(row.input, piece, 20) == row.expected);
    }
}

TEST_CASE("RFC 5321 §4.5.2: dots are taken away and CR LF . CR LF ends the message, however it is cut") {
    struct Row {
        std::string input, message, rest;
    };
    const Row rows[] = {
        {".\r\n", "", ""},
        {"\r\n.\r\n", "\r\n", ""},
        {"a\r\n.\r\n", "a\r\n", ""},
        {"a\r\n.\r\nMAIL", "a\r\n", "MAIL"},
        {"..\r\n.\r\n", ".\r\n", ""},
        {".a\r\n.\r\n", "a\r\n", ""},
        {"...\r\n.\r\n", "..\r\n", ""},
        {"a.\r\n.\r\n", "a.\r\n", ""},
        {"a\r\n..b\r\n.\r\n", "a\r\n.b\r\n", ""},
        {"a\r\n\r\n.\r\n.\r\n", "a\r\n\r\n", ".\r\n"},
        {"nul\0here\r\n.\r\n"s, "nul\0here\r\n"s, ""},
        {"\r\n\0.\r\n.\r\n"s, "\r\n\0.\r\n"s, ""}, // faults S09
    };
    for (const Row& row : rows) {
        INFO(row.input);
        for (std::size_t piece = 1; piece <= row.input.size(); ++piece)
            CHECK(take_data(row.input, piece) == Taken{row.message, row.rest, true, false, false});
    }
}

TEST_CASE("faults S01 to S11: nothing but CR LF . CR LF ends DATA") {
    const std::pair<std::string, std::string> forms[] = {
        {"S01", "\n.\n"},         {"S02", "\n.\r\n"},      {"S03", "\r.\r"},      {"S04", "\r.\n"},
        {"S05", "\r.\r\n"},       {"S06", "\n.\r"},        {"S07", "\r\n.\n"},    {"S08", "\r\n.\r"},
        {"S10", "\r\n.\r\r\n"},   {"S11", "\r\r\n.\r\r\n"}, {"lf lf", "\n\n.\n\n"}, {"crcrlf", "\r\r\n.\r\n"},
        {"lfcr", "\n\r.\n\r"},    {"dot cr", "\r\n.\rx\r\n"},
    };
    for (const auto& [name, form] : forms) {
        const std::string tail = "MAIL FROM:<admin@example.org>\r\n";
        const std::string input = "Subject: x\r\n\r\nbody" + form + tail;
        INFO(name);
        const Taken whole = take_data(input, input.size());
        // "CR CR LF . CR LF" holds a true end mark, but also a bare CR: the session refuses and closes.
        CHECK((whole.done == (name == "crcrlf")));
        CHECK(whole.bare);
        for (std::size_t piece = 1; piece < input.size(); ++piece)
            CHECK(take_data(input, piece) == whole);
    }
}

TEST_CASE("faults S51: a line over the limit is told and never cut") {
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 10u, 11u, 12u, 100u}) {
        CHECK_FALSE(take_data("0123456789\r\n.\r\n", piece, 10).long_line);
        CHECK(take_data("0123456789x\r\n.\r\n", piece, 10).long_line);
        const Taken taken = take_data("01234567890123456789.\r\n.\r\n", piece, 10);
        CHECK(taken.message == "01234567890123456789.\r\n");
        CHECK(taken.done);
    }
}

TEST_CASE("line endings are judged alike for every cut") {
    const std::pair<std::string, bool> rows[] = {{"", false},       {"a", false},       {"a\r\nb\r\n", false}, {"\r\n", false},
                                                 {"a\n", true},     {"a\rb", true},     {"a\r", true},         {"\r\r\n", true},
                                                 {"a\r\n\n", true}, {"a\r\n\r", true},  {"\r\n\r\n", false}};
    for (const auto& [input, expected] : rows) {
        INFO(input);
        for (std::size_t piece = 1; piece <= input.size() + 1; ++piece) {
            LineEndings endings;
            for (std::size_t at = 0; at < input.size(); at += piece)
                endings.feed(std::string_view(input).substr(at, piece));
            CHECK(endings.is_bare(true) == expected);
        }
    }
}

TEST_CASE("faults O13: what leaves has stuffed dots and CR LF alone, and comes back") {
    const std::pair<std::string, std::string> rows[] = {
        {"", ".\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\r\n", "a\r\n.\r\n"},
        {".\r\n..\r\n", "..\r\n...\r\n.\r\n"},
        {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
        {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
        {"a\r\r\n.\r\r\n", "a\r\n\r\n..\r\n\r\n.\r\n"},
        {"\n\n", "\r\n\r\n.\r\n"},
    };
    for (const auto& [input, expected] : rows) {
        INFO(input);
        CHECK(stuff_dots(input) == expected);
        for (std::size_t piece = 1; piece <= input.size(); ++piece) {
            DotStuffer stuffer;
            std::string out;
            for (std::size_t at = 0; at < input.size(); at += piece)
                stuffer.feed(std::string_view(input).substr(at, piece), out);
            stuffer.finish(out);
            CHECK(out == expected);
        }
        const Taken taken = take_data(expected, 3);
        CHECK(taken.done);
        CHECK_FALSE(taken.bare);
        CHECK(taken.rest.empty());
    }
}

TEST_CASE("framers take linear time on hostile text") {
    const std::string returns(2000000, '\r');
    CHECK(stuff_dots(returns).size() == 4000003);
    std::string out;
    DataFramer framer;
    (void)framer.feed(returns, &out);
    CHECK(framer.has_bare_line_ending());
    std::string dots;
    for (int i = 0; i < 500000; ++i)
        dots += ".\r\r\n";
    DataFramer second;
    out.clear();
    (void)second.feed(dots, &out);
    CHECK_FALSE(second.done());
}
