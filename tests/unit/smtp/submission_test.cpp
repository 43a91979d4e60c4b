#include "common/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/smtp/world.hpp"

using namespace mail;
using namespace mail::smtp;
using namespace mail::smtp::test;
using namespace std::string_literals;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::string plain(std::string_view user, std::string_view password) {
    return text::base64("\0"s + std::string(user) + "\0"s + std::string(password));
}
const std::string ann = "AUTH PLAIN " + plain("ann@example.test", "secret-a") + "\r\n";

std::string submit(const std::string& from, const std::string& to, const std::string& message) {
    return "EHLO c\r\n" + ann + "MAIL FROM:<" + from + ">\r\nRCPT TO:<" + to + ">\r\nDATA\r\n" + message + ".\r\nQUIT\r\n";
}

} // namespace

TEST_CASE("RFC 6409 §4.3: submission wants a sign-in first") {
    World world;
    CHECK(has(world.talk(world.submission(), "EHLO c\r\nMAIL FROM:<ann@example.test>\r\n"), "\r\n530 5.7.0"));
    CHECK(has(world.talk(world.submission(), "EHLO c\r\n" + ann + "MAIL FROM:<ann@example.test>\r\n"), "\r\n250 2.1.0"));
    // relay_from needs none; the script stream's peer has no address, so a memory stream is used.
    Profile relay = world.submission();
    relay.relay_from.push_back(schema::parse_network("127.0.0.1").value());
    CHECK(world.converse(relay, {"< 220", "> HELO c", "< 250", "> MAIL FROM:<x@elsewhere.test>", "< 250", "> RCPT TO:<y@remote.test>",
                                 "< 250"}) == "");
}

TEST_CASE("RFC 4954 §4: PLAIN, LOGIN and what goes wrong") {
    World world;
    const Profile profile = world.submission();
    const std::string user = text::base64("ann@example.test"), password = text::base64("secret-a");
    CHECK(world.converse(profile, {"< 220", "> EHLO c", "< 250-", "< 250-", "< 250-", "< 250-", "< 250-", "< 250-", "< 250-", "< 250-",
                                   "< 250-", "< 250-AUTH SCRAM-SHA-256 PLAIN LOGIN", "< 250-FUTURERELEASE", "< 250-MT-PRIORITY", "< 250-LIMITS", "< 250 VRFY", "> AUTH LOGIN", "< 334 VXNlcm5hbWU6", "> " + user,
                                   "< 334 UGFzc3dvcmQ6", "> " + password, "< 235 2.7.0", "> AUTH LOGIN", "< 503", "> QUIT", "< 221", "< EOF"}) == "");
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN\r\n" + plain("ann@example.test", "secret-a") + "\r\n"), "\r\n334 \r\n235"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN " + plain("ann@example.test", "wrong") + "\r\nNOOP\r\n"), "\r\n535 5.7.8 Authentication failed\r\n250"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN " + plain("nobody@example.test", "x") + "\r\n"), "\r\n535 5.7.8 Authentication failed\r\n"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN " + text::base64("bob@example.test\0ann@example.test\0secret-a"s) + "\r\n"), "\r\n535")); // faults A13
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN =\r\nNOOP\r\n"), "\r\n501"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN !!!\r\n"), "\r\n501 5.5.2"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH LOGIN\r\n*\r\nNOOP\r\n"), "\r\n501 5.7.0 Authentication cancelled\r\n250"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH LOGIN\r\n%%%\r\n"), "\r\n501 5.5.2"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH CRAM-MD5\r\n"), "\r\n504"));
    CHECK(has(world.talk(profile, "HELO c\r\nAUTH PLAIN\r\n"), "\r\n503"));
    CHECK(has(world.talk(profile, "EHLO c\r\n" + ann + "MAIL FROM:<ann@example.test>\r\nAUTH PLAIN\r\n"), "\r\n503"));
    CHECK(has(world.talk(profile, "EHLO c\r\nAUTH PLAIN " + std::string(13000, 'A') + "\r\nNOOP\r\n"), "\r\n500 5.5.2 Line too long\r\n250"));
}

TEST_CASE("RFC 7677: SCRAM-SHA-256 signs in, and both sides prove themselves") {
    World world;
    const std::vector<std::string> hello{"< 220", "> EHLO c", "< 250-mx", "< 250-P", "< 250-S", "< 250-8", "< 250-S", "< 250-C",
                                         "< 250-B", "< 250-D", "< 250-E", "< 250-AUTH", "< 250-FUTURERELEASE", "< 250-MT-PRIORITY", "< 250-LIMITS", "< 250 VRFY"};
    const auto after_hello = [&](std::vector<std::string> steps) {
        steps.insert(steps.begin(), hello.begin(), hello.end());
        return world.converse(world.submission(), std::move(steps));
    };
    CHECK(after_hello({"< scram ann@example.test secret-a 235", "> MAIL FROM:<ann@example.test>", "< 250"}) == "");
    CHECK(after_hello({"< scram ann@example.test wrong 535", "> MAIL FROM:<ann@example.test>", "< 530"}) == "");
    CHECK(after_hello({"< scram nobody@example.test secret-a 535", "< scram ann@example.test x 535", "< scram ann@example.test x 535",
                       "< 421", "< EOF"}) == "");
}

TEST_CASE("the third failed sign-in closes the connection") {
    World world;
    std::string input = "EHLO c\r\n";
    for (int i = 0; i < 5; ++i)
        input += "AUTH PLAIN " + plain("ann@example.test", "wrong") + "\r\n";
    const std::string output = world.talk(world.submission(), input + "NOOP\r\n");
    CHECK(output.ends_with("535 5.7.8 Authentication failed\r\n421 4.7.0 Too many failed sign-ins\r\n"));
    std::size_t refusals = 0;
    for (std::size_t at = output.find("535 "); at != output.npos; at = output.find("535 ", at + 1))
        ++refusals;
    CHECK(refusals == 3);
}

TEST_CASE("faults S13 to S15: AUTH only inside TLS, and nothing survives STARTTLS") {
    World world;
    Profile profile = world.submission();
    profile.plaintext_auth = false;
    profile.tls = world.tls();
    CHECK(has(world.talk(profile, "EHLO c\r\n" + ann), "\r\n538 5.7.11"));
    CHECK(has(world.talk(profile, "EHLO c\r\nMAIL FROM:<ann@example.test>\r\n"), "\r\n530 5.7.0"));
    CHECK(has(world.talk(profile, "EHLO c\r\nSTARTTLS\r\nEHLO d\r\nNOOP\r\n"), "\r\n554 5.5.1"));
    Profile mx = world.mx();
    mx.tls = world.tls();
    CHECK(world.converse(mx, {"< 220", "> HELO c", "< 250", "> MAIL FROM:<a@b.test>", "< 250", "> STARTTLS", "< 220", "! tls",
                              "> RCPT TO:<ann@example.test>", "< 503", "> HELO c", "< 250", "> RCPT TO:<ann@example.test>", "< 503",
                              "> STARTTLS", "< 503", "> QUIT", "< 221"}) == "");
    const std::string line = "> " + ann.substr(0, ann.size() - 2);
    CHECK(world.converse(profile, {"< 220", "> HELO c", "< 250", "> STARTTLS", "< 220", "! tls", "> EHLO c", "< 250-mx", "< 250-PIPE", "< 250-SIZE",
                                   "< 250-8BIT", "< 250-SMTPUTF8", "< 250-CHUNK", "< 250-BINARY", "< 250-DSN", "< 250-ENH", "< 250-AUTH", "< 250-REQUIRETLS", "< 250-FUTURERELEASE", "< 250-MT-PRIORITY", "< 250-LIMITS", "< 250 VRFY",
                                   line, "< 235", "> MAIL FROM:<ann@example.test>", "< 250"}) == "");
}

TEST_CASE("RFC 6409 §6.1, faults A14: only own addresses") {
    World world;
    const std::string message = "From: ann@example.test\r\nSubject: x\r\n\r\nhi\r\n";
    CHECK(has(world.talk(world.submission(), submit("ann@example.test", "bob@example.test", message)), "250 2.0.0 Accepted"));
    CHECK(has(world.talk(world.submission(), submit("A.Archer@example.test", "bob@example.test", message)), "250 2.0.0 Accepted"));
    CHECK(has(world.talk(world.submission(), submit("", "bob@example.test", message)), "250 2.0.0 Accepted"));
    CHECK(has(world.talk(world.submission(), submit("bob@example.test", "bob@example.test", message)), "553 5.7.1"));
    CHECK(has(world.talk(world.submission(), submit("ann@elsewhere.test", "bob@example.test", message)), "553 5.7.1"));
    for (const char* from : {"bob@example.test", "ann@example.test, bob@example.test", "Ann <x@elsewhere.test>", "", "undisclosed:;",
                             "\"ann@example.test\" <boss@example.test>", "ann@example.test\r\nFrom: boss@example.test"}) {
        INFO(from);
        const std::string output = world.talk(world.submission(), submit("ann@example.test", "bob@example.test", "From: "s + from + "\r\n\r\nhi\r\n"));
        CHECK(has(output, "\r\n354 "));
        CHECK(has(output, "\r\n550 5."));
    }
    CHECK(world.inbox("bob@example.test").size() == 3);
}

TEST_CASE("RFC 6409 §8: missing fields are added, Bcc goes, remote recipients are queued") {
    World world;
    const std::string output = world.talk(world.submission(), submit("ann@example.test", "carol@remote.test", "Subject: x\r\nBcc: secret@remote.test\r\n\r\nhi\r\n"));
    CHECK(has(output, "250 2.0.0 Accepted"));
    const auto queue = world.queue();
    REQUIRE(queue.size() == 1);
    CHECK(queue[0].recipient == "carol@remote.test");
    CHECK(queue[0].envelope.sender == "ann@example.test");
    CHECK_FALSE(queue[0].envelope.message_id.empty());
    const std::string message = world.stored(queue[0].blob);
    CHECK(message.starts_with("Received: "));
    CHECK(has(message, "with ESMTPA"));
    CHECK(has(message, "\r\nDate: "));
    CHECK(has(message, "\r\nMessage-ID: <" + queue[0].envelope.message_id + ">\r\n"));
    CHECK(has(message, "\r\nFrom: <ann@example.test>\r\n"));
    CHECK_FALSE(has(message, "Bcc"));
    CHECK(message.ends_with("Subject: x\r\n\r\nhi\r\n"));
}

TEST_CASE("RFC 5322 §3.6.2: who writes for somebody else is named in Sender") {
    World world;
    world.add_mailbox({"boss@example.test", "secret-c", R"(,"send_on_behalf":["ann@example.test"])"});
    world.add_mailbox({"team@example.test", "secret-d", R"(,"send_as":["ann@example.test"])"});
    const auto sent = [&](const std::string& from, const std::string& header) {
        const std::size_t before = world.inbox("bob@example.test").size();
        const std::string output = world.talk(world.submission(), submit(from, "bob@example.test", header + "\r\nhi\r\n"));
        const auto inbox = world.inbox("bob@example.test");
        return inbox.size() > before ? inbox.back() : output.substr(output.find("354"));
    };
    const std::string sender = "\r\nSender: <ann@example.test>\r\n";
    CHECK(has(sent("boss@example.test", "From: boss@example.test\r\n"), sender));
    CHECK(has(sent("ann@example.test", "From: Boss <boss@example.test>\r\n"), sender));
    CHECK(has(sent("boss@example.test", "Subject: x\r\n"), "\r\nFrom: <boss@example.test>\r\n")); // From is added, and then
    CHECK(has(sent("boss@example.test", "Subject: x\r\n"), sender));
    CHECK(has(sent("ann@example.test", "From: ann@example.test, a.archer@example.test\r\n"), sender)); // several authors
    // One's own word on Sender stays when it is true; another's goes.
    CHECK(has(sent("ann@example.test", "From: boss@example.test\r\nSender: A <a.archer@example.test>\r\n"), "Sender: A <a.archer@example.test>"));
    const std::string replaced = sent("ann@example.test", "From: ann@example.test\r\nSender: bob@example.test\r\n");
    CHECK(has(replaced, sender));
    CHECK_FALSE(has(replaced, "Sender: bob"));
    const std::string twice = sent("ann@example.test", "From: boss@example.test\r\nSender: ann@example.test\r\nSender: boss@example.test\r\n");
    CHECK(has(twice, sender));
    CHECK_FALSE(has(twice, "Sender: boss"));
    // Sending as is without another word.
    CHECK_FALSE(has(sent("team@example.test", "From: team@example.test\r\n"), "Sender:"));
    CHECK_FALSE(has(sent("ann@example.test", "From: ann+x@example.test\r\n"), "Sender:"));
    CHECK(has(sent("", "Subject: x\r\n"), "\r\nFrom: <ann@example.test>\r\n")); // nobody in the envelope
    // Granted to ann, not by her.
    CHECK(has(world.talk(world.submission(), submit("bob@example.test", "ann@example.test", "\r\n")), "553 5.7.1"));
}

TEST_CASE("a group takes mail from those it is for") {
    World world;
    world.add("group", "club@example.test", R"({"members":["bob@example.test"],"accept_from":"inside"})", {"club@example.test"});
    const std::string message = "From: ann@example.test\r\n\r\nhi\r\n";
    CHECK(has(world.talk(world.mx(), envelope("ann@example.test", {"club@example.test"})), "\r\n550 5.7.1 You may not write to this group"));
    CHECK(has(world.talk(world.submission(), submit("ann@example.test", "club@example.test", message)), "250 2.0.0 Accepted"));
    CHECK(world.inbox("bob@example.test").size() == 1);
}

TEST_CASE("RFC 3461: DSN parameters reach the queue") {
    World world;
    const std::string input = "EHLO c\r\n" + ann + "MAIL FROM:<ann@example.test> RET=HDRS ENVID=Q+2B1 BODY=8BITMIME\r\n"
                              "RCPT TO:<carol@remote.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;carol@remote.test\r\nDATA\r\nFrom: ann@example.test\r\n\r\nhi\r\n.\r\n";
    CHECK(has(world.talk(world.submission(), input), "250 2.0.0 Accepted"));
    const auto queue = world.queue();
    REQUIRE(queue.size() == 1);
    CHECK(queue[0].envelope.envelope_id == "Q+2B1");
    CHECK(queue[0].envelope.return_headers_only);
    CHECK(queue[0].envelope.eight_bit);
    CHECK(queue[0].notify == (notify::success | notify::delay));
    CHECK(queue[0].original == "rfc822;carol@remote.test");
    CHECK(has(world.talk(world.submission(), "EHLO c\r\n" + ann + "MAIL FROM:<ann@example.test> RET=FULL\r\nRCPT TO:<x@remote.test>\r\n"
                                             "DATA\r\nFrom: ann@example.test\r\n\r\nhi\r\n.\r\n"), "250 2.0.0 Accepted"));
    CHECK(world.queue().at(1).envelope.return_full);
}

TEST_CASE("RFC 3461 §5.2: NOTIFY=SUCCESS is answered for what ends here") {
    World world;
    world.add("group", "staff@example.test", R"({"members": ["bob@example.test", "carol@remote.test"]})", {"staff@example.test"});
    const auto send = [&](const std::string& from, const std::string& rcpt) {
        const std::string sign_in = from.empty() ? std::string() : ann;
        const std::string input = "EHLO c\r\n" + sign_in + "MAIL FROM:<" + from + "> ENVID=Q+2B1\r\nRCPT TO:" + rcpt +
                                  "\r\nDATA\r\nFrom: ann@example.test\r\nSubject: x\r\n\r\nhi\r\n.\r\n";
        CHECK(has(world.talk(from.empty() ? world.mx() : world.submission(), input), "250 2.0.0 Accepted"));
    };
    send("ann@example.test", "<bob@example.test>");
    send("ann@example.test", "<bob@example.test> NOTIFY=FAILURE,DELAY");
    send("ann@example.test", "<bob@example.test> NOTIFY=NEVER");
    send("", "<bob@example.test> NOTIFY=SUCCESS"); // §6.2: no report about a report
    CHECK(world.inbox("ann@example.test").empty());
    send("ann@example.test", "<bob@example.test> NOTIFY=SUCCESS ORCPT=utf-8;b\\x{F6}b@example.test");
    REQUIRE(world.inbox("ann@example.test").size() == 1);
    const std::string delivered = world.inbox("ann@example.test")[0];
    for (const char* part : {"Return-Path: <>\r\n", "Action: delivered\r\n", "Status: 2.0.0\r\n", "Original-Envelope-Id: Q+1\r\n",
                             "Original-Recipient: utf-8; b\xC3\xB6" "b@example.test\r\n", "Your message was delivered to"})
        CHECK(has(delivered, part));
    CHECK_FALSE(has(delivered, "\r\nhi\r\n"));
    // §5.2.7.2: the expansion is reported, and success asked of no member; what else was asked they inherit.
    send("ann@example.test", "<staff@example.test> NOTIFY=SUCCESS,FAILURE");
    REQUIRE(world.inbox("ann@example.test").size() == 2);
    CHECK(has(world.inbox("ann@example.test")[1], "Action: expanded\r\n"));
    REQUIRE(world.queue().size() == 1);
    CHECK(world.queue()[0].notify == notify::failure);
    send("ann@example.test", "<staff@example.test> NOTIFY=SUCCESS");
    REQUIRE(world.queue().size() == 2);
    CHECK(world.queue()[1].notify == notify::never); // 0 would ask for failures
}
