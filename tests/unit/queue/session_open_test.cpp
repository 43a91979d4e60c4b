// Opening a session: greeting, EHLO, STARTTLS, AUTH, and every way a server can spoil it (faults O01-O05).
#include "common/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/conversation.hpp"

using namespace mail;
using namespace mail::test;
using smtp_client::TlsPolicy;
using namespace std::chrono_literals;

namespace {

std::string opened_by(Script script, TlsPolicy tls = TlsPolicy::opportunistic) {
    Conversation c;
    c.script = std::move(script);
    c.options.tls = tls;
    c.options.timeouts.greeting = c.options.timeouts.ehlo = 300ms;
    run(c);
    return brief(c.opened.outcome);
}

Script hello(std::string capabilities = {}) {
    return {say("220 mx.remote.test ESMTP"), line("EHLO mx.example.test"),
            raw("250-mx.remote.test\r\n" + capabilities + "250 HELP\r\n")};
}

} // namespace

TEST_CASE("EHLO, and HELO for servers that do not know it (RFC 5321 §3.2)") {
    CHECK(opened_by(hello() + Script{line("QUIT"), say("221 bye")}) == "delivered 0 2.0.0");
    Conversation c;
    c.script = {say("220 old"), line("EHLO"), say("502 what"), line("HELO mx.example.test"), say("250 old"), line("QUIT"),
                say("221 bye")};
    run(c);
    CHECK(c.seen.complaint.empty());
    CHECK(c.opened.outcome.is_delivered());
    CHECK(opened_by({say("220 a"), line("EHLO"), say("550 no"), line("HELO"), say("550 5.7.1 no to you")}) ==
          "temporary 550 4.7.1");
}

TEST_CASE("greetings that are none") {
    CHECK(opened_by({say("421 4.3.2 shutting down")}) == "temporary 421 4.3.2");
    CHECK(opened_by({say("554 5.7.1 go away")}) == "temporary 554 4.7.1");
    CHECK(opened_by({say("521 this host takes no mail")}) == "permanent 521 5.0.0"); // RFC 7504 §3
    CHECK(opened_by({say("250 hm")}) == "temporary 0 4.5.0");
    CHECK(opened_by({cut()}) == "temporary 0 4.4.2");
    CHECK(opened_by({silence()}) == "temporary 0 4.4.2");
}

// Faults O05
TEST_CASE("replies that are none are temporary trouble") {
    for (const char* bad : {"abc\r\n", "999 x\r\n", "220\n", "220 a\n", "2\r\n", "\r\n", "\n", "220-a\r\n221 b\r\n",
                            "220_a\r\n", "-1 a\r\n", "\xFF\xFE\r\n"})
        CHECK(opened_by({raw(bad), silence()}) == "temporary 0 4.5.0");
    CHECK(opened_by({raw(std::string("220 a\0b\r\n", 9)), silence()}) == "temporary 0 4.5.0");
    CHECK(opened_by({raw("220-never ends\r\n"), silence()}) == "temporary 0 4.4.2");
    CHECK(opened_by({raw("220-cut\r\n"), cut()}) == "temporary 0 4.4.2");
}

// Faults O04
TEST_CASE("a flood for a greeting ends early") {
    CHECK(opened_by({raw("220 " + std::string(10 * 1024 * 1024, 'x'))}) == "temporary 0 4.4.2");
    std::string lines;
    for (int i = 0; i < 100'000; ++i)
        lines += "220-more\r\n";
    CHECK(opened_by({raw(lines)}) == "temporary 0 4.4.2");
}

// Faults O04, R08: the time-out is that of the whole reply; what keeps coming does not prolong it.
TEST_CASE("a server that says a byte at a time is given up") {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(opened_by({trickle("220-and so on\r\n")}) == "temporary 0 4.4.2");
    CHECK(opened_by({say("220 mx"), line("EHLO"), trickle("250-mx\r\n")}) == "temporary 0 4.4.2");
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("STARTTLS where it is offered") {
    Conversation c;
    c.script = hello("250-STARTTLS\r\n250-SIZE 1\r\n") + Script{line("STARTTLS"), say("220 go"), tls()} +
               Script{line("EHLO"), raw("250-mx\r\n250 PIPELINING\r\n"), line("QUIT"), say("221 bye")};
    run(c);
    CHECK(c.seen.complaint.empty());
    CHECK(c.opened.outcome.is_delivered());
    CHECK(c.transcript.find("* TLS") == std::string::npos);
    CHECK(c.transcript.find("*: TLS TLSv1.3") != std::string::npos);
}

TEST_CASE("TLS policies against a server without STARTTLS (faults O02)") {
    const Script plain = hello() + Script{line("QUIT"), say("221 bye")};
    CHECK(opened_by(plain, TlsPolicy::none) == "delivered 0 2.0.0");
    CHECK(opened_by(plain, TlsPolicy::opportunistic) == "delivered 0 2.0.0");
    CHECK(opened_by(plain, TlsPolicy::required) == "temporary 0 4.7.4");
    CHECK(opened_by(plain, TlsPolicy::verified) == "temporary 0 4.7.4");
    const Script refused = hello("250-STARTTLS\r\n") + Script{line("STARTTLS"), say("454 no"), line("QUIT"), say("221 x")};
    CHECK(opened_by(refused, TlsPolicy::none) == "delivered 0 2.0.0");
    CHECK(opened_by(refused, TlsPolicy::opportunistic) == "delivered 0 2.0.0");
    CHECK(opened_by(refused, TlsPolicy::required) == "temporary 0 4.7.4");
}

// Faults O01, CVE-2021-38371
TEST_CASE("words before the TLS handshake are never used after it") {
    Conversation c;
    c.script = hello("250-STARTTLS\r\n") + Script{line("STARTTLS"), raw("220 ready\r\n250 injected\r\n"), silence()};
    run(c);
    CHECK(brief(c.opened.outcome) == "temporary 0 4.7.0");
    CHECK_FALSE(c.opened.tls_failed); // not even in clear text
    CHECK(c.transcript.find("injected") == std::string::npos);
}

TEST_CASE("sign-in at a relay") {
    Conversation c;
    c.options.user = "site";
    c.options.password = Secret("s3cret");
    c.options.tls = TlsPolicy::required;
    const Script start = hello("250-STARTTLS\r\n") + Script{line("STARTTLS"), say("220 go"), tls(), line("EHLO")};
    SECTION("PLAIN inside TLS") {
        const std::string token = text::base64(std::string("\0site\0s3cret", 12));
        c.script = start + Script{raw("250-a\r\n250 AUTH PLAIN LOGIN\r\n"), line("AUTH PLAIN " + token),
                                  say("235 2.7.0 welcome"), line("QUIT"), say("221 bye")};
        run(c);
        CHECK(c.seen.complaint.empty());
        CHECK(c.opened.outcome.is_delivered());
        CHECK(c.transcript.find(token) == std::string::npos);
        CHECK(c.transcript.find("AUTH PLAIN ***") != std::string::npos);
    }
    SECTION("LOGIN, step by step") {
        c.script = start + Script{raw("250-a\r\n250 AUTH LOGIN\r\n"), line("AUTH LOGIN"), say("334 VXNlcm5hbWU6"),
                                  line(text::base64("site")), say("334 UGFzc3dvcmQ6"), line(text::base64("s3cret")),
                                  say("235 ok"), line("QUIT"), say("221 bye")};
        run(c);
        CHECK(c.seen.complaint.empty());
        CHECK(c.opened.outcome.is_delivered());
    }
    SECTION("a wrong password is the administrator's to mend: the mail waits") {
        c.script = start + Script{raw("250-a\r\n250 AUTH PLAIN\r\n"), line("AUTH PLAIN"), say("535 5.7.8 no")};
        run(c);
        CHECK(brief(c.opened.outcome) == "temporary 535 4.7.8");
    }
    SECTION("endless challenges") {
        c.script = start + Script{raw("250-a\r\n250 AUTH LOGIN\r\n"), line("AUTH LOGIN")};
        for (int i = 0; i < 20; ++i)
            c.script = c.script + Script{say("334 VXNlcm5hbWU6"), line("")};
        run(c);
        CHECK_FALSE(c.opened.outcome.is_delivered());
    }
    SECTION("a challenge that is not base64") {
        c.script = start + Script{raw("250-a\r\n250 AUTH LOGIN\r\n"), line("AUTH LOGIN"), say("334 !!"), silence()};
        run(c);
        CHECK(brief(c.opened.outcome) == "temporary 0 4.7.0");
    }
    SECTION("none offered") {
        c.script = start + Script{raw("250 a\r\n"), silence()};
        run(c);
        CHECK(brief(c.opened.outcome) == "temporary 0 4.7.0");
    }
}

TEST_CASE("capabilities as servers write them") {
    const auto read = [](std::vector<std::string> lines) {
        smtp::Reply reply;
        reply.lines = std::move(lines);
        return smtp_client::read_capabilities(reply);
    };
    const auto found = read({"mx PIPELINING", "pipelining", "8BITMIME", "SIZE 1000", "AUTH PLAIN login", "AUTH=PLAIN XOAUTH2",
                             "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "STARTTLS", "REQUIRETLS", "X-FOO bar", ""});
    CHECK(found.pipelining);
    CHECK(found.eight_bit);
    CHECK(found.max_size == 1000);
    CHECK(found.auth == std::vector<std::string>{"PLAIN", "LOGIN", "XOAUTH2"});
    CHECK((found.smtputf8 && found.chunking && found.binary && found.dsn && found.starttls && found.require_tls));
    CHECK_FALSE(read({"PIPELINING"}).pipelining); // the first line is a greeting
    CHECK(read({"a", "SIZE"}).size);
    CHECK(read({"a", "SIZE 99999999999999999999999"}).max_size == 0);
}
