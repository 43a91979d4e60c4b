#include "tests/catch.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/mime.hpp"

#include <random>

using namespace mail;
using namespace std::string_literals;

TEST_CASE("RFC 2047 §8: encoded-words") {
    struct Row {
        const char *text, *decoded;
    };
    const Row rows[] = {
        {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
        {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld J\xC3\xB8rn Simonsen"},
        {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xC3\xA9 Pirard"},
        {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
         "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
         "If you can read this you understand the example."},
        {"=?ISO-8859-8?B?7eXs+SDv4SDp7Oj08A==?=",
         "\xD7\x9D\xD7\x95\xD7\x9C\xD7\xA9 \xD7\x9F\xD7\x91 \xD7\x99\xD7\x9C\xD7\x98\xD7\xA4\xD7\xA0"},
        {"(=?ISO-8859-1?Q?a?=)", "(a)"},
        {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=)", "(ab)"},
        {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
        {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
        // RFC 2231 §5: a language.
        {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
        // A character split between words, as many programs do.
        {"=?utf-8?B?w4=?= =?utf-8?Q?=A4?=", "\xC3\xA4"},
        {"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "\xC3\xA4"},
        {"plain", "plain"},
        {"a =?x?= b", "a =?x?= b"},
        {"=?utf-8?Q?open", "=?utf-8?Q?open"},
        {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
        {"=?no-such-charset?Q?a=E4?=", "a\xC3\xA4"},
        {"=?", "=?"},
        {"caf\xE9", "caf\xC3\xA9"},
        {"=?utf-8?Q?a=0D=0ABcc:_x?=", "a  Bcc: x"},
        {"=?utf-8?Q?a=00b?=", "ab"},
        {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xE6\x97\xA5\xE6\x9C\xAC"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(decode_header(row.text) == row.decoded);
    }
}

TEST_CASE("what encode_header writes, decode_header reads, in words of at most 75 bytes") {
    std::mt19937 random(3);
    const char* alphabet[] = {"a",  " ", "\xC3\xA4", "\xE6\x97\xA5", "\xF0\x9F\x98\x80",
                              "=?", "_", "?=",       "\"",           "\x01"};
    for (int i = 0; i < 500; ++i) {
        std::string text = "x";
        for (auto n = random() % 80; n-- > 0;)
            text += alphabet[random() % 10];
        text += 'x';
        const std::string encoded = encode_header(text);
        CHECK(text::is_ascii(encoded));
        CHECK(decode_header(encoded) == text);
        if (encoded.starts_with("=?"))
            for (const auto word : text::split(encoded, ' '))
                CHECK(word.size() <= 75);
    }
    CHECK(encode_header("plain text") == "plain text");
}

TEST_CASE("RFC 2231: continuations, charsets and both together") {
    const auto decode = [](const char* value) {
        return decode_parameters(parse_parameterized(value).parameters);
    };
    using List = std::vector<Parameter>;
    CHECK(decode("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n "
                 "URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"") ==
          List{{"access-type", "URL"}, {"url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"}});
    CHECK(decode("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A") ==
          List{{"title", "This is ***fun***"}});
    CHECK(decode("application/x-stuff\r\n ;title*0*=us-ascii'en'This%20is%20even%20more%20\r\n "
                 ";title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n ;title*2=\"isn't it!\"") ==
          List{{"title", "This is even more ***fun*** isn't it!"}});
    // RFC 2231 §4.1 prints this example without semicolons.
    CHECK(decode("application/x-stuff\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n "
                 "title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n title*2=\"isn't it!\"") ==
          List{{"title", "This is even more ***fun*** isn't it!"}});
    // The extended form wins over the plain one of the same name; sections come in any order.
    CHECK(decode("a/b; x=plain; x*=utf-8''%C3%A4") == List{{"x", "\xC3\xA4"}});
    CHECK(decode("a/b; x*1=b; x*0=a") == List{{"x", "ab"}});
    CHECK(decode("a/b; x*0=a; x*2=c") == List{{"x", "a"}});
    CHECK(decode("a/b; x*=%C3%A4") == List{{"x", "\xC3\xA4"}});
    CHECK(decode("a/b; x*=bad'%E4") == List{{"x", "bad'\xC3\xA4"}});
    CHECK(decode("a/b; name=\"=?utf-8?Q?=C3=A4?=.txt\"") == List{{"name", "\xC3\xA4.txt"}});
    CHECK(decode("a/b; x*00=a; x*99999=b; *=c").size() == 3);
}

TEST_CASE("RFC 2045 §5.1: parameter syntax, read leniently") {
    using List = std::vector<Parameter>;
    const auto parse = [](const char* value) { return parse_parameterized(value); };
    CHECK(parse("text/plain; charset=us-ascii (Plain text)").parameters == List{{"charset", "us-ascii"}});
    CHECK(parse("Text/HTML;Charset=\"UTF-8\";;").value == "text/html");
    CHECK(parse("text / plain ; a = b").value == "text/plain");
    CHECK(parse("text/plain; a=\"b\\\"c\"; d=e").parameters == List{{"a", "b\"c"}, {"d", "e"}});
    CHECK(parse("text/plain; a=b; A=c").parameters == List{{"a", "b"}});
    CHECK(parse("attachment; filename=my file (1).pdf; x=y").parameters[0].value == "my file");
    CHECK(parse("attachment; filename=my(1).pdf").parameters[0].value == "my(1).pdf");
    CHECK(parse("a/b; x=\"unclosed; y=z").parameters == List{{"x", "unclosed; y=z"}});
    CHECK(parse("a/b; x=y\r\n z=1\r\n junk\r\n w=\"2\"").parameters ==
          List{{"x", "y"}, {"z", "1"}, {"w", "2"}});
    CHECK(parse("a/b; nothing; =x; y=").parameters == List{{"y", ""}});
    CHECK(parse("").value.empty());
    CHECK(parse(";;;").parameters.empty());
    std::string many = "a/b";
    for (int i = 0; i < 1000; ++i)
        many += "; p" + std::to_string(i) + "=x";
    CHECK(parse(many.c_str()).parameters.size() == 100);
}

TEST_CASE("base64 and quoted-printable") {
    CHECK(decode_base64("SGVsbG8=") == "Hello");
    CHECK(decode_base64("SGVs\r\nbG8=\r\n") == "Hello");
    CHECK(decode_base64("SGVsbG8") == "Hello");
    CHECK(decode_base64("SGVsbG8=SGVsbG8=") == "HelloHello");
    CHECK(decode_base64("S-G!V@s bG8=") == "Hello");
    bool clean = false;
    CHECK(decode_base64("SGVsbG8=\r\n", &clean) == "Hello");
    CHECK(clean);
    for (const char* dirty : {"SGVsbG8", "S", "====", "SG!VsbG8="}) {
        static_cast<void>(decode_base64(dirty, &clean));
        INFO(dirty);
        CHECK_FALSE(clean);
    }
    CHECK(decode_quoted_printable("a=3Db=\r\nc  \r\nd=zz=\n") == "a=bc\r\nd=zz");
    CHECK(decode_quoted_printable("caf=C3=a9") == "caf\xC3\xA9");
    CHECK(decode_quoted_printable("=") == "");
    CHECK(decode_quoted_printable("a=4") == "a=4");
    CHECK_FALSE(decode_transfer("x", "x-uuencode"));
    CHECK(decode_transfer("x", "8BIT").value() == "x");
    std::mt19937 random(5);
    for (int i = 0; i < 300; ++i) {
        std::string bytes;
        for (auto n = random() % 300; n-- > 0;)
            bytes += static_cast<char>(random() % 3 == 0 ? ' ' : random() % 256);
        CHECK(decode_base64(encode_base64_lines(bytes), &clean) == bytes);
        CHECK(clean);
        std::erase(bytes, '\r');
        std::erase(bytes, '\n');
        const std::string quoted = encode_quoted_printable(bytes);
        CHECK(decode_quoted_printable(quoted) == bytes);
        for (auto line : text::split(quoted, '\n'))
            CHECK(line.size() <= 77);
    }
}

TEST_CASE("charsets to UTF-8") {
    CHECK(to_utf8("caf\xE9", "ISO-8859-1").value() == "caf\xC3\xA9");
    CHECK(to_utf8("\x80", "windows-1252").value() == "\xE2\x82\xAC");
    CHECK(to_utf8("\xC4\xC5", "koi8-r").value() == "\xD0\xB4\xD0\xB5");
    CHECK(to_utf8("a\xFF", "utf-8").value() == "a\xEF\xBF\xBD");
    CHECK_FALSE(to_utf8("a", "no-such"));
    CHECK_FALSE(to_utf8("a", "../../etc/passwd"));
    CHECK(to_utf8_lenient("a\xE4", "no-such") == "a\xC3\xA4");
    CHECK(is_known_charset("utf-8"));
    CHECK(is_known_charset("gb18030"));
    CHECK_FALSE(is_known_charset("x-none"));
    CHECK_FALSE(is_known_charset(""));
    // Pieces of the converter join at surrogates.
    std::string wide;
    for (int i = 0; i < 5000; ++i)
        wide += "\x3D\xD8\x00\xDE"s; // U+1F600 in UTF-16LE
    const auto smile = to_utf8("ab" + wide.substr(0, 0) + "", "utf-16le");
    REQUIRE(smile);
    const auto many = to_utf8("a\0"s + wide, "utf-16le");
    REQUIRE(many);
    CHECK(many->size() == 1 + 4 * 5000);
    CHECK(text::is_utf8(*many));
    CHECK(truncate_utf8("a\xC3\xA4", 2) == "a");
    CHECK(truncate_utf8("a\xC3\xA4", 3) == "a\xC3\xA4");
}

TEST_CASE("RFC 5051: i;unicode-casemap") {
    CHECK(casemap("abc") == "ABC");
    CHECK(casemap("stra\xC3\x9F"
                  "e") == casemap("STRA\xC3\x9F"
                                  "E"));
    CHECK(casemap("\xC3\xA9") == casemap("E\xCC\x81"));
    CHECK(casemap("\xC3\x84") == casemap("\xC3\xA4"));
    CHECK(text::is_utf8(casemap("\xFF\xFE")));
    CHECK(to_nfc("e\xCC\x81") == "\xC3\xA9");
}
