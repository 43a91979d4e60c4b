#include "tests/catch.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <cstdint>

using namespace mail;
using namespace std::string_literals;

TEST_CASE("ASCII case, trimming and splitting") {
    CHECK(text::to_lower("AbC\xC3\x84") == "abc\xC3\x84");
    CHECK(text::to_upper("AbC\xC3\xA4") == "ABC\xC3\xA4");
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    for (std::size_t begin = 0; begin < 9; ++begin) { // whatever stands beside it, at the end as well
        const std::string text = all.substr(begin);
        std::string up = text, down = text;
        std::transform(text.begin(), text.end(), up.begin(), text::upper);
        std::transform(text.begin(), text.end(), down.begin(), text::lower);
        CHECK(text::to_upper(text) == up);
        CHECK(text::to_lower(text) == down);
    }
    CHECK(text::iequals("abc", "ABC"));
    CHECK_FALSE(text::iequals("abc", "ab"));
    CHECK_FALSE(text::iequals("[", "{")); // 0x20 apart, yet no letters
    CHECK(text::istarts_with("Subject: x", "SUBJECT"));
    CHECK_FALSE(text::istarts_with("Sub", "SUBJECT"));
    CHECK(text::ifind("Hello World", "WORLD") == 6);
    CHECK(text::ifind("Hello", "x") == std::string_view::npos);
    CHECK(text::ifind("", "x") == std::string_view::npos);
    CHECK(text::trim(" \t\r\na b\n ") == "a b");
    CHECK(text::trim(" \t").empty());
    CHECK(text::split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(text::split("", ',') == std::vector<std::string_view>{""});
    for (const auto& list : {"a,,b"s, ",a"s, "a,"s, ""s, ","s}) {
        std::vector<std::string> parts;
        for (auto part : text::split(list, ','))
            parts.emplace_back(part);
        CHECK(text::join(parts, ",") == list);
    }
}

TEST_CASE("numbers are whole, without signs that do not belong, without overflow") {
    CHECK(text::number("0") == 0U);
    CHECK(text::number("18446744073709551615") == UINT64_MAX);
    CHECK(text::number<int>("-5") == -5);
    for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616", "--1", "1.0"}) {
        INFO(bad);
        CHECK_FALSE(text::number(bad));
    }
    CHECK_FALSE(text::number<std::uint8_t>("256"));
    CHECK_FALSE(text::number<int>("2147483648"));
    CHECK_FALSE(text::number<int>("-"));
}

TEST_CASE("RFC 3629 §4: valid and invalid UTF-8") {
    for (const char* good : {"", "abc", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                             "\xED\x9F\xBF", "\xEE\x80\x80"})
        CHECK(text::is_utf8(good));
    for (const char* bad :
         {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3\xC3", "a\xE2\x82"}) {
        INFO(text::hex(bad));
        CHECK_FALSE(text::is_utf8(bad));
    }
}

TEST_CASE("escape makes any bytes safe for a log line and a terminal") {
    CHECK(text::escape("plain \xC3\xA4") == "plain \xC3\xA4");
    CHECK(text::escape("a\r\nb\0"s) == "a\\x0d\\x0ab\\x00");
    CHECK(text::escape("\"\\") == "\\x22\\x5c");
    CHECK(text::escape("\x1B[31m") == "\\x1b[31m");
    CHECK(text::escape("\xC2\x9B"
                       "31m") == "\\xc2\\x9b31m"); // C1 control, one character in UTF-8
    CHECK(text::escape("\xFF") == "\\xff");
    CHECK(text::escape("abcdef", 3) == "abc...");
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    const std::string escaped = text::escape(all);
    CHECK(text::is_utf8(escaped));
    for (char c : escaped)
        CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '"'));
}

TEST_CASE("did you mean") {
    CHECK(text::nearest("exmaple.org", {"example.org", "other.net"}) == "example.org");
    CHECK(text::nearest("mailbx", {"domain", "mailbox"}) == "mailbox");
    CHECK(text::nearest("zzz", {"domain", "mailbox"}).empty());
    CHECK(text::nearest("x", {}).empty());
}

TEST_CASE("RFC 4648 §10: hex and base64") {
    const std::pair<const char*, const char*> rows[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : rows) {
        CHECK(text::base64(plain) == encoded);
        CHECK(text::unbase64(encoded) == plain);
    }
    for (const char* bad : {"Z", "Zg", "Zg=", "Zg==\n",
                            "Zh==", "Zm9=", "====", "A===", "Zg==Zg==", "Z g=", "Zm9v=", "\xFFm9v"}) {
        INFO(bad);
        CHECK_FALSE(text::unbase64(bad));
    }
    CHECK(text::hex("\x01\xAB") == "01ab");
    CHECK(text::unhex("01aB") == "\x01\xAB");
    CHECK_FALSE(text::unhex("0"));
    CHECK_FALSE(text::unhex("0g"));
}

TEST_CASE("is_ascii looks at every byte, whatever its place") {
    static_assert(text::is_ascii("plain") && !text::is_ascii("gr\xC3\xBC\xC3\x9F"));
    CHECK(text::is_ascii(""));
    for (std::size_t size = 1; size < 40; ++size) {
        const std::string plain(size, '\x7F');
        CHECK(text::is_ascii(plain));
        for (std::size_t at = 0; at < size; ++at) {
            std::string other = plain;
            other[at] = '\x80';
            CHECK_FALSE(text::is_ascii(other));
            CHECK(text::is_ascii(std::string_view(other).substr(at + 1)));
        }
    }
}
