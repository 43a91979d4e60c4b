#include "common/base/text.hpp"
#include "common/mail/message.hpp"
#include "common/mail/mime.hpp"
#include "maild/smtp_client/downgrade.hpp"
#include "tests/catch.hpp"

using namespace mail;
using mail::smtp_client::downgrade;

TEST_CASE("a 7-bit message stays as it is, 8-bit header or not") {
    const std::string plain = "Subject: a\r\n\r\nbody\r\n";
    CHECK(downgrade(plain).value() == plain);
    const std::string header = "Subject: \xC3\xA4\r\n\r\nbody\r\n";
    CHECK(downgrade(header).value() == header);
    CHECK(downgrade("").value().empty());
}

// RFC 6152 §3 with RFC 2045 §6.7
TEST_CASE("an 8-bit text becomes quoted-printable") {
    const std::string message = "Subject: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Transfer-Encoding: 8bit\r\nX-After: 1\r\n\r\ngr\xC3\xBC\xC3\x9F\x65\r\n.\r\nend\r\n";
    const auto seven = downgrade(message);
    REQUIRE(seven);
    CHECK(text::is_ascii(*seven));
    CHECK(seven->find("X-After: 1\r\n") != std::string::npos);
    CHECK(seven->find("8bit") == std::string::npos);
    const MimeTree tree = parse_mime(*seven);
    CHECK(tree.root().encoding == "quoted-printable");
    CHECK(decoded_body(*seven, tree.root()).value() == "gr\xC3\xBC\xC3\x9F\x65\r\n.\r\nend\r\n");
}

TEST_CASE("a message without MIME fields gets them") {
    const auto seven = downgrade("Subject: a\r\n\r\n\xC3\xA4\r\n");
    REQUIRE(seven);
    CHECK(seven->find("MIME-Version: 1.0\r\n") != std::string::npos);
    CHECK(seven->find("charset=utf-8") != std::string::npos);
    CHECK(decoded_body(*seven, parse_mime(*seven).root()).value() == "\xC3\xA4\r\n");
}

TEST_CASE("parts are converted one by one, composites say 7bit") {
    const std::string message =
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xC3\xA4\r\n"
        "--b\r\nContent-Type: application/x-data\r\nContent-Transfer-Encoding: binary\r\n\r\n\x01\xFF\xFE\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Transfer-Encoding: 8bit\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xC3\xB6\r\n"
        "--b\r\n\r\nplain\r\n--b--\r\n";
    const auto seven = downgrade(message);
    REQUIRE(seven);
    CHECK(text::is_ascii(*seven));
    CHECK(seven->find("8bit") == std::string::npos);
    const MimeTree before = parse_mime(message);
    const MimeTree after = parse_mime(*seven);
    REQUIRE(after.parts.size() == before.parts.size());
    CHECK(after.parts[0].encoding == "7bit");
    for (std::size_t i = 0; i < after.parts.size(); ++i)
        if (after.parts[i].first_child == Part::none)
            CHECK(decoded_body(*seven, after.parts[i]).value() == decoded_body(message, before.parts[i]).value());
}

TEST_CASE("what cannot be converted is refused, not mangled") {
    // 8-bit in what claims to be encoded, and outside of any part
    CHECK_FALSE(downgrade("Content-Transfer-Encoding: base64\r\n\r\n\xC3\xA4\r\n"));
    CHECK_FALSE(downgrade("Content-Type: multipart/mixed; boundary=b\r\n\r\n\xC3\xA4\r\n--b\r\n\r\nx\r\n--b--\r\n"));
}
