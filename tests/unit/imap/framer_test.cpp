#include "maild/imap/proto/framer.hpp"

#include "tests/catch.hpp"

#include <string>
#include <vector>

using namespace mail::imap;

namespace {

// Runs `wire` through a framer in chunks and writes down what was reported, so that chunkings can be compared.
std::string trace(std::string_view wire, std::size_t chunk, FramerLimits limits) {
    Framer framer(limits);
    std::string out;
    std::size_t at = 0;
    std::uint64_t skip = 0;
    while (at < wire.size()) {
        if (skip > 0) {
            const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(skip, wire.size() - at));
            at += take;
            skip -= take;
            if (skip == 0)
                framer.append_literal_done();
            continue;
        }
        const auto event = framer.feed(wire.substr(at, chunk));
        at += event.consumed;
        switch (event.step) {
        case Framer::Step::need_more: break;
        case Framer::Step::continuation: out += "+|"; break;
        case Framer::Step::append_literal:
            out += "append " + std::to_string(event.size) + (event.synchronizing ? " sync|" : "|");
            skip = event.size;
            if (skip == 0)
                framer.append_literal_done();
            break;
        case Framer::Step::frame:
            out += "frame[" + framer.frame().text + "]" + std::to_string(framer.frame().literals.size()) + "|";
            break;
        case Framer::Step::error:
            out += "error " + event.tag + ":" + std::string(event.reason) + (event.fatal ? "!|" : "|");
            if (event.fatal)
                return out;
            break;
        }
    }
    return out;
}

std::string all_chunkings(std::string_view wire, FramerLimits limits) {
    const auto whole = trace(wire, wire.size() + 1, limits);
    for (std::size_t chunk : {1U, 2U, 3U, 5U, 7U, 16U, 100U, 1000U})
        CHECK(trace(wire, chunk, limits) == whole);
    return whole;
}

const FramerLimits before = FramerLimits::before_sign_in();
const FramerLimits after = FramerLimits::after_sign_in();

} // namespace

TEST_CASE("RFC 9051 §2.2: commands are lines or lines with literals") {
    struct Row {
        std::string_view wire;
        std::string_view expected;
    };
    const std::vector<Row> rows = {
        {"a NOOP\r\n", "frame[a NOOP]0|"},
        {"a NOOP\r\nb NOOP\r\n", "frame[a NOOP]0|frame[b NOOP]0|"},
        {"a LOGIN {3}\r\nann {5}\r\nsesam\r\n", "+|+|frame[a LOGIN {3}\r\nann {5}\r\nsesam]2|"},
        {"a LOGIN {3+}\r\nann {2+}\r\n\r\n\r\n", "frame[a LOGIN {3+}\r\nann {2+}\r\n\r\n]2|"},
        {"a X {0}\r\n\r\n", "+|frame[a X {0}\r\n]1|"},
        {"a X {0+}\r\n{0+}\r\n\r\n", "frame[a X {0+}\r\n{0+}\r\n]2|"},
        {"a NO\x01OP\r\n", "frame[a NO\x01OP]0|"},
        // I30: bare LF, bare CR and NUL
        {"a NOOP\nb NOOP\r\n", "error a:a line ends in a bare LF|frame[b NOOP]0|"},
        {"a NO\rOP\r\nb NOOP\r\n", "error a:a bare CR|frame[b NOOP]0|"},
        {std::string_view("a NO\0OP\r\n", 9), "error a:a NUL byte|"},
        // I02-I04: sizes that cannot be
        {"a X {18446744073709551617}\r\nb NOOP\r\n", "error a:a literal has an impossible size|frame[b NOOP]0|"},
        {"a X {18446744073709551617+}\r\n", "error a:a literal has an impossible size!|"},
        {"a X {-1}\r\n", "frame[a X {-1}]0|"},
        {"a X {}\r\n", "frame[a X {}]0|"},
        {"a X {+}\r\n", "frame[a X {+}]0|"},
        {"a X {1x}\r\n", "frame[a X {1x}]0|"},
        {"a X {0x10}\r\n", "frame[a X {0x10}]0|"},
        {"a X {99999999999}\r\nb NOOP\r\n", "error a:a literal is too large|frame[b NOOP]0|"},
        {"a X {99999999999+}\r\n", "error a:a literal is too large!|"},
        // the bytes of a refused non-synchronizing literal are skipped
        {"a NO\rX {6+}\r\nb N\r\n \r\nc NOOP\r\n", "error a:a bare CR|frame[c NOOP]0|"},
    };
    for (const auto& row : rows)
        CHECK(all_chunkings(row.wire, after) == row.expected);
}

TEST_CASE("RFC 9051 §6.3.12: the messages of APPEND are announced, not buffered") {
    CHECK(all_chunkings("a APPEND box (\\Seen) {5}\r\nhello\r\nb NOOP\r\n", after) ==
          "append 5 sync|frame[a APPEND box (\\Seen) {5}\r\n]1|frame[b NOOP]0|");
    CHECK(all_chunkings("a append {3+}\r\nbox {5+}\r\nhello {2+}\r\nxy\r\n", after) ==
          "append 5|append 2|frame[a append {3+}\r\nbox {5+}\r\n {2+}\r\n]3|");
    CHECK(all_chunkings("a APPEND box ~{0+}\r\n\r\n", after) == "append 0|frame[a APPEND box ~{0+}\r\n]1|");
    // I31: before sign-in it is a literal as any other
    CHECK(all_chunkings("a APPEND box {5}\r\nhello\r\n", before) == "+|frame[a APPEND box {5}\r\nhello]1|");
}

TEST_CASE("Limits: long lines and literals (I06, I07, I32)") {
    SECTION("before sign-in the connection ends") {
        CHECK(all_chunkings("a " + std::string(70000, '(') + "\r\n", before) == "error a:the line is too long!|");
        CHECK(all_chunkings(std::string(70000, 'x') + "\r\n", before) == "error :the line is too long!|");
        CHECK(all_chunkings("a X {4097}\r\n", before) == "error a:a literal is too large|");
        CHECK(all_chunkings("a X {4097+}\r\n", before) == "error a:a literal is too large!|");
    }
    SECTION("after sign-in the line is skipped") {
        CHECK(all_chunkings("a " + std::string(70000, '(') + "\r\nb NOOP\r\n", after) ==
              "error a:the line is too long|frame[b NOOP]0|");
        CHECK(all_chunkings("a " + std::string(70000, '(') + " {3+}\r\nabc\r\nb NOOP\r\n", after) ==
              "error a:the line is too long|frame[b NOOP]0|");
        CHECK(trace("a " + std::string(3000000, '('), 4096, after) == "error a:the line is too long!|");
    }
    SECTION("a line at the limit passes") {
        const std::string line = "a " + std::string(8192 - 4, 'x');
        CHECK(all_chunkings(line + "\r\n", before) == "frame[" + line + "]0|");
        CHECK(all_chunkings(line + "x\r\n", before) == "error a:the line is too long!|");
    }
    SECTION("too many literals") {
        std::string wire = "a X";
        for (int i = 0; i < 5000; ++i)
            wire += " {0+}\r\n";
        CHECK(all_chunkings(wire + "\r\nb NOOP\r\n", after) == "error a:too many literals|frame[b NOOP]0|");
    }
    SECTION("literals that add up") {
        std::string wire = "a X";
        for (int i = 0; i < 11; ++i)
            wire += " {100000+}\r\n" + std::string(100000, 'x');
        CHECK(all_chunkings(wire + "\r\nb NOOP\r\n", after) == "error a:a literal is too large|frame[b NOOP]0|");
    }
}

TEST_CASE("Tags") {
    CHECK(tag_of("a1 NOOP") == "a1");
    CHECK(tag_of("A]1.x NOOP") == "A]1.x");
    for (const auto* text : {"", "+ NOOP", "* NOOP", " NOOP", "a+b NOOP", "a(b NOOP", "\xC3\xA4 NOOP", "a\tNOOP"})
        CHECK(tag_of(text).empty());
    CHECK(tag_of(std::string(65, 'a') + " NOOP").empty());
}

TEST_CASE("An expected line is taken as it is") {
    Framer framer(before);
    framer.expect_line(100);
    auto event = framer.feed("AGFubg== {5}\r\nb NOOP\r\n");
    REQUIRE(event.step == Framer::Step::frame);
    CHECK(framer.frame().text == "AGFubg== {5}");
    CHECK(event.consumed == 14);
    event = framer.feed("b NOOP\r\n");
    REQUIRE(event.step == Framer::Step::frame);
    CHECK(framer.frame().text == "b NOOP");
    framer.expect_line(10);
    event = framer.feed(std::string(20, 'x'));
    CHECK(event.step == Framer::Step::error);
    CHECK(event.fatal);
}
