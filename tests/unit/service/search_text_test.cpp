#include "maild/service/search_text.hpp"

#include "common/mail/encoded.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::service;

namespace {

bool holds(const store::IndexedText& text, std::string_view wanted) {
    return text.text.find(casemap(wanted)) != std::string::npos;
}

const std::string base64_part = "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                                "8NLJ18XULCDNydIh\r\n"; // "Привет, мир!"

} // namespace

TEST_CASE("The index sees what a search sees: decoded, every charset, embedded messages") {
    const std::string message =
        "From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\nSubject: plan\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + base64_part +
        "--b\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<p>Stra=DFenfest</p>\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner words\r\n\r\n"
        "\xE6\xBC\xA2\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nhidden\r\n--b--\r\n";
    const auto text = index_text(7, message);
    CHECK(text.blob == 7);
    CHECK(text.complete);
    for (const char* wanted : {"j\xC3\xB6rg", "J\xC3\x96RG", "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", "stra\xC3\x9F" "enFEST",
                               "inner words", "\xE5\xAD\x97\xE4\xBB\xAE", "subject: plan"}) {
        INFO(wanted);
        CHECK(holds(text, wanted));
    }
    CHECK_FALSE(holds(text, "hidden"));
    CHECK_FALSE(holds(text, "8NLJ18XU"));
}

TEST_CASE("What a prefix could change, or what is too long, is never left out of a search") {
    CHECK_FALSE(index_text(1, " continued: by the prefix\r\n\r\nx").complete);
    CHECK_FALSE(index_text(1, "no field here\r\n\r\nx").complete);
    CHECK_FALSE(index_text(1, "").complete);
    CHECK_FALSE(index_text(1, "Subject: long\r\n\r\n" + std::string(1100000, 'x')).complete);
    const auto nul = index_text(1, std::string("Subject: a\r\n\r\nbefore\0after", 26));
    CHECK(nul.text.find('\0') == std::string::npos);
    CHECK(holds(nul, "after"));
}

TEST_CASE("A prefix is searched whatever its case and folding") {
    const std::vector<std::string> texts{casemap("ann@example"), casemap("nobody"), casemap("path: <s@"), casemap("b c")};
    const std::string prefix = "Return-Path: <s@remote.test>\r\nDelivered-To: Ann@Example.test\r\nX-Folded: b\r\n c\r\n";
    CHECK(prefix_may_hold(prefix, texts) == 0b1101U);
    CHECK(prefix_may_hold("", texts) == 0);
    CHECK((prefix_may_hold("X-Name: =?utf-8?q?nobody?=\r\n", texts) & 2U) != 0);
    CHECK((prefix_may_hold("X-Name: \xD0\xBF\r\n", texts) & 2U) != 0);
    CHECK((prefix_may_hold("content-type: text/html\r\n", texts) & 2U) != 0);
    for (const char* odd : {"X-Open: field", "X-Last: field\r\n\r\n", "X-Last: field\n\n", " folded\r\n"}) {
        INFO(odd);
        CHECK(prefix_may_hold(odd, texts) == ~std::uint64_t{0});
    }
}
