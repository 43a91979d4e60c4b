#include "tests/catch.hpp"

#include "common/mail/envelope.hpp"

using namespace mail;
using namespace std::string_literals;

namespace {
std::string envelope_of(std::string_view message) {
    std::string out;
    append_envelope(out, make_envelope(parse_header(message)));
    return out;
}
std::string string_of(std::string_view value, bool utf8 = false) {
    std::string out;
    append_string(out, value, utf8);
    return out;
}
} // namespace

TEST_CASE("RFC 9051 §8: the ENVELOPE of the sample message") {
    CHECK(envelope_of("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                      "From: Terry Gray <gray@cac.washington.edu>\r\n"
                      "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
                      "To: imap@cac.washington.edu\r\n"
                      "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                      "Message-Id: <B27397-0100000@cac.washington.ed>\r\n"
                      "MIME-Version: 1.0\r\n\r\n") ==
          "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((NIL NIL \"imap\" \"cac.washington.edu\")) "
          "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) "
          "NIL NIL \"<B27397-0100000@cac.washington.ed>\")");
}

TEST_CASE("RFC 9051 §7.5.2: NIL, empty strings and groups") {
    CHECK(envelope_of("") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    CHECK(envelope_of("Subject:\r\nFrom: <>\r\n\r\n") == "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)");
    CHECK(envelope_of("To: G: a@b;, c@d\r\n\r\n") ==
          "(NIL NIL NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"c\" "
          "\"d\")) NIL NIL NIL NIL)");
    // An address without host is no group: its host is the empty string.
    CHECK(envelope_of("To: root\r\n\r\n") ==
          "(NIL NIL NIL NIL NIL ((NIL NIL \"root\" \"\")) NIL NIL NIL NIL)");
    CHECK(
        envelope_of("Sender: s@x\r\nReply-To: r@x\r\nFrom: f@x\r\nIn-Reply-To: <i@x>\r\nBcc: b@x\r\n\r\n") ==
        "(NIL NIL ((NIL NIL \"f\" \"x\")) ((NIL NIL \"s\" \"x\")) ((NIL NIL \"r\" \"x\")) NIL NIL ((NIL NIL "
        "\"b\" \"x\")) \"<i@x>\" NIL)");
    CHECK(envelope_of("Subject: one\r\n two\r\n\r\n").find("\"one two\"") != std::string::npos);
}

TEST_CASE("RFC 9051 §4.3: quoted strings and literals") {
    CHECK(string_of("") == "\"\"");
    CHECK(string_of("a\"b\\c") == "\"a\\\"b\\\\c\"");
    CHECK(string_of("a\r\nb") == "{4}\r\na\r\nb");
    CHECK(string_of("\xC3\xA4") == "{2}\r\n\xC3\xA4");
    CHECK(string_of("\xC3\xA4", true) == "\"\xC3\xA4\"");
    CHECK(string_of("\xE4", true) == "{1}\r\n\xE4");
    CHECK(string_of("a\0b"s) == "{5}\r\na\xEF\xBF\xBD"
                                "b");
    CHECK(string_of(std::string(1001, 'x')).starts_with("{1001}\r\nx"));
    std::string out;
    append_nstring(out, std::nullopt);
    CHECK(out == "NIL");
}
