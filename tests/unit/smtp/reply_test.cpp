#include "common/base/limits.hpp"
#include "maild/smtp/proto/reply.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::smtp;

namespace {

std::string bytes_of(const Reply& reply) {
    std::string out;
    append(out, reply);
    return out;
}

/// The one reply in `bytes`, or what is wrong.
Result<Reply> parse_whole(std::string_view bytes) {
    ReplyParser parser;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find("\r\n");
        if (end == bytes.npos)
            break;
        MAIL_TRY(auto reply, parser.feed(bytes.substr(0, end)));
        bytes.remove_prefix(end + 2);
        if (reply)
            return *std::move(reply);
    }
    return fail(ErrorCode::closed, "no whole reply");
}

} // namespace

TEST_CASE("RFC 5321 §4.2.1, RFC 2034 §4: replies are written") {
    CHECK(bytes_of(Reply(250, "2.1.0", "Sender ok")) == "250 2.1.0 Sender ok\r\n");
    CHECK(bytes_of(Reply(354, "", "Go on")) == "354 Go on\r\n");
    Reply lines(550, "5.1.1", "No such");
    lines.lines.push_back("user here");
    CHECK(bytes_of(lines) == "550-5.1.1 No such\r\n550 5.1.1 user here\r\n");
    Reply ehlo(250, "", "mx.example.test");
    ehlo.lines.push_back("SIZE 1000");
    ehlo.lines.push_back("PIPELINING");
    CHECK(bytes_of(ehlo) == "250-mx.example.test\r\n250-SIZE 1000\r\n250 PIPELINING\r\n");
    CHECK(bytes_of(Reply(250, "2.0.0", "a\r\n250 injected\x01")) == "250 2.0.0 a??250 injected?\r\n");
}

TEST_CASE("what is written is read back") {
    Reply many(554, "5.7.1", "");
    many.lines = {"one", "", "5.7.1", "four 5.7.1", "-five", " six"};
    Reply plain(220, "", "mx ESMTP");
    Reply ehlo(250, "", "mx.example.test");
    ehlo.lines.push_back("SIZE 1000");
    for (const Reply& reply : {many, plain, ehlo, Reply(250, "2.0.0", "ok"), Reply(421, "4.3.2", "")}) {
        const auto again = parse_whole(bytes_of(reply));
        REQUIRE(again);
        CHECK(*again == reply);
    }
}

TEST_CASE("RFC 5321 §4.2: replies of other servers") {
    const auto reply = parse_whole("250-mx.example\r\n250-8BITMIME\r\n250 SIZE 1000\r\n");
    REQUIRE(reply);
    CHECK(reply->lines == std::vector<std::string>{"mx.example", "8BITMIME", "SIZE 1000"});
    CHECK(parse_whole("250\r\n")->lines == std::vector<std::string>{""});
    CHECK(parse_whole("550 5.1.1 no\r\n")->enhanced == "5.1.1");
    CHECK(parse_whole("550 2.1.1 no\r\n")->enhanced.empty()); // class does not fit
    CHECK(parse_whole("250 2.1.1234 x\r\n")->enhanced.empty());
    CHECK(parse_whole("450 4.7.1\r\n")->text() == "450 4.7.1");
}

TEST_CASE("faults O04, O05: what is no reply is an error") {
    for (const std::string bytes : {"999 x\r\n", "abc\r\n", "\r\n", "25\r\n", "250-a\r\n251 b\r\n", "250-a\r\n", "250_a\r\n",
                                    "150 a\r\n", "260 a\r\n", "2500 a\r\n", "-250 a\r\n", "250-a\r\nb\r\n"}) {
        INFO(bytes);
        CHECK_FALSE(parse_whole(bytes));
    }
    ReplyParser nul;
    CHECK_FALSE(nul.feed(std::string_view("250 a\0b", 7)));
    ReplyParser bare;
    CHECK_FALSE(bare.feed("250 a\n250 b"));
    ReplyParser long_line;
    CHECK_FALSE(long_line.feed("250 " + std::string(std::size_t{limit::reply_line}, 'x')));
    ReplyParser flood;
    for (std::int64_t i = 0; i < limit::reply_lines; ++i)
        REQUIRE(flood.feed("250-more"));
    CHECK_FALSE(flood.feed("250 end"));
}

TEST_CASE("errors become replies by the one table") {
    CHECK(reply_for(Error{ErrorCode::no_space, "the disk is full", ""}).code == 452);
    CHECK(reply_for(Error{ErrorCode::temporary, "later", ""}).is_temporary());
    CHECK(bytes_of(reply_for(Error{ErrorCode::internal, "secret path /x", ""})).find("secret") == std::string::npos);
}
