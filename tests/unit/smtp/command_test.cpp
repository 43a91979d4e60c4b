#include "maild/smtp/proto/command.hpp"
#include "tests/catch.hpp"

#include <limits>

using namespace mail;
using namespace mail::smtp;

namespace {

/// The reply code of a refused line, or 0.
int refusal(std::string_view line) {
    const auto parsed = parse_command(line);
    const Reply* reply = std::get_if<Reply>(&parsed);
    return reply == nullptr ? 0 : reply->code;
}

Command command(std::string_view line) {
    auto parsed = parse_command(line);
    INFO(line);
    REQUIRE(std::holds_alternative<Command>(parsed));
    return std::get<Command>(std::move(parsed));
}

template <class T> T as(std::string_view line) { return std::get<T>(command(line)); }

} // namespace

TEST_CASE("RFC 5321 §4.1.1: every command is known in any case") {
    CHECK(as<Ehlo>("EHLO client.example").name == "client.example");
    CHECK(as<Ehlo>("ehlo [192.0.2.1]").name == "[192.0.2.1]");
    CHECK(as<Helo>("HeLo client.example ").name == "client.example");
    CHECK(as<Lhlo>("LHLO foo.edu").name == "foo.edu"); // RFC 2033 §4.2
    CHECK(as<Mail>("MAIL FROM:<Smith@bar.com>").path.text() == "<Smith@bar.com>");
    CHECK(as<Mail>("mail from:<>").path.is_null());
    CHECK(as<Mail>("MAIL FROM: <a@b.example>").path.text() == "<a@b.example>");
    CHECK(as<Rcpt>("RCPT TO:<Jones@foo.com>").path.text() == "<Jones@foo.com>");
    CHECK(as<Rcpt>("RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>").path.text() == "<userc@d.bar.org>");
    (void)as<Data>("data");
    (void)as<Rset>("RSET ");
    (void)as<Noop>("NOOP whatever it is");
    (void)as<Quit>("QUIT");
    (void)as<StartTls>("STARTTLS");
    CHECK(as<Vrfy>("VRFY ann").text == "ann");
    CHECK(as<Expn>("EXPN staff").text == "staff");
    CHECK(as<Help>("HELP").text.empty());
    CHECK(as<Etrn>("ETRN example.org").text == "example.org");
    for (int verb = 0; verb + 1 < static_cast<int>(verb_count); ++verb)
        CHECK_FALSE(name_of(static_cast<Verb>(verb)).empty());
    CHECK(verb_of(command("QUIT")) == Verb::quit);
}

TEST_CASE("faults S19, S35, S57, S58: lines that are no commands") {
    CHECK(refusal("") == 500);
    CHECK(refusal(" EHLO x") == 500);
    CHECK(refusal("EHLOX x") == 500);
    CHECK(refusal("EHLO") == 501);
    CHECK(refusal("EHLO a b") == 501);
    CHECK(refusal("EHLO [IPv6:::::]") == 501);
    CHECK(refusal("EHLO " + std::string(60000, 'x')) == 501);
    CHECK(refusal("HELO <script>") == 501);
    CHECK(refusal("DATA now") == 501);
    CHECK(refusal("STARTTLS x") == 501);
    CHECK(refusal("QUIT now") == 501);
    CHECK(refusal("VRFY") == 501);
    CHECK(refusal(std::string_view("NO\0OP", 5)) == 500);
    CHECK(refusal("NOOP\r") == 500);
    CHECK(refusal(std::string_view("RCPT TO:<ann@example.org\0.evil.test>", 36)) == 500); // S33
    for (const char* word : {"WIZ", "DEBUG", "XFORWARD A=b", "TURN", "XEXCH50 1 2", "SEND FROM:<a@b>"})
        CHECK(refusal(word) == 500);
    CHECK(refusal("MAIL") == 501);
    CHECK(refusal("MAIL FROM") == 501);
    CHECK(refusal("MAIL TO:<a@b.example>") == 501);
    CHECK(refusal("MAIL FROM:a@b.example") == 501);
    CHECK(refusal("MAIL FROM:<a@b.example") == 501);
    CHECK(refusal("RCPT TO:<>") == 501);
    CHECK(refusal("RCPT TO:<\"\"@example.org>") == 501); // S21
    CHECK(refusal("RCPT TO:<a@b@example.org>") == 501);  // S31
}

TEST_CASE("faults S47: another protocol is told apart") {
    for (const char* line : {"GET / HTTP/1.1", "POST /x HTTP/1.1", "Host: mx.example.test", "PRI * HTTP/2.0", "CONNECT a:25"})
        CHECK(verb_of(command(line)) == Verb::foreign);
}

TEST_CASE("RFC 1870, 6152, 6531, 3461, 4954: parameters of MAIL") {
    const Mail mail = as<Mail>("MAIL FROM:<ann@example.org> SIZE=500000 body=8bitmime SMTPUTF8 AUTH=e+3Dmc2@example.com "
                               "RET=HDRS ENVID=QQ314159");
    CHECK(mail.parameters.size == 500000u);
    CHECK(mail.parameters.body == Body::eight_bit);
    CHECK(mail.parameters.smtputf8);
    CHECK(mail.parameters.auth == "e=mc2@example.com"); // RFC 4954 §5
    CHECK(mail.parameters.ret == DsnReturn::headers);
    CHECK(mail.parameters.envid == "QQ314159");
    CHECK(as<Mail>("MAIL FROM:<> AUTH=<>").parameters.auth == "");
    CHECK(as<Mail>("MAIL FROM:<> BODY=BINARYMIME").parameters.body == Body::binary);
    CHECK(as<Mail>("MAIL FROM:<> SIZE=0").parameters.size == 0u);
    const auto largest = std::numeric_limits<std::uint64_t>::max();
    CHECK(as<Mail>("MAIL FROM:<> SIZE=18446744073709551615").parameters.size == largest);
    CHECK(as<Mail>("MAIL FROM:<> SIZE=99999999999999999999").parameters.size == largest);

    for (const char* bad : {"SIZE", "SIZE=", "SIZE=-1", "SIZE=1x", "SIZE=+1", "SIZE=999999999999999999999", "SIZE=1 SIZE=1",
                            "BODY=9BIT", "BODY", "SMTPUTF8=1", "SMTPUTF8 SMTPUTF8", "AUTH=", "AUTH=a=b", "RET=SOME", "RET=FULL RET=FULL",
                            "ENVID=a+0Ab", "ENVID=+ZZ", "=x", "-A=x", "S!ZE=1"}) {
        INFO(bad);
        CHECK(refusal("MAIL FROM:<a@b.example> " + std::string(bad)) == 501);
    }
    CHECK(refusal("MAIL FROM:<a@b.example> ENVID=" + std::string(101, 'x')) == 501);
    for (const char* unknown : {"FOO", "FOO=bar", "NOTIFY=NEVER", "SIZES=1"}) {
        INFO(unknown);
        CHECK(refusal("MAIL FROM:<a@b.example> " + std::string(unknown)) == 555); // RFC 5321 §4.1.1.11
    }
}

TEST_CASE("RFC 4865 §4, RFC 6710 §3, RFC 8689 §3: later release, priority and REQUIRETLS") {
    CHECK(as<Mail>("MAIL FROM:<> HOLDFOR=0").parameters.hold_seconds == 0u);
    CHECK(as<Mail>("MAIL FROM:<> holdfor=999999999").parameters.hold_seconds == 999999999u);
    CHECK(as<Mail>("MAIL FROM:<> HOLDUNTIL=2027-01-01T01:00:00.75+01:00").parameters.hold_until == parse_rfc3339("2027-01-01T00:00:00Z"));
    for (int priority = -9; priority <= 9; ++priority)
        CHECK(as<Mail>("MAIL FROM:<> MT-PRIORITY=" + std::to_string(priority)).parameters.priority == priority);
    CHECK(as<Mail>("MAIL FROM:<> requiretls").parameters.require_tls);
    for (const char* bad : {"HOLDFOR", "HOLDFOR=", "HOLDFOR=-1", "HOLDFOR=1000000000", "HOLDFOR=1 HOLDFOR=1", "HOLDUNTIL=2027-01-01",
                            "HOLDUNTIL=tomorrow", "HOLDUNTIL=1969-01-01T00:00:00Z", "HOLDUNTIL=9999-12-31T23:59:59Z",
                            "HOLDFOR=1 HOLDUNTIL=2027-01-01T00:00:00Z", "MT-PRIORITY=10", "MT-PRIORITY=-0", "MT-PRIORITY=+1", "MT-PRIORITY=-",
                            "MT-PRIORITY=1 MT-PRIORITY=1", "REQUIRETLS=1", "REQUIRETLS REQUIRETLS"}) {
        INFO(bad);
        CHECK(refusal("MAIL FROM:<a@b.example> " + std::string(bad)) == 501);
    }
}

TEST_CASE("Postfix XCLIENT_README: attributes with values in xtext") {
    const auto xclient = as<Xclient>("XCLIENT NAME=spike.example addr=168.100.189.2 HELO=[UNAVAILABLE] PORT=+35");
    REQUIRE(xclient.attributes.size() == 4);
    CHECK(xclient.attributes[1] == std::pair<std::string, std::string>("ADDR", "168.100.189.2"));
    CHECK(xclient.attributes[2].second.empty());
    CHECK(xclient.attributes[3].second == "5");
    for (const char* bad : {"XCLIENT", "XCLIENT NAME", "XCLIENT SHOE=1", "XCLIENT NAME=a NAME=b", "XCLIENT NAME=+0", "XCLIENT NAME=a  PORT=1"})
        CHECK(refusal(bad) == 501);
}

TEST_CASE("RFC 3461 §4.1, §4.2: parameters of RCPT") {
    const Rcpt rcpt = as<Rcpt>("RCPT TO:<Carol@Ivory.EDU> NOTIFY=FAILURE,success ORCPT=rfc822;Carol@Ivory.EDU");
    CHECK(rcpt.parameters.notify == (notify::failure | notify::success));
    CHECK(rcpt.parameters.orcpt == "rfc822;Carol@Ivory.EDU");
    CHECK(as<Rcpt>("RCPT TO:<a@b.example> NOTIFY=NEVER").parameters.notify == notify::never);
    CHECK(as<Rcpt>("RCPT TO:<a@b.example> ORCPT=utf-8;j\xC3\xB6rg@b.example").parameters.orcpt.has_value());
    for (const char* bad : {"NOTIFY=NEVER,DELAY", "NOTIFY=", "NOTIFY=DELAY,", "NOTIFY=X", "NOTIFY=DELAY NOTIFY=DELAY", "ORCPT=x",
                            "ORCPT=;x", "ORCPT=rfc822;", "ORCPT=rfc822;a=b", "ORCPT=rf c;x"}) {
        INFO(bad);
        CHECK(refusal("RCPT TO:<a@b.example> " + std::string(bad)) >= 501);
    }
    CHECK(refusal("RCPT TO:<a@b.example> SIZE=1") == 555);
}

TEST_CASE("RFC 3030 §2, faults S37 to S39: BDAT") {
    CHECK(as<Bdat>("BDAT 1000") == Bdat{1000, false});
    CHECK(as<Bdat>("bdat 324 last") == Bdat{324, true});
    CHECK(as<Bdat>("BDAT 0 LAST") == Bdat{0, true});
    CHECK(as<Bdat>("BDAT 18446744073709551615").size == std::numeric_limits<std::uint64_t>::max());
    for (const char* bad : {"BDAT", "BDAT ", "BDAT .", "BDAT -1", "BDAT +1", "BDAT 0x10", "BDAT 18446744073709551617 LAST",
                            "BDAT LAST", "BDAT 10 FIRST", "BDAT 10 LAST x", "BDAT 1e3"}) {
        INFO(bad);
        CHECK(refusal(bad) == 501);
    }
}

TEST_CASE("RFC 4954 §4: AUTH") {
    CHECK(as<Auth>("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=") == Auth{"PLAIN", "dGVzdAB0ZXN0ADEyMzQ="});
    CHECK(as<Auth>("auth scram-sha-256") == Auth{"SCRAM-SHA-256", std::nullopt});
    CHECK(as<Auth>("AUTH EXTERNAL =") == Auth{"EXTERNAL", ""});
    for (const std::string bad : {"AUTH", "AUTH ", "AUTH P/AIN", "AUTH PLAIN a b", "AUTH ABCDEFGHIJKLMNOPQRSTU"})
        CHECK(refusal(bad) == 501);
}

TEST_CASE("what is serialized is parsed to the same") {
    MailParameters all;
    all.size = 123;
    all.body = Body::binary;
    all.smtputf8 = true;
    all.auth = "e=mc2+x@example.com";
    all.ret = DsnReturn::full;
    all.envid = "QQ+2B314";
    MailParameters none_auth;
    none_auth.auth = "";
    const Command commands[] = {
        Ehlo{"client.example"},
        Helo{"[192.0.2.1]"},
        Lhlo{"foo.edu"},
        Mail{{{"ann", "example.org"}}, {}},
        Mail{{{"ann archer", "example.org"}}, all},
        Mail{{{"a\"b\\c>d", "example.org"}}, {}},
        Mail{{}, none_auth},
        Rcpt{{{"j\xC3\xB6rg", "b\xC3\xBC" "cher.example"}}, {notify::success | notify::delay, "rfc822;bob@example.org"}},
        Rcpt{{{"postmaster", ""}}, {notify::never, std::nullopt}},
        Rcpt{{{"bob", "[IPv6:2001:db8::1]"}}, {}},
        Data{},
        Bdat{0, true},
        Bdat{std::numeric_limits<std::uint64_t>::max(), false},
        Rset{},
        Noop{},
        Quit{},
        StartTls{},
        Auth{"PLAIN", std::nullopt},
        Auth{"PLAIN", ""},
        Auth{"SCRAM-SHA-256", "biwsbj11c2Vy"},
        Vrfy{"ann"},
        Expn{"staff"},
        Help{""},
        Help{"MAIL"},
        Etrn{"example.org"},
        Foreign{},
    };
    for (const Command& one : commands) {
        std::string line = serialize(one);
        INFO(line);
        REQUIRE(line.ends_with("\r\n"));
        line.resize(line.size() - 2);
        CHECK(line.find_first_of("\r\n") == std::string::npos);
        auto again = parse_command(line);
        REQUIRE(std::holds_alternative<Command>(again));
        CHECK((std::get<Command>(again) == one));
    }
    CHECK(serialize(Vrfy{"a\r\nQUIT"}) == "VRFY a  QUIT\r\n");
}
