#include "tests/catch.hpp"
#include "tests/unit/smtp/world.hpp"

using namespace mail;
using namespace mail::smtp;
using namespace mail::smtp::test;
using namespace std::string_literals;

namespace {

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

std::string chunk(const std::string& bytes, bool last) {
    return "BDAT " + std::to_string(bytes.size()) + (last ? " LAST" : "") + "\r\n" + bytes;
}

} // namespace

TEST_CASE("RFC 3030 §4: chunks in a pipeline make one message, for every cut") {
    World world;
    const std::string input = envelope("a@b.test", {"ann@example.test"}) + chunk("Subject: x\r\n\r\nMAIL FROM:<no>\r\n.\r\n", false) +
                              chunk("second\r\n", false) + chunk("", true) + "QUIT\r\n";
    std::size_t expected = 0;
    for (const std::size_t piece : {1u, 2u, 9u, 65536u}) {
        CHECK(codes(world.talk(world.mx(), input, piece)) == "220 250 250 250 250 250 250 221");
        REQUIRE(world.inbox("ann@example.test").size() == ++expected);
        CHECK(world.inbox("ann@example.test").back().ends_with("Subject: x\r\n\r\nMAIL FROM:<no>\r\n.\r\nsecond\r\n"));
    }
}

TEST_CASE("faults S37 to S42: bad chunks") {
    World world;
    const std::string begin = envelope("a@b.test", {"ann@example.test"});
    CHECK(codes(world.talk(world.mx(), begin + "BDAT -1\r\nBDAT .\r\nBDAT\r\nBDAT 18446744073709551617 LAST\r\n")) ==
          "220 250 250 250 501 501 501 501");
    CHECK(codes(world.talk(world.mx(), begin + "BDAT 18446744073709551615 LAST\r\nQUIT\r\n")) == "220 250 250 250 552");
    // S41: without a transaction the chunk is swallowed, not run.
    CHECK(codes(world.talk(world.mx(), "EHLO c\r\n" + chunk("QUIT\r\nMAIL FROM:<a@b.test>\r\n", true) + "NOOP\r\n")) ==
          "220 250 503 250");
    CHECK(codes(world.talk(world.mx(), chunk("QUIT\r\n", false) + "NOOP\r\n")) == "220 503 250");
    // S42: DATA and RCPT after BDAT
    CHECK(codes(world.talk(world.mx(), begin + chunk("a\r\n", false) + "DATA\r\nRCPT TO:<bob@example.test>\r\nRSET\r\nDATA\r\n")) ==
          "220 250 250 250 250 503 503 250 503");
    // A refused chunk refuses the rest of the transaction.
    Profile small = world.mx();
    small.limits.message_size = 10;
    CHECK(codes(world.talk(small, begin + chunk("12345678901", false) + chunk("x", true) + "RSET\r\n" +
                                      "MAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\n" + chunk("123456789", false) +
                                      chunk("ab", false) + chunk("c", true))) ==
          "220 250 250 250 552 503 250 250 250 250 552 503");
    CHECK(world.inbox("ann@example.test").empty());
    // The connection ends within a chunk.
    CHECK(codes(world.talk(world.mx(), begin + "BDAT 100 LAST\r\nshort")) == "220 250 250 250");
    CHECK(world.inbox("ann@example.test").empty());
}

TEST_CASE("RFC 3030 §3: BINARYMIME keeps every byte and needs BDAT") {
    World world;
    const std::string binary = "Subject: x\r\n\r\n\n.\n\r.\r\0\xff"s;
    const std::string begin = "EHLO c\r\nMAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<ann@example.test>\r\n";
    CHECK(codes(world.talk(world.mx(), begin + "DATA\r\n" + chunk(binary, true))) == "220 250 250 250 503 250");
    REQUIRE(world.inbox("ann@example.test").size() == 1);
    CHECK(world.inbox("ann@example.test").front().ends_with(binary));
    // Without it a bare LF has no meaning and is refused; the connection goes on, for chunks have no end mark to forge.
    CHECK(codes(world.talk(world.mx(), envelope("a@b.test", {"ann@example.test"}) + chunk("a\nb", true) + "NOOP\r\n")) ==
          "220 250 250 250 554 250");
    CHECK(world.inbox("ann@example.test").size() == 1);
}

TEST_CASE("RFC 2033 §4.2: LMTP answers once for every recipient") {
    World world;
    world.add_mailbox({"full@example.test", "x", R"(,"quota":10)"});
    const std::string message = "Subject: x\r\n\r\nhello\r\n";
    const std::string begin =
        envelope("a@b.test", {"ann@example.test", "nobody@example.test", "full@example.test", "bob@example.test"}, "LHLO");
    CHECK(codes(world.talk(world.lmtp(), begin + "DATA\r\n" + message + ".\r\nQUIT\r\n")) ==
          "220 250 250 250 550 250 250 354 250 452 250 221");
    CHECK(codes(world.talk(world.lmtp(), begin + chunk(message, true))) == "220 250 250 250 550 250 250 250 452 250");
    CHECK(world.inbox("ann@example.test").size() == 2);
    CHECK(world.inbox("full@example.test").empty());
    CHECK(world.inbox("bob@example.test").size() == 2);
    // The same recipient twice has two replies and one copy; no recipient is 503.
    CHECK(codes(world.talk(world.lmtp(), envelope("", {"ann@example.test", "ann@example.test"}, "LHLO") + "DATA\r\n" + message + ".\r\n")) ==
          "220 250 250 250 250 354 250 250");
    CHECK(world.inbox("ann@example.test").size() == 3);
    CHECK(codes(world.talk(world.lmtp(), envelope("", {"nobody@example.test"}, "LHLO") + "DATA\r\n")) == "220 250 250 550 503");
    CHECK(codes(world.talk(world.lmtp(), envelope("", {"user@remote.test"}, "LHLO"))) == "220 250 250 550");
    // A message refused as a whole has its reply for every recipient too.
    Profile small = world.lmtp();
    small.limits.message_size = 5;
    CHECK(codes(world.talk(small, envelope("", {"ann@example.test", "bob@example.test"}, "LHLO") + "DATA\r\n" + message + ".\r\n")) ==
          "220 250 250 250 250 354 552 552");
}
