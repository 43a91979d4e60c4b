#include "tests/catch.hpp"

#include "common/base/text.hpp"
#include "common/mail/bodystructure.hpp"

using namespace mail;

namespace {
std::string structure(std::string_view message, bool extended) {
    std::string out;
    append_body_structure(out, message, parse_mime(message), extended);
    return out;
}
} // namespace

TEST_CASE("RFC 9051 §7.5.2: BODY and BODYSTRUCTURE of single parts") {
    CHECK(structure("A: b\r\n\r\none\r\n", false) ==
          R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1))");
    CHECK(structure("Content-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: "
                    "8bit\r\n\r\none\r\n",
                    true) ==
          R"(("text" "plain" ("charset" "utf-8" "format" "flowed") NIL NIL "8bit" 5 1 NIL NIL NIL NIL))");
    CHECK(
        structure("Content-Type: image/png; name=\"a\\\"b\"\r\nContent-ID: <i@x>\r\nContent-Description: "
                  "d\r\nContent-MD5: m\r\n"
                  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; "
                  "filename=f\r\nContent-Language: en, de\r\nContent-Location: l\r\n\r\nYQ==",
                  true) ==
        R"(("image" "png" ("name" "a\"b") "<i@x>" "d" "base64" 4 "m" ("attachment" ("filename" "f")) ("en" "de") "l"))");
    CHECK(structure("Content-Type: image/png\r\nContent-Disposition: inline\r\n\r\n", true) ==
          R"(("image" "png" NIL NIL NIL "7bit" 0 NIL ("inline" NIL) NIL NIL))");
}

TEST_CASE("RFC 9051 §7.5.2: BODY and BODYSTRUCTURE of composite parts") {
    const std::string message = "Content-Type: multipart/mixed; boundary=x\r\nContent-Language: "
                                "en\r\n\r\n--x\r\n\r\none\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
                                "Subject: in\r\nFrom: a@b\r\n\r\nbody\r\n--x--\r\n";
    const std::string envelope =
        R"((NIL "in" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL))";
    CHECK(
        structure(message, false) ==
        R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)("message" "rfc822" NIL NIL NIL "7bit" 30 )" +
            envelope + R"( ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0) 3) "mixed"))");
    CHECK(
        structure(message, true) ==
        R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 30 )" +
            envelope +
            R"( ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL) 3 NIL NIL NIL NIL) "mixed" ("boundary" "x") NIL ("en") NIL))");
}

TEST_CASE("derive: what lists, SORT and THREAD need") {
    const Derived d = derive("Date: Wed, 1 Jan 2020 23:30:00 -0500\r\nFrom: =?utf-8?Q?J=C3=BCrgen?= "
                             "<J@Example.org>\r\nTo: G: bob@x;\r\nCc: carl@y\r\n"
                             "Subject: Re: [list] H\xC3\xA9llo\r\nMessage-ID: <m@x>\r\nReferences: <1@x> "
                             "<2@x>\r\nIn-Reply-To: <3@x>\r\n\r\n"
                             "> quoted\r\nHello   there,\r\nfriend.\r\n-- \r\nsignature\r\n");
    CHECK(format_rfc3339(*d.date_sent) == "2020-01-02T04:30:00Z");
    CHECK(format_rfc3339(*d.date_sent_day) == "2020-01-01T00:00:00Z");
    CHECK(d.base_subject == casemap("H\xC3\xA9llo"));
    CHECK(d.is_reply);
    CHECK(d.subject == "Re: [list] H\xC3\xA9llo");
    CHECK(d.message_id == "<m@x>");
    CHECK(d.references == std::vector<std::string>{"<1@x>", "<2@x>"});
    CHECK(d.from == "J");
    CHECK(d.to == "BOB");
    CHECK(d.cc == "CARL");
    CHECK(d.from_display == casemap("J\xC3\xBCrgen"));
    CHECK(d.to_display == "BOB@X");
    CHECK(d.from_text == "J\xC3\xBCrgen <J@Example.org>");
    CHECK(d.preview == "Hello there, friend.");
    CHECK_FALSE(d.has_attachment);
    CHECK(derive("In-Reply-To: x <3@x> <4@x>\r\n\r\n").references == std::vector<std::string>{"<3@x>"});
    const Derived empty = derive("");
    CHECK_FALSE(empty.date_sent);
    CHECK(empty.preview.empty());
}

TEST_CASE("attachments") {
    const auto has = [](const std::string& parts) {
        return derive("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n" + parts +
                      "--x--\r\n")
            .has_attachment;
    };
    CHECK_FALSE(has(""));
    CHECK(has("--x\r\nContent-Type: application/pdf\r\n\r\nx\r\n"));
    CHECK(has("--x\r\nContent-Disposition: attachment\r\n\r\nx\r\n"));
    CHECK_FALSE(has("--x\r\nContent-Type: text/html\r\n\r\nx\r\n"));
    CHECK_FALSE(has("--x\r\nContent-Type: multipart/related; boundary=y\r\n\r\n--y\r\nContent-Type: "
                    "text/html\r\n\r\nx\r\n"
                    "--y\r\nContent-Type: image/png\r\nContent-ID: <a>\r\n\r\nx\r\n--y--\r\n"));
    CHECK(has("--x\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n"));
}

TEST_CASE("RFC 8970: previews") {
    const auto preview = [](const std::string& message) {
        return make_preview(message, parse_mime(message));
    };
    CHECK(preview("Content-Type: "
                  "text/html\r\n\r\n<html><head><title>T</title><style>x{}</style></"
                  "head><body><p>One&nbsp;&amp;</p><!-- c --><b>T</b>wo &lt;3 &foo; & <") ==
          "One & Two <3 &foo; &");
    CHECK(preview("Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\n "
                  "\r\n--x\r\nContent-Type: text/html\r\n\r\nhtml\r\n--x--\r\n") == "html");
    CHECK(preview("Content-Type: image/png\r\n\r\nx").empty());
    std::string many = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    for (int i = 0; i < 3000; ++i)
        many += "\xC3\xA4";
    many += "\r\n";
    const std::string cut = preview(many);
    CHECK(cut.size() == 400);
    CHECK(text::is_utf8(cut));
    const std::size_t body = many.size() - 6002;
    const std::string odd = many.substr(0, body) + 'a' + many.substr(body);
    CHECK(preview(odd).substr(1, 2) == "\xC3\xA4");
}

// Run by name when someone asks how fast it is; asserts nothing about time.
TEST_CASE("how long derive takes for a plain message of 4 KiB", "[.speed]") {
    std::string message = "Return-Path: <ann@example.org>\r\nReceived: from a.example (a.example "
                          "[192.0.2.1])\r\n\tby mx.example.org with ESMTPS id x\r\n"
                          "\tfor <bob@example.org>; Wed, 1 Jan 2020 00:00:00 +0000\r\nDate: Wed, 1 Jan 2020 "
                          "00:00:00 +0000\r\nFrom: Ann Lee <ann@example.org>\r\n"
                          "To: Bob Fox <bob@example.org>, carl@example.org\r\nSubject: Re: how long does it "
                          "take\r\nMessage-ID: <abc@example.org>\r\n"
                          "References: <1@example.org> <2@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: "
                          "text/plain; charset=utf-8\r\n\r\n";
    while (message.size() < 4096)
        message += "A line of text as people write it, neither short nor very long.\r\n";
    constexpr int rounds = 20000;
    std::size_t bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i)
        bytes += derive(message).bodystructure.size();
    const auto spent =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    WARN(spent / rounds << " microseconds each, " << bytes / rounds << " bytes of BODYSTRUCTURE");
}
