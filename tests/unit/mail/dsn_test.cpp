#include "tests/catch.hpp"

#include "common/base/text.hpp"
#include "common/mail/bodystructure.hpp"
#include "common/mail/dsn.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"
#include "common/mail/xtext.hpp"
#include "tests/unit/mail/mime_properties.hpp"

using namespace mail;
using namespace std::string_literals;

namespace {
const std::string original = "From: ann@example.org\r\nTo: bob@example.net\r\nMessage-ID: "
                             "<orig@example.org>\r\nSubject: hi\r\n\r\nbody text\r\n";

Dsn sample() {
    Dsn dsn;
    dsn.reporting_mta = "mx.example.org";
    dsn.from = "postmaster@example.org";
    dsn.to = "ann@example.org";
    dsn.message_id = "unique@mx.example.org";
    dsn.now = *parse_rfc3339("2020-01-01T00:00:00Z");
    dsn.envelope_id = "QQ314159";
    dsn.arrival = dsn.now;
    DsnRecipient bob;
    bob.address = "bob@example.net";
    bob.original = "rfc822;robert@example.com";
    bob.status = "5.1.1";
    bob.remote_mta = "mail.example.net";
    bob.reply = "550-5.1.1 no such\r\n550 5.1.1 user";
    bob.last_attempt = dsn.now;
    dsn.recipients.push_back(bob);
    dsn.original = original;
    return dsn;
}

/// The parts' bodies, after the checks every report must pass.
std::vector<std::string> parts_of(const std::string& report) {
    CHECK(is_clean_crlf(report));
    const MimeTree tree = parse_mime(report);
    CHECK(test::broken_property(report, tree) == "");
    CHECK(tree.root().subtype == "report");
    CHECK(tree.root().parameter("report-type") == "delivery-status");
    std::vector<std::string> bodies;
    for (std::uint32_t c = tree.root().first_child; c != Part::none; c = tree.parts[c].next_sibling)
        bodies.push_back(std::string(tree.parts[c].header.of(report)) +
                         decoded_body(report, tree.parts[c]).value());
    REQUIRE(bodies.size() == 3);
    return bodies;
}
} // namespace

TEST_CASE("RFC 3464: a failure report") {
    const std::string report = build_dsn(sample());
    const HeaderView header = parse_header(report);
    CHECK(unfold(header.value("To")) == "<ann@example.org>");
    CHECK(unfold(header.value("Auto-Submitted")) == "auto-replied");
    CHECK(unfold(header.value("In-Reply-To")) == "<orig@example.org>");
    CHECK(unfold(header.value("Subject")) == "Your message could not be delivered");
    const auto parts = parts_of(report);
    CHECK(parts[0].find("bob@example.net") != std::string::npos);
    CHECK(parts[0].find("mail.example.net said") != std::string::npos);
    CHECK(parts[0].find("    550 5.1.1 user\r\n") != std::string::npos);
    CHECK(parts[0].find("no mailbox of that name") != std::string::npos);
    CHECK(parts[1] ==
          "Content-Type: message/delivery-status\r\n\r\n"
          "Original-Envelope-Id: QQ314159\r\nReporting-MTA: dns; mx.example.org\r\nArrival-Date: Wed, 1 Jan "
          "2020 00:00:00 +0000\r\n\r\n"
          "Original-Recipient: rfc822; robert@example.com\r\nFinal-Recipient: rfc822; "
          "bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
          "Remote-MTA: dns; mail.example.net\r\nDiagnostic-Code: smtp; 550-5.1.1 no such 550 5.1.1 user\r\n"
          "Last-Attempt-Date: Wed, 1 Jan 2020 00:00:00 +0000\r\n");
    CHECK(parts[2].starts_with("Content-Type: text/rfc822-headers\r\n\r\nFrom: ann@example.org\r\n"));
    CHECK(parts[2].find("body text") == std::string::npos);
    CHECK_FALSE(dsn_needs_utf8(sample()));
}

TEST_CASE("RFC 3464: delay, full return and statuses that disagree") {
    Dsn dsn = sample();
    dsn.return_full = true;
    dsn.recipients[0].action = DsnAction::delayed;
    dsn.recipients[0].retry_until = dsn.now;
    const auto parts = parts_of(build_dsn(dsn));
    CHECK(parts[0].find("do not need to do anything") != std::string::npos);
    CHECK(parts[1].find("Action: delayed\r\nStatus: 4.1.1\r\n") != std::string::npos);
    CHECK(parts[1].find("Will-Retry-Until: ") != std::string::npos);
    CHECK(parts[2] == "Content-Type: message/rfc822\r\n\r\n" + original);
    dsn.recipients[0].status = "nonsense";
    dsn.recipients[0].action = DsnAction::delivered;
    CHECK(build_dsn(dsn).find("Status: 2.0.0\r\n") != std::string::npos);
}

TEST_CASE("RFC 6533: reports about addresses that are not ASCII") {
    Dsn dsn = sample();
    dsn.recipients[0].address = "j\xC3\xBCrgen@example.net";
    CHECK(dsn_needs_utf8(dsn));
    auto parts = parts_of(build_dsn(dsn));
    CHECK(parts[1].find("message/global-delivery-status") != std::string::npos);
    CHECK(parts[1].find("Final-Recipient: utf-8; j\xC3\xBCrgen@example.net\r\n") != std::string::npos);
    CHECK(parts[2].find("message/global-headers") != std::string::npos);
    dsn = sample();
    dsn.recipients[0].reply = "550 caf\xC3\xA9";
    const std::string report = build_dsn(dsn);
    CHECK(text::is_ascii(report));
    CHECK(parts_of(report)[0].find("caf\xC3\xA9") != std::string::npos);
}

TEST_CASE("nothing a remote or an original says breaks out of its place") {
    Dsn dsn = sample();
    const std::string evil =
        "From: x\nno colon\n--=_report_uniquemxexampleorg\r\n\rSubject: y\n\n--=_report_uniquemxexampleorg_0--\nbody\0"s
            .substr(0, 100);
    dsn.original = evil;
    dsn.return_full = true;
    dsn.to = "ann@example.org>\r\nBcc: <x@y";
    dsn.envelope_id = "a\r\nX: y";
    dsn.recipients[0].reply =
        "550 x\r\n\r\nFinal-Recipient: rfc822; evil@example.net\r\n\r\n--=_report_uniquemxexampleorg--";
    dsn.recipients[0].remote_mta = "m\r\nX: y";
    dsn.recipients[0].original = "rfc822\r\n;x\r\ny";
    const std::string report = build_dsn(dsn);
    const auto parts = parts_of(report);
    const HeaderView header = parse_header(report);
    CHECK(header.count("Bcc") == 0);
    CHECK(header.count("X") == 0);
    const std::string status = parts[1].substr(parts[1].find("\r\n\r\n") + 4);
    CHECK(parse_header(status).count("X") == 0);
    CHECK(parse_header(std::string_view(status).substr(header_size(status))).count("Final-Recipient") == 1);
    Dsn none;
    CHECK(parts_of(build_dsn(none)).size() == 3);
}

TEST_CASE("status words") {
    CHECK(explain_status("5.1.1").find("no mailbox") != std::string::npos);
    CHECK(explain_status("4.1.1") == explain_status("5.1.1"));
    CHECK(explain_status("5.1.99").find("address") != std::string::npos);
    CHECK_FALSE(explain_status("junk").empty());
    CHECK_FALSE(explain_status("").empty());
}

TEST_CASE("RFC 3461 §4.2, RFC 6533 §3: original recipients come out as they were meant") {
    const std::pair<const char*, const char*> rows[] = {
        {"rfc822;bob@example.org", "rfc822;bob@example.org"},
        {"rfc822;a+2Bb+3Dc@example.org", "rfc822;a+b=c@example.org"},
        {"x400;C+3Dus", "x400;C=us"},
        {"utf-8;j\\x{F6}rg@example.org", "utf-8;j\xC3\xB6rg@example.org"},
        {"UTF-8;j\xC3\xB6rg@example.org", "UTF-8;j\xC3\xB6rg@example.org"},
        {"utf-8;\\x{1F4EC}\\x{5C}@example.org", "utf-8;\xF0\x9F\x93\xAC\\@example.org"},
        {"utf-8;\\x{20AC}@example.org", "utf-8;\xE2\x82\xAC@example.org"},
    };
    for (const auto& [given, meant] : rows)
        CHECK(original_recipient(given) == meant);
    for (const char* bad : {"", ";", ";x", "bob@example.org", "rfc822;a=b", "rfc822;a+2", "utf-8;\\x{}", "utf-8;\\x{D800}",
                            "utf-8;\\x{110000}", "utf-8;\\x{A}", "utf-8;\\xF6", "utf-8;\\x{F6", "utf-8;\\x{G}", "utf-8;\xFF"})
        CHECK(original_recipient(bad).empty());
}
