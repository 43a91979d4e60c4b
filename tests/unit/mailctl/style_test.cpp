#include "mailctl/output/style.hpp"
#include "tests/catch.hpp"

using namespace mail::mailctl;

TEST_CASE("display width counts columns, not bytes") {
    CHECK(display_width("") == 0);
    CHECK(display_width("ann") == 3);
    CHECK(display_width("Müller") == 6);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(display_width("\xff\xfe") == 2);
}

TEST_CASE("hostile text cannot drive a terminal") {
    CHECK(clean("ann@example.org") == "ann@example.org");
    CHECK(clean("a\x1b[31mb") == "a\\x1b[31mb");
    CHECK(clean("a\r\nb\tc") == "a\\r\\nb\\tc");
    CHECK(clean("a\x7f") == "a\\x7f");
    CHECK(clean("a\xc2\x9b" "b") == "a\\u009bb");            // C1 CSI
    CHECK(clean("a\u202eb") == "a\\u202eb");                // right-to-left override
    CHECK(clean("a\u2028b") == "a\\u2028b");
    CHECK(clean("\xff") == "\\xff");
    CHECK(clean("\xc0\x80") == "\\xc0\\x80");               // overlong NUL
    CHECK(clean("\xed\xa0\x80") == "\\xed\\xa0\\x80");      // surrogate
    CHECK(clean(std::string_view("\0", 1)) == "\\x00");
    CHECK(clean("Jürgen 日本") == "Jürgen 日本");
}

TEST_CASE("text is clipped at a column, never inside a character") {
    CHECK(clipped("abcdef", 6) == "abcdef");
    CHECK(clipped("abcdefg", 6) == "abcde…");
    CHECK(clipped("日本語", 5) == "日本…");
    CHECK(clipped("日本語", 4) == "日…");
    CHECK(clipped("abc", 0).empty());
    CHECK(clipped("abc", 1) == "…");
}

TEST_CASE("padding and colour") {
    CHECK(padded("ab", 4) == "ab  ");
    CHECK(padded("ab", 4, true) == "  ab");
    CHECK(padded("日", 4) == "日  ");
    CHECK(toned("x", Tone::bad, false) == "x");
    CHECK(toned("x", Tone::bad, true) == "\x1b[31mx\x1b[0m");
}

TEST_CASE("wrapping breaks at spaces and indents what follows") {
    CHECK(wrapped("one two three", 80, 0) == "one two three");
    CHECK(wrapped("one two three", 7, 0) == "one two\nthree");
    CHECK(wrapped("one two three", 9, 2) == "one two\n  three");
    CHECK(wrapped("unbreakable", 4, 0) == "unbreakable");
}
