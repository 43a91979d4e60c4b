// What a client without UTF8 sees of a header section in UTF-8 (RFC 6856 §4).
#include "maild/pop3/proto/surrogate.hpp"
#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "tests/catch.hpp"

using namespace mail;
using pop3::ascii_surrogate;

TEST_CASE("a header section in ASCII, or in bytes that are not UTF-8, has no surrogate") {
    CHECK_FALSE(ascii_surrogate(""));
    CHECK_FALSE(ascii_surrogate("Subject: plain\r\n\r\n"));
    CHECK_FALSE(ascii_surrogate("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"));
    CHECK_FALSE(ascii_surrogate("Subject: Gr\xFC\xDF" "e\r\n\r\n"));
}

TEST_CASE("text and display names are encoded, what is ASCII is kept byte for byte") {
    const auto seen = ascii_surrogate("Subject: Grüße\r\nX-Kept:  a \r\n  b\r\nFrom: Jörg <joerg@example.org>, ann@example.org\r\n\r\n");
    REQUIRE(seen);
    CHECK(text::is_ascii(*seen));
    CHECK(*seen == "Subject: " + encode_header("Grüße") + "\r\nX-Kept:  a \r\n  b\r\nFrom: " + encode_header("Jörg") +
                       " <joerg@example.org>, <ann@example.org>\r\n\r\n");
}

TEST_CASE("an address that is not ASCII becomes one that cannot exist") {
    const auto seen = ascii_surrogate("To: Ünal <ünal@example.org>, bob@bücher.test\r\n\r\n");
    REQUIRE(seen);
    CHECK(text::is_ascii(*seen));
    CHECK(seen->find("bob@") == std::string::npos);
    CHECK(seen->find("<invalid@internationalized-address.invalid>") != std::string::npos);
    CHECK(seen->find(encode_header("Ünal")) != std::string::npos);
}

TEST_CASE("other fields that cannot be shown are left out, and a type keeps its boundary") {
    const auto seen = ascii_surrogate("Return-Path: <ü@example.org>\r\nDelivered-To: ü@example.org\r\nMessage-ID: <ü@x>\r\nno fiéld\r\n"
                                      "Überschrift: x\r\nContent-Type: multipart/mixed; boundary=b;\r\n name=\"ä.txt\"\r\nX-Last: y\r\n\r\n");
    REQUIRE(seen);
    CHECK(*seen == "Content-Type: multipart/mixed; boundary=b;\r\n name=\"__.txt\"\r\nX-Last: y\r\n\r\n");
}

TEST_CASE("a header section without its empty line gets none") {
    CHECK(ascii_surrogate("Subject: ä").value() == "Subject: " + encode_header("ä") + "\r\n");
    CHECK(ascii_surrogate("Subject: ä\n\n").value() == "Subject: " + encode_header("ä") + "\r\n\n");
}
