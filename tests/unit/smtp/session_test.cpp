#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/smtp/world.hpp"

using namespace mail;
using namespace mail::smtp;
using namespace mail::smtp::test;
using namespace std::string_literals;

namespace {

/// The reply lines' codes, one for each reply.
std::string codes(std::string_view output) {
    std::string out;
    while (!output.empty()) {
        const std::size_t end = output.find("\r\n");
        const std::string_view line = output.substr(0, end);
        if (line.size() < 4 || line[3] != '-')
            out += (out.empty() ? "" : " ") + std::string(line.substr(0, 3));
        output.remove_prefix(end == output.npos ? output.size() : end + 2);
    }
    return out;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

const std::string hello = "Subject: hello\r\n\r\nworld\r\n";

} // namespace

TEST_CASE("RFC 5321 §3.3: a message comes in and is in the mailbox before 250, for every cut") {
    World world;
    const std::string input = envelope("s@remote.test", {"ann@example.test"}) + "DATA\r\n" + hello + "..dot\r\n.\r\nQUIT\r\n";
    std::size_t expected = 0;
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 65536u}) {
        const std::string output = world.talk(world.mx(), input, piece);
        CHECK(codes(output) == "220 250 250 250 354 250 221");
        CHECK(world.inbox("ann@example.test").size() == ++expected);
    }
    const std::string stored = world.inbox("ann@example.test").front();
    CHECK(stored.starts_with("Return-Path: <s@remote.test>\r\n"));
    CHECK(has(stored, "Received: from client.example"));
    CHECK(has(stored, "with ESMTP"));
    CHECK(has(stored, "for <ann@example.test>"));
    CHECK(stored.ends_with(hello + ".dot\r\n"));
}

TEST_CASE("EHLO names what is offered, by role and state") {
    World world;
    const std::string mx = world.talk(world.mx(), "EHLO c.example\r\n");
    for (const char* word : {"PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN",
                             "ENHANCEDSTATUSCODES"})
        CHECK(has(mx, word));
    CHECK_FALSE(has(mx, "AUTH"));
    CHECK_FALSE(has(mx, "STARTTLS"));
    CHECK(has(world.talk(world.submission(), "EHLO c\r\n"), "AUTH SCRAM-SHA-256 PLAIN LOGIN"));
    Profile strict = world.submission();
    strict.plaintext_auth = false;
    strict.tls = world.tls();
    const std::string before = world.talk(strict, "EHLO c\r\n");
    CHECK(has(before, "STARTTLS"));
    CHECK_FALSE(has(before, "AUTH"));
    CHECK(codes(world.talk(world.mx(), "HELO c\r\nLHLO c\r\n")) == "220 250 500");
    CHECK(codes(world.talk(world.lmtp(), "LHLO c\r\nEHLO c\r\nHELO c\r\n")) == "220 250 500 500"); // RFC 2033 §4.1
}

TEST_CASE("RFC 5321 §4.1.4: the order of commands") {
    World world;
    CHECK(codes(world.talk(world.mx(), "MAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nNOOP\r\nQUIT\r\n")) ==
          "220 503 503 503 250 221");
    CHECK(codes(world.talk(world.mx(), "EHLO c\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nMAIL FROM:<a@b.test>\r\n"
                                       "MAIL FROM:<a@b.test>\r\nDATA\r\nRSET\r\nRCPT TO:<ann@example.test>\r\n")) ==
          "220 250 503 503 250 503 503 250 503");
    // EHLO ends a transaction; DATA with no accepted recipient is refused (faults S43).
    CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {"nobody@example.test"}) + "DATA\r\n")) == "220 250 250 550 503");
    CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {"ann@example.test"}) + "EHLO c\r\nDATA\r\n")) ==
          "220 250 250 250 250 503");
    CHECK(codes(world.talk(world.mx(), "EHLO c\r\nVRFY ann\r\nVRFY zed\r\nEXPN staff\r\nHELP\r\nETRN x\r\nAUTH PLAIN\r\n"
                                       "STARTTLS\r\n")) == "220 250 252 252 502 214 502 502 502");
}

TEST_CASE("faults S22 to S33, S62: no relay, no unknown recipients") {
    World world;
    for (const char* address : {"user@remote.test", "@example.test:user@remote.test", "@remote.test:user@elsewhere.test",
                                "user@[192.0.2.1]", "user@[IPv6:::1]"}) {
        INFO(address);
        CHECK(has(world.talk(world.mx(), envelope("a@b.test", {address})), "\r\n550 5.7.1"));
    }
    for (const char* address : {"user%remote.test@example.test", "\"user@remote.test\"@example.test",
                                "remote.test!user@example.test", "`id`@example.test", "${run{id}}@example.test",
                                "nobody@example.test"}) {
        INFO(address);
        CHECK(has(world.talk(world.mx(), envelope("a@b.test", {address})), "\r\n550 5.1.1"));
    }
    for (const char* address : {"user@remote.test@example.test", "\"\"@example.test", ""})
        CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {address}))) == "220 250 250 501");
    Profile relay = world.mx();
    relay.relay_from.push_back(schema::parse_network("127.0.0.0/8").value());
    CHECK_FALSE(relay.may_relay(""));
    CHECK(relay.may_relay("127.3.4.5"));
    CHECK(relay.may_relay("::ffff:127.0.0.1"));
    CHECK_FALSE(relay.may_relay("::1"));
    CHECK_FALSE(relay.may_relay("128.0.0.1"));
}

TEST_CASE("RFC 5321 §4.5.1: postmaster; aliases; the null reverse-path") {
    World world;
    CHECK(codes(world.talk(world.mx(), envelope("", {"postmaster", "Postmaster@example.test", "A.Archer@Example.TEST"}) +
                                           "DATA\r\n" + hello + ".\r\n")) == "220 250 250 250 250 250 354 250");
    CHECK(world.inbox("ann@example.test").size() == 1);
    CHECK(world.inbox("ann@example.test").front().starts_with("Return-Path: <>\r\n"));
}

TEST_CASE("faults S01 to S11: smuggling forms get one 5xx and the end, nothing is delivered") {
    World world;
    const std::string_view forms[] = {"\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\n.\r", "\r\n.\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n"};
    const std::string second = envelope("evil@remote.test", {"bob@example.test"}).substr(21) + "DATA\r\nsmuggled\r\n.\r\nQUIT\r\n";
    for (const std::string_view form : forms) {
        for (const std::size_t piece : {1u, 5u, 65536u}) {
            const std::string input = envelope("s@remote.test", {"ann@example.test"}) + "DATA\r\nSubject: x\r\n\r\nfirst" +
                                      std::string(form) + second;
            const std::string output = world.talk(world.mx(), input, piece);
            INFO(text::escape(form));
            CHECK(codes(output) == "220 250 250 250 354 554");
        }
    }
    // S09: a NUL is a byte like any other and no end.
    const std::string nul = "\r\n\0.\r\n"s;
    CHECK(codes(world.talk(world.mx(), envelope("s@remote.test", {"ann@example.test"}) + "DATA\r\nfirst" + nul + second)) ==
          "220 250 250 250 354 250 221");
    CHECK(world.inbox("bob@example.test").empty());
    CHECK(world.inbox("ann@example.test").size() == 1);
}

TEST_CASE("faults S17, S19, S47: lines that are none") {
    World world;
    CHECK(codes(world.talk(world.mx(), "EHLO c\r\nNOOP " + std::string(3000, 'x') + "\r\nNOOP\r\n")) == "220 250 500 250");
    CHECK(codes(world.talk(world.mx(), std::string(2000000, 'x'))) == "220 500");
    CHECK(codes(world.talk(world.mx(), "EHLO c\nNOOP\r\n")) == "220 500");
    CHECK(codes(world.talk(world.mx(), "NO\0OP\r\nNOOP\r\n"s)) == "220 500 250");
    CHECK(codes(world.talk(world.mx(), "POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO c\r\nMAIL FROM:<a@b.test>\r\n")) == "220 554");
    // S57: each odd argument has its reply
    CHECK(codes(world.talk(world.mx(), "EHLO\r\nEHLO " + std::string(60000, 'a') + "\r\nEHLO [IPv6:::::]\r\nEHLO [1.2.3.4]\r\n")) ==
          "220 501 500 501 250");
}

TEST_CASE("faults S35: errors end the session") {
    World world;
    std::string input;
    for (int i = 0; i < 100; ++i)
        input += "WIZ\r\n";
    const std::string output = world.talk(world.mx(), input);
    CHECK(output.ends_with("421 4.7.0 Too many errors\r\n"));
    CHECK(codes(output).size() == std::size_t{(limit::smtp_errors_hard + 2) * 4 - 1});
}

TEST_CASE("faults S34, RFC 5321 §4.5.3.1.10: too many recipients are 452") {
    World world;
    std::string input = "EHLO c\r\nMAIL FROM:<a@b.test>\r\n";
    for (int i = 0; i < 1100; ++i)
        input += "RCPT TO:<ann@example.test>\r\n";
    const std::string output = world.talk(world.mx(), input + "DATA\r\n" + hello + ".\r\n");
    CHECK(output.ends_with("\r\n"));
    CHECK(has(output, "452 4.5.3"));
    CHECK(has(output, "250 2.0.0 Accepted"));
    CHECK(world.inbox("ann@example.test").size() == 1);
    // Guessing names ends with 421.
    input = "EHLO c\r\nMAIL FROM:<a@b.test>\r\n";
    for (int i = 0; i < 200; ++i)
        input += "RCPT TO:<u" + std::to_string(i) + "@example.test>\r\n";
    CHECK(has(world.talk(world.mx(), input), "421 4.7.0 Too many refused recipients"));
}

TEST_CASE("RFC 1870, faults S49, S50: sizes and loops") {
    World world;
    Profile small = world.mx();
    small.limits.message_size = 1000;
    CHECK(has(world.talk(small, "EHLO c\r\n"), "SIZE 1000\r\n"));
    CHECK(codes(world.talk(small, "EHLO c\r\nMAIL FROM:<a@b.test> SIZE=1001\r\nMAIL FROM:<a@b.test> SIZE=99999999999999999999\r\n"
                                  "MAIL FROM:<a@b.test> SIZE=1000\r\n")) == "220 250 552 552 250");
    const std::string big = envelope("a@b.test", {"ann@example.test"}) + "DATA\r\n" + std::string(900, 'x') + "\r\n" +
                            std::string(900, 'x') + "\r\n.\r\nNOOP\r\n";
    CHECK(codes(world.talk(small, big, 100)) == "220 250 250 250 354 552 250");
    std::string hops;
    for (int i = 0; i < 51; ++i)
        hops += "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n";
    CHECK(has(world.talk(world.mx(), envelope("a@b.test", {"ann@example.test"}) + "DATA\r\n" + hops + "\r\nx\r\n.\r\n"), "554 5.4.6"));
    std::string flood;
    for (int i = 0; i < 100000; ++i)
        flood += "X-Header: " + std::to_string(i) + "\r\n";
    CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {"bob@example.test"}) + "DATA\r\n" + flood + "\r\nx\r\n.\r\n")) ==
          "220 250 250 250 354 250");
    const std::string line(1100000, 'y');
    CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {"bob@example.test"}) + "DATA\r\n\r\n" + line + "\r\n.\r\n")) ==
          "220 250 250 250 354 554");
    CHECK(world.inbox("ann@example.test").empty());
    CHECK(world.inbox("bob@example.test").size() == 1);
}

TEST_CASE("large messages stream to the store and come out the same") {
    World world;
    std::string body;
    for (int i = 0; i < 20000; ++i)
        body += "line " + std::to_string(i) + " of a long message\r\n";
    const std::string message = "Return-Path: <old@x.test>\r\nSubject: long\r\n\r\n" + body;
    for (const std::size_t piece : {1000u, 65536u}) {
        const std::string output =
            world.talk(world.mx(), envelope("a@b.test", {"ann@example.test", "bob@example.test"}) + "DATA\r\n" + message + ".\r\n", piece);
        CHECK(codes(output) == "220 250 250 250 250 354 250");
        const std::string stored = world.inbox("bob@example.test").back();
        CHECK(stored.ends_with("Subject: long\r\n\r\n" + body));
        CHECK_FALSE(has(stored, "old@x.test"));
        CHECK_FALSE(has(stored, "for <"));
    }
    CHECK(world.budget.left() == limit::inflight_bytes);
}

TEST_CASE("more mail at once than the server may hold is 452, and it recovers by itself") {
    World world;
    ByteBudget::Lease hog(world.budget);
    const std::uint64_t all{limit::inflight_bytes};
    const std::string begin = envelope("a@b.test", {"ann@example.test"});
    REQUIRE(hog.resize(all - 100)); // RFC 1870 §6.1: told before the message is sent
    CHECK(codes(world.talk(world.mx(), begin + "NOOP\r\n")) == "220 250 452 503 250");
    REQUIRE(hog.resize(all - std::uint64_t{limit::stream_threshold}));
    std::string body;
    while (body.size() < 60000)
        body += std::string(70, 'x') + "\r\n";
    CHECK(codes(world.talk(world.mx(), begin + "DATA\r\n" + body + ".\r\nNOOP\r\n", 1000)) == "220 250 250 250 354 452 250");
    REQUIRE(hog.resize(0));
    CHECK(codes(world.talk(world.mx(), begin + "DATA\r\n" + body + ".\r\n")) == "220 250 250 250 354 250");
    CHECK(world.budget.left() == limit::inflight_bytes);
}

TEST_CASE("RFC 3461 §4.1: who asks for it hears that a message is in its mailbox, or went to several") {
    World world;
    world.add("group", "all@example.test", R"({"members":["ann@example.test","bob@example.test","far@remote.test"]})", {"all@example.test"});
    const auto deliver = [&](const std::string& rcpt) {
        const std::string output = world.talk(world.lmtp(), "LHLO c\r\nMAIL FROM:<ann@example.test> ENVID=Q+2B1\r\nRCPT TO:" + rcpt +
                                                                "\r\nDATA\r\nSubject: news\r\n\r\nx\r\n.\r\n");
        REQUIRE(codes(output) == "220 250 250 250 354 250");
        return world.inbox("ann@example.test");
    };
    for (const char* quiet : {"", " NOTIFY=NEVER", " NOTIFY=FAILURE,DELAY"})
        CHECK(deliver("<bob@example.test>" + std::string(quiet)).empty());
    auto inbox = deliver("<bob@example.test> NOTIFY=SUCCESS ORCPT=rfc822;Robert+2B@example.test");
    REQUIRE(inbox.size() == 1);
    CHECK(inbox[0].starts_with("Return-Path: <>\r\n"));
    for (const char* part : {"Action: delivered\r\n", "Status: 2.0.0\r\n", "Original-Envelope-Id: Q+1\r\n", "Original-Recipient: rfc822; Robert+@example.test\r\n"})
        CHECK(has(inbox[0], part));
    inbox = deliver("<all@example.test> NOTIFY=SUCCESS,FAILURE");
    REQUIRE(inbox.size() == 3); // with her own copy
    CHECK((has(inbox[1], "Action: expanded\r\n") || has(inbox[2], "Action: expanded\r\n")));
    REQUIRE(world.queue().size() == 1);
    CHECK(world.queue()[0].notify == notify::failure); // §5.2.7.3: its branches report no success
    CHECK(world.inbox("bob@example.test").size() == 5);
}

TEST_CASE("RFC 4865: a message for our own mailbox waits in the queue too") {
    World world;
    Profile profile = world.submission();
    profile.relay_from.push_back(schema::parse_network("127.0.0.0/8").value());
    CHECK(codes(world.talk(profile, "EHLO c\r\nMAIL FROM:<a@b.test> HOLDFOR=3600\r\nRCPT TO:<a.archer@example.test> NOTIFY=SUCCESS\r\nDATA\r\n" +
                                        hello + ".\r\n")) == "220 250 250 250 354 250");
    CHECK(world.inbox("ann@example.test").empty());
    const auto items = world.queue();
    REQUIRE(items.size() == 1);
    CHECK(items[0].recipient == "ann@example.test");
    CHECK(items[0].domain == "example.test");
    CHECK(items[0].notify == notify::success);
}

namespace {

/// Every look at the monotonic clock finds it a minute later.
class HurriedClock final : public Clock {
  public:
    Time now() const override { return system_clock().now(); }
    SteadyTime steady() const override { return steady_ += std::chrono::minutes(1); }

  private:
    mutable SteadyTime steady_{};
};

} // namespace

TEST_CASE("faults §3.6: a message that comes too slowly is broken off, by the listener's own rate") {
    const HurriedClock clock;
    World world(clock);
    const std::string input = envelope("a@b.test", {"ann@example.test"}) + "DATA\r\n" + std::string(200, 'x') + "\r\n.\r\n";
    CHECK(has(world.talk(world.mx(), input, 16), "421 4.4.2 The message comes too slowly"));
    CHECK(world.inbox("ann@example.test").empty());
    Profile patient = world.mx();
    patient.limits.bytes_per_second = 0;
    CHECK(has(world.talk(patient, input, 16), "250 2.0.0 Accepted"));
}

TEST_CASE("in overload one error ends a session, and afterwards they are forgiven again") {
    World world;
    bool busy = true;
    Profile profile = world.mx();
    profile.is_overloaded = [&busy] { return busy; };
    CHECK(codes(world.talk(profile, "WIZ\r\nNOOP\r\n")) == "220 500 421");
    busy = false;
    CHECK(codes(world.talk(profile, "WIZ\r\nNOOP\r\n")) == "220 500 250");
    profile.limits.errors = 2;
    CHECK(codes(world.talk(profile, "WIZ\r\nWIZ\r\nNOOP\r\n")) == "220 500 500 421");
}

TEST_CASE("RFC 8689 §4, RFC 6710: REQUIRETLS, priority and later release reach the queue") {
    World world;
    Profile profile = world.submission();
    profile.relay_from.push_back(schema::parse_network("127.0.0.0/8").value());
    const Time before = system_clock().now();
    const std::string output =
        world.talk(profile, "EHLO c\r\nMAIL FROM:<a@b.test> MT-PRIORITY=-3 HOLDFOR=3600\r\nRCPT TO:<z@far.test>\r\nDATA\r\n" + hello + ".\r\n");
    CHECK(codes(output) == "220 250 250 250 354 250");
    auto items = world.queue();
    REQUIRE(items.size() == 1);
    CHECK(items[0].priority == -1);
    CHECK(items[0].next_attempt >= before + std::chrono::hours(1));
    CHECK(items[0].expires - items[0].next_attempt == Duration(std::chrono::hours(120))); // the full time from its release on
    CHECK(has(world.stored(items[0].blob), "\r\n\tPRIORITY -3;"));
    CHECK_FALSE(items[0].envelope.require_tls);
    profile.tls = world.tls();
    CHECK(world.converse(profile, {"< 220", "> HELO c", "< 250", "> STARTTLS", "< 220", "! tls", "> HELO c", "< 250",
                                   "> MAIL FROM:<a@b.test> REQUIRETLS", "< 250", "> RCPT TO:<z@far.test>", "< 250", "> DATA", "< 354",
                                   "> x", "> .", "< 250"}) == "");
    items = world.queue();
    REQUIRE(items.size() == 2);
    CHECK(items[1].envelope.require_tls);
}

TEST_CASE("RFC 5321 §4.1.1.4, faults S53: a connection cut in DATA delivers nothing") {
    World world;
    const std::string input = envelope("a@b.test", {"ann@example.test"}) + "DATA\r\n" + hello + ".\r\n";
    for (std::size_t cut = input.size() - 12; cut < input.size(); ++cut)
        (void)world.talk(world.mx(), input.substr(0, cut));
    CHECK(world.inbox("ann@example.test").empty());
}

TEST_CASE("RFC 6531: UTF-8 addresses need SMTPUTF8") {
    World world;
    world.add_mailbox({"j\xC3\xB6rg@example.test", "x", ""});
    CHECK(codes(world.talk(world.mx(), "EHLO c\r\nMAIL FROM:<\xC3\xA4@b.test>\r\nMAIL FROM:<a@b.test>\r\n"
                                       "RCPT TO:<j\xC3\xB6rg@example.test>\r\n")) == "220 250 553 250 553");
    const std::string output = world.talk(world.mx(), "EHLO c\r\nMAIL FROM:<\xC3\xA4@b.test> SMTPUTF8\r\n"
                                                      "RCPT TO:<j\xC3\xB6rg@example.test>\r\nDATA\r\n" + hello + ".\r\n");
    CHECK(codes(output) == "220 250 250 250 354 250");
    CHECK(has(world.inbox("j\xC3\xB6rg@example.test").front(), "with UTF8SMTP"));
}

TEST_CASE("RFC 5321 §3.8: a session that is to end says 421") {
    World world;
    CHECK(codes(world.talk_stopped(world.mx(), "EHLO c\r\nMAIL FROM:<a@b.test>\r\n")) == "220 421");
}
