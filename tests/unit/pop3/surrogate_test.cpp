// What a client without UTF8 sees of a header section in UTF-8 (RFC 6856 §4).
#include "maild/pop3/proto/surrogate.hpp"
#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "tests/catch.hpp"

using namespace mail;
using pop3::ascii_surrogate;
using pop3::ascii_surrogate_of_message;

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

TEST_CASE("RFC 6856 §4: headers of parts and of embedded messages are ASCII too, bodies keep their bytes") {
    const std::string whole = "Subject: plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                              "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Description: Grüße\r\n\r\nGrüße: bleibt\r\n"
                              "--b\r\nContent-Type: Message/Global\r\n\r\n"
                              "From: Jörg <jörg@example.org>\r\nSubject: Ä\r\nMessage-ID: <ü@x>\r\n\r\nÖ\r\n"
                              "--b\r\nContent-Type: application/pdf; name=\"ü.pdf\"\r\nContent-ID: <ü@x>\r\n\r\nü\r\n--b--\r\nnachü\r\n";
    const auto seen = ascii_surrogate_of_message(whole);
    REQUIRE(seen);
    CHECK(*seen == "Subject: plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                   "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Description: " + encode_header("Grüße") +
                       "\r\n\r\nGrüße: bleibt\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: " + encode_header("Jörg") +
                       " <invalid@internationalized-address.invalid>\r\nSubject: " + encode_header("Ä") +
                       "\r\n\r\nÖ\r\n--b\r\nContent-Type: application/pdf; name=\"__.pdf\"\r\n\r\nü\r\n--b--\r\nnachü\r\n");
    CHECK_FALSE(ascii_surrogate_of_message(*seen));
}

TEST_CASE("a message without header sections in UTF-8 has no surrogate, whatever its bodies say") {
    CHECK_FALSE(ascii_surrogate_of_message(""));
    CHECK_FALSE(ascii_surrogate_of_message("Subject: plain\r\n\r\nplain\r\n"));
    CHECK_FALSE(ascii_surrogate_of_message("Subject: plain\r\n\r\nX: Grüße\r\n\r\nGrüße\r\n"));
    CHECK_FALSE(ascii_surrogate_of_message("Subject: \xFC\r\n\r\n\xFC\r\n"));
    CHECK_FALSE(ascii_surrogate_of_message("Content-Type: multipart/mixed; boundary=b\r\n\r\nX: ü\r\n--b\r\n\r\nX: ü\r\n--b--\r\n"));
}

TEST_CASE("what is encoded, or an embedded message in another charset, keeps its name") {
    const std::string encoded = "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogw7wK\r\n";
    CHECK_FALSE(ascii_surrogate_of_message(encoded));
    CHECK(ascii_surrogate_of_message("Subject: ü\r\n" + encoded).value() == "Subject: " + encode_header("ü") + "\r\n" + encoded);
    CHECK_FALSE(ascii_surrogate_of_message("Content-Type: message/global\r\n\r\nSubject: \xFC\r\n\r\nx\r\n"));
}

TEST_CASE("headers that a delimiter or the end of the message cuts short") {
    CHECK(ascii_surrogate_of_message("Content-Type: multipart/mixed; boundary=b\n\n--b\nX: ü\n--b\nX: ö").value() ==
          "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: " + encode_header("ü") + "\r\n--b\nX: " + encode_header("ö") + "\r\n");
    CHECK(ascii_surrogate_of_message("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/global\n\nX: ü\n--b--\n").value() ==
          "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nX: " + encode_header("ü") + "\r\n\n--b--\n");
}
