// Sending: envelope, content, replies for each recipient, pipelining, BDAT, conversions and every early end
// (faults O05, O06, O08, O13, O14, O15).
#include "common/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/conversation.hpp"

using namespace mail;
using namespace mail::test;
using namespace std::chrono_literals;

namespace {

const std::string small = "Subject: hi\r\n\r\nbody\r\n";

Script hello(std::string capabilities = {}) {
    return {say("220 mx ESMTP"), line("EHLO"), raw("250-mx\r\n" + capabilities + "250 HELP\r\n")};
}
Script bye() { return {line("QUIT"), say("221 bye")}; }
const std::string pipelining = "250-PIPELINING\r\n";

/// One message, no reply takes longer than a moment.
Conversation with(Script script, smtp_client::Message message, std::string content = small) {
    Conversation c;
    c.script = std::move(script);
    auto& t = c.options.timeouts;
    t.mail = t.rcpt = t.data = t.final_reply = 300ms;
    c.messages.emplace_back(std::move(message), std::move(content));
    run(c);
    INFO(c.seen.complaint);
    REQUIRE(c.sent.size() == 1);
    REQUIRE(c.sent[0].outcomes.size() == c.messages[0].first.recipients.size());
    return c;
}
std::string first(const Conversation& c) { return brief(c.sent[0].outcomes[0]); }

} // namespace

TEST_CASE("one message, command by command and pipelined") {
    auto message = message_to({"bob@remote.test"});
    const auto slow = with(hello() + Script{line("MAIL FROM:<ann@example.test>"), say("250 ok"),
                                            line("RCPT TO:<bob@remote.test>"), say("250 ok"), line("DATA"), say("354 go"),
                                            data(), say("250 2.0.0 queued as 1")} + bye(), message);
    CHECK(slow.seen.complaint.empty());
    CHECK(first(slow) == "delivered 250 2.0.0");
    CHECK(slow.sent[0].outcomes[0].text == "250 2.0.0 queued as 1");
    CHECK(slow.sent[0].outcomes[0].from_remote);
    CHECK(slow.seen.contents.at(0) == small + ".\r\n");
    const auto quick = with(hello(pipelining) + Script{line("MAIL"), line("RCPT"), line("DATA"),
                                                       raw("250 ok\r\n250 ok\r\n354 go\r\n"), data(), say("250 done")} + bye(),
                            message);
    CHECK(quick.seen.complaint.empty());
    CHECK(first(quick) == "delivered 250 2.0.0");
    CHECK(quick.transcript.find("C: RCPT TO:<bob@remote.test>") != std::string::npos);
    CHECK(quick.transcript.find("body") == std::string::npos);
}

TEST_CASE("the envelope's parameters go where the server knows them") {
    auto message = message_to({"bob@remote.test"});
    message.envelope_id = "QQ+2B1";
    message.return_headers_only = true;
    message.eight_bit = true;
    message.recipients[0].notify = smtp::notify::success | smtp::notify::failure;
    message.recipients[0].original = "rfc822;robert@remote.test";
    const auto all = with(hello("250-SIZE 0\r\n250-8BITMIME\r\n250-DSN\r\n") +
                              Script{line("MAIL FROM:<ann@example.test> SIZE=21 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1"),
                                     say("250 ok"),
                                     line("RCPT TO:<bob@remote.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert@remote.test"),
                                     say("250 ok"), line("DATA"), say("354 go"), data(), say("250 ok")} + bye(), message);
    CHECK(all.seen.complaint.empty());
    message.eight_bit = false;
    message.return_headers_only = false;
    message.return_full = true;
    const auto full = with(hello("250-DSN\r\n") + Script{line("MAIL FROM:<ann@example.test> RET=FULL ENVID=QQ+2B1"), say("550 no")} + bye(), message);
    CHECK(full.seen.complaint.empty());
    const auto none = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"),
                                            say("354 go"), data(), say("250 ok")} + bye(), message);
    CHECK(none.seen.lines[1] == "MAIL FROM:<ann@example.test>");
    CHECK(none.seen.lines[2] == "RCPT TO:<bob@remote.test>");
}

TEST_CASE("the null reverse-path") {
    auto message = message_to({"bob@remote.test"});
    message.sender.clear();
    const auto c = with(hello() + Script{line("MAIL FROM:<>"), say("550 5.7.1 no reports")} + bye(), message);
    CHECK(first(c) == "permanent 550 5.7.1");
}

// Faults O08
TEST_CASE("each recipient has its own end") {
    for (const bool quick : {false, true}) {
        Script s = hello(quick ? pipelining : "");
        if (quick)
            s = s + Script{line("MAIL"), line("RCPT"), line("RCPT"), line("RCPT"), line("DATA"),
                           raw("250 ok\r\n250 ok\r\n550 5.1.1 no such user\r\n451 4.2.0 later\r\n354 go\r\n")};
        else
            s = s + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("RCPT"), say("550 5.1.1 no such user"),
                           line("RCPT"), say("451 4.2.0 later"), line("DATA"), say("354 go")};
        const auto c = with(s + Script{data(), say("250 ok")} + bye(), message_to({"a@r.test", "b@r.test", "c@r.test"}));
        CHECK(c.seen.complaint.empty());
        CHECK(brief(c.sent[0].outcomes[0]) == "delivered 250 2.0.0");
        CHECK(brief(c.sent[0].outcomes[1]) == "permanent 550 5.1.1");
        CHECK(c.sent[0].outcomes[1].text == "550 5.1.1 no such user");
        CHECK(brief(c.sent[0].outcomes[2]) == "temporary 451 4.2.0");
        CHECK(c.usable);
    }
}

TEST_CASE("every recipient refused, and the server still says 354 (RFC 2920 §3.1)") {
    const auto c = with(hello(pipelining) + Script{line("MAIL"), line("RCPT"), line("DATA"),
                                                   raw("250 ok\r\n550 no\r\n354 go\r\n"), data(), say("554 no recipients")} + bye(),
                        message_to({"a@r.test"}));
    CHECK(c.seen.complaint.empty());
    CHECK(first(c) == "permanent 550 5.1.1");
    CHECK(c.seen.contents.at(0) == ".\r\n");
    CHECK(c.usable);
}

TEST_CASE("too many recipients at once (RFC 5321 §4.5.3.1.10)") {
    const auto c = with(hello(pipelining) + Script{line("MAIL"), line("RCPT"), line("RCPT"), line("RCPT"), line("DATA"),
                                                   raw("250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n552 5.2.2 full\r\n354 go\r\n"),
                                                   data(), say("250 ok")} + bye(),
                        message_to({"a@r.test", "b@r.test", "c@r.test"}));
    CHECK(c.sent[0].outcomes[1].retry_now);
    CHECK(brief(c.sent[0].outcomes[1]) == "temporary 452 4.5.3");
    CHECK_FALSE(c.sent[0].outcomes[2].retry_now);
    CHECK(brief(c.sent[0].outcomes[2]) == "permanent 552 5.2.2");
    const auto alone = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("452 4.5.3 too many")} + bye(),
                            message_to({"a@r.test"}));
    CHECK_FALSE(alone.sent[0].outcomes[0].retry_now);
}

TEST_CASE("refusals of MAIL, DATA and the whole message") {
    const auto message = message_to({"a@r.test"});
    const Script envelope{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA")};
    CHECK(first(with(hello() + Script{line("MAIL"), say("451 4.7.1 greylisted")} + bye(), message)) == "temporary 451 4.7.1");
    CHECK(first(with(hello() + envelope + Script{say("554 5.7.1 no")} + bye(), message)) == "permanent 554 5.7.1");
    CHECK(first(with(hello() + envelope + Script{say("250 what")}, message)) == "temporary 0 4.5.0");
    CHECK(first(with(hello() + envelope + Script{say("354 go"), data(), say("550 5.7.1 spam")} + bye(), message)) ==
          "permanent 550 5.7.1");
    CHECK(first(with(hello() + envelope + Script{say("354 go"), data(), say("452 4.3.1 full")} + bye(), message)) ==
          "temporary 452 4.3.1");
    CHECK(first(with(hello() + envelope + Script{say("354 go"), data(), say("354 again")} + bye(), message)) ==
          "temporary 354 4.0.0");
}

// Faults O06: only the remote's own 2xx to the whole message is delivery.
TEST_CASE("cut or silent before the final reply") {
    const auto message = message_to({"a@r.test", "b@r.test"});
    const Script envelope{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"),
                          say("354 go"), data()};
    for (const Script& end : {Script{cut()}, Script{silence()}, Script{raw("250 o"), cut()}, Script{say("nonsense")},
                              Script{raw("250-ok\r\n"), cut()}}) {
        const auto c = with(hello() + envelope + end, message);
        CHECK(c.sent[0].outcomes[0].verdict == smtp_client::Verdict::temporary);
        CHECK(c.sent[0].outcomes[1].verdict == smtp_client::Verdict::temporary);
        CHECK_FALSE(c.sent[0].unanswered);
        CHECK_FALSE(c.usable);
    }
}

TEST_CASE("421 at every stage ends the session, nothing else") {
    const auto message = message_to({"a@r.test"});
    const std::string goodbye = "421 4.3.2 going down";
    const auto at_mail = with(hello() + Script{line("MAIL"), say(goodbye)}, message);
    CHECK(first(at_mail) == "temporary 421 4.3.2");
    CHECK(at_mail.sent[0].unanswered);
    const auto at_rcpt = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say(goodbye)}, message);
    CHECK(first(at_rcpt) == "temporary 421 4.3.2");
    CHECK_FALSE(at_rcpt.sent[0].unanswered);
    const auto at_data = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"),
                                               say(goodbye)}, message);
    CHECK(first(at_data) == "temporary 421 4.3.2");
    const auto quick = with(hello(pipelining) + Script{line("MAIL"), line("RCPT"), line("DATA"), say(goodbye)}, message);
    CHECK(first(quick) == "temporary 421 4.3.2");
    CHECK(quick.sent[0].unanswered);
    CHECK_FALSE(quick.usable);
}

TEST_CASE("several messages over one connection") {
    Conversation c;
    const Script ok = {line("MAIL"), line("RCPT"), line("DATA"), raw("250 ok\r\n250 ok\r\n354 go\r\n"), data(), say("250 ok")};
    c.script = hello(pipelining) + ok + ok +
               Script{line("MAIL"), line("RCPT"), line("DATA"), raw("250 ok\r\n550 no\r\n503 no\r\n")} +
               Script{line("RSET"), line("MAIL"), line("RCPT"), line("DATA"), raw("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
                      data(), say("250 ok")} + ok + bye();
    for (int i = 0; i < 5; ++i)
        c.messages.emplace_back(message_to({"a@r.test"}), small);
    run(c);
    CHECK(c.seen.complaint.empty());
    REQUIRE(c.sent.size() == 5);
    CHECK(brief(c.sent[1].outcomes[0]) == "delivered 250 2.0.0");
    CHECK(brief(c.sent[2].outcomes[0]) == "permanent 550 5.1.1");
    CHECK(brief(c.sent[4].outcomes[0]) == "delivered 250 2.0.0");
}

TEST_CASE("a server that speaks out of turn is not believed") {
    Conversation c;
    c.script = hello(pipelining) + Script{line("MAIL"), line("RCPT"), line("DATA"), raw("250 ok\r\n250 ok\r\n354 go\r\n"),
                                          data(), raw("250 ok\r\n250 and one more\r\n"), silence()};
    c.messages.assign(2, {message_to({"a@r.test"}), small});
    run(c);
    CHECK(c.sent[0].outcomes[0].is_delivered());
    CHECK_FALSE(c.sent[1].outcomes[0].is_delivered());
    CHECK(c.sent[1].unanswered);
    CHECK_FALSE(c.usable);
}

// Faults O13: checked at the sink byte for byte.
TEST_CASE("what leaves has CR LF only, and stuffed dots") {
    const auto c = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"), say("354 go"),
                                         data(), say("250 ok")} + bye(),
                        message_to({"a@r.test"}), "S: x\r\n\r\n.\n.\rMAIL FROM:<evil@x>\n.\r\n..two\r\nend");
    CHECK(c.seen.complaint.empty());
    CHECK(c.seen.contents.at(0) == "S: x\r\n\r\n..\r\n..\r\nMAIL FROM:<evil@x>\r\n..\r\n...two\r\nend\r\n.\r\n");
}

TEST_CASE("small messages in one trip by BDAT, unclean ones never") {
    const std::string both = pipelining + "250-CHUNKING\r\n";
    const auto c = with(hello(both) + Script{line("MAIL"), line("RCPT"), line("BDAT 21 LAST"), bytes(21),
                                             raw("250 ok\r\n250 ok\r\n250 2.0.0 got it\r\n")} + bye(), message_to({"a@r.test"}));
    CHECK(c.seen.complaint.empty());
    CHECK(c.seen.contents.at(0) == small);
    CHECK(first(c) == "delivered 250 2.0.0");
    const auto refused = with(hello(both) + Script{line("MAIL"), line("RCPT"), line("BDAT"), bytes(21),
                                                   raw("250 ok\r\n550 no\r\n503 no recipients\r\n")} + bye(),
                              message_to({"a@r.test"}));
    CHECK(first(refused) == "permanent 550 5.1.1");
    CHECK(refused.usable);
    const auto unclean = with(hello(both) + Script{line("MAIL"), line("RCPT"), line("DATA"), raw("250 ok\r\n250 ok\r\n354 go\r\n"),
                                                   data(), say("250 ok")} + bye(),
                              message_to({"a@r.test"}), "a\n.\nb\r\n");
    CHECK(unclean.seen.complaint.empty());
}

TEST_CASE("binary messages go in chunks (RFC 3030)") {
    auto message = message_to({"a@r.test"});
    message.binary = true;
    const std::string content = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n" + std::string("\0\n\xFF", 3) +
                                std::string(300'000, 'x');
    const std::size_t total = content.size();
    const auto c = with(hello("250-CHUNKING\r\n250-BINARYMIME\r\n") +
                            Script{line("MAIL FROM:<ann@example.test> BODY=BINARYMIME"), say("250 ok"), line("RCPT"),
                                   say("250 ok"), line("BDAT 262144"), bytes(262144), say("250 more"),
                                   line("BDAT " + std::to_string(total - 262144) + " LAST"), bytes(total - 262144),
                                   say("250 ok")} + bye(), message, content);
    CHECK(c.seen.complaint.empty());
    CHECK(c.seen.contents.at(0) + c.seen.contents.at(1) == content);
    CHECK(first(c) == "delivered 250 2.0.0");
    // A server without it gets base64.
    const auto plain = with(hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"),
                                             say("354 go"), data(), say("250 ok")} + bye(), message, content);
    CHECK(plain.seen.complaint.empty());
    CHECK(text::is_ascii(plain.seen.contents.at(0)));
}

// Faults O15
TEST_CASE("8-bit bodies for a server without 8BITMIME") {
    auto message = message_to({"a@r.test"});
    message.eight_bit = true;
    const Script to_end{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"), say("354 go"), data(),
                        say("250 ok")};
    const auto c = with(hello() + to_end + bye(), message, "Subject: a\r\n\r\ngr\xC3\xBC\r\n");
    CHECK(c.seen.contents.at(0).find("gr=C3=BC") != std::string::npos);
    CHECK(first(c) == "delivered 250 2.0.0");
    const auto no_way = with(hello() + bye(), message, "Content-Transfer-Encoding: base64\r\n\r\n\xC3\xBC\r\n");
    CHECK(first(no_way) == "permanent 0 5.6.3");
    CHECK(no_way.usable);
    const auto offered = with(hello("250-8BITMIME\r\n") + to_end + bye(), message, "Subject: a\r\n\r\ngr\xC3\xBC\r\n");
    CHECK(offered.seen.lines.at(1) == "MAIL FROM:<ann@example.test> BODY=8BITMIME");
    CHECK(offered.seen.contents.at(0).find("gr\xC3\xBC") != std::string::npos);
}

// Faults O14
TEST_CASE("international addresses and headers") {
    const Script to_end{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"), say("354 go"), data(),
                        say("250 ok")};
    auto both = message_to({"b\xC3\xB6" "b@r.test", "a@r.test"});
    both.smtputf8 = true;
    const auto one = with(hello() + to_end + bye(), both);
    CHECK(brief(one.sent[0].outcomes[0]) == "permanent 0 5.6.7");
    CHECK(brief(one.sent[0].outcomes[1]) == "delivered 250 2.0.0"); // it needs no SMTPUTF8 itself
    auto sender = message_to({"a@r.test"});
    sender.sender = "\xC3\xA4@example.test";
    CHECK(first(with(hello() + bye(), sender)) == "permanent 0 5.6.7");
    auto header = message_to({"a@r.test"});
    header.smtputf8 = true;
    CHECK(first(with(hello() + bye(), header, "Subject: \xC3\xA4\r\n\r\nx\r\n")) == "permanent 0 5.6.7");
    const auto capable = with(hello("250-8BITMIME\r\n250-SMTPUTF8\r\n") + to_end + bye(), header,
                              "Subject: \xC3\xA4\r\n\r\nx\r\n");
    CHECK(capable.seen.lines.at(1) == "MAIL FROM:<ann@example.test> SMTPUTF8");
    // A domain alone needs no SMTPUTF8: it has an ASCII form.
    const auto domain = with(hello() + to_end + bye(), message_to({"bob@b\xC3\xBC" "cher.test"}));
    CHECK(domain.seen.lines.at(2) == "RCPT TO:<bob@xn--bcher-kva.test>");
}

TEST_CASE("what is not even tried") {
    auto message = message_to({"a@r.test"});
    CHECK(first(with(hello("250-SIZE 20\r\n") + bye(), message)) == "permanent 0 5.3.4");
    message.require_tls = true;
    CHECK(first(with(hello("250-REQUIRETLS\r\n") + bye(), message)) == "permanent 0 5.7.30");
    CHECK(first(with(hello() + bye(), message_to({"not an address"}))) == "permanent 0 5.1.3");
    auto injected = message_to({"a@r.test>\r\nDATA\r\n"});
    CHECK(first(with(hello() + bye(), injected)) == "permanent 0 5.1.3");
}

TEST_CASE("large messages are streamed, whatever the reader's pace") {
    std::string content = "Subject: big\r\n\r\n";
    while (content.size() < 3'000'000)
        content += ".line of a large message that goes out in pieces\r\n";
    Conversation c;
    c.capacity = 5000;
    c.chunk = [] { return std::size_t{4000}; };
    c.script = hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"), say("354 go"), data(),
                                say("250 ok")} + bye();
    c.messages.emplace_back(message_to({"a@r.test"}), content);
    run(c);
    CHECK(c.sent[0].outcomes[0].is_delivered());
    CHECK(c.seen.contents.at(0).size() > content.size());
}

TEST_CASE("a server that closes in the middle of a large message") {
    Conversation c;
    c.script = hello() + Script{line("MAIL"), say("250 ok"), line("RCPT"), say("250 ok"), line("DATA"), say("354 go"),
                                bytes(1000), say("552 5.3.4 too big for me"), cut()};
    c.messages.emplace_back(message_to({"a@r.test"}), std::string(2'000'000, 'x') + "\r\n");
    run(c);
    CHECK(brief(c.sent[0].outcomes[0]) == "permanent 552 5.3.4");
    CHECK_FALSE(c.usable);
}

TEST_CASE("a probe asks the envelope, one command at a time, and sends nothing") {
    Conversation c;
    c.only_probe = true;
    // BDAT could go with the envelope in one write: a probe must not.
    c.script = hello("250-PIPELINING\r\n250-CHUNKING\r\n") +
               Script{line("MAIL FROM:<ann@example.test>"), say("250 ok"), line("RCPT TO:<bob@remote.test>"), say("250 ok"),
                      line("RCPT TO:<nobody@remote.test>"), say("550 5.1.1 nobody"), line("RSET"), say("250 ok")} + bye();
    c.messages.emplace_back(message_to({"bob@remote.test", "nobody@remote.test"}), small);
    run(c);
    CHECK(c.seen.complaint.empty());
    CHECK(c.seen.contents.empty());
    REQUIRE(c.sent.size() == 1);
    CHECK(brief(c.sent[0].outcomes.at(0)) == "delivered 0 2.1.5");
    CHECK(brief(c.sent[0].outcomes.at(1)) == "permanent 550 5.1.1");
    CHECK(c.usable);
}

TEST_CASE("a probe whose sender is refused, or whose server goes, says so for everybody") {
    Conversation refused;
    refused.only_probe = true;
    refused.script = hello() + Script{line("MAIL"), say("553 5.7.1 not you"), line("RSET"), say("250 ok")} + bye();
    refused.messages.emplace_back(message_to({"bob@remote.test", "carl@remote.test"}), small);
    run(refused);
    CHECK(refused.seen.complaint.empty());
    CHECK(brief(refused.sent.at(0).outcomes.at(1)) == "permanent 553 5.7.1");
    Conversation lost;
    lost.only_probe = true;
    lost.script = hello() + Script{line("MAIL"), say("250 ok"), line("RCPT")};
    lost.messages.emplace_back(message_to({"bob@remote.test"}), small);
    run(lost);
    CHECK(brief(lost.sent.at(0).outcomes.at(0)).starts_with("temporary"));
    CHECK_FALSE(lost.usable);
}
