// Inputs that made other mail servers slow, deep or dead. Nothing is timed here: a quadratic or recursive
// reader would simply never end, or overflow the stack, at these sizes.
#include "tests/catch.hpp"

#include "common/base/limits.hpp"
#include "common/mail/address_list.hpp"
#include "common/mail/bodystructure.hpp"
#include "common/mail/date.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"
#include "common/mail/subject.hpp"
#include "tests/unit/mail/mime_properties.hpp"

using namespace mail;

namespace {
std::string repeat(std::string_view piece, std::size_t n) {
    std::string out;
    out.reserve(piece.size() * n);
    while (n-- > 0)
        out += piece;
    return out;
}
} // namespace

TEST_CASE("200,000 nested comments everywhere") {
    const std::string open = repeat("(", 200000), closed = open + repeat(")", 200000),
                      flat = repeat("(a)", 200000);
    for (const auto& comments : {open, closed, flat, repeat("(\\", 200000), repeat("\"", 200001)}) {
        static_cast<void>(parse_date_time(comments + "1 Jan 2020 00:00:00 +0000"));
        static_cast<void>(parse_address_list(comments + "a@b"));
        static_cast<void>(parse_address_list("a@" + comments + "b, <" + comments + "@" + comments + ">"));
        static_cast<void>(parse_message_ids(comments + "<a@b>"));
        static_cast<void>(parse_parameterized("text/plain" + comments + "; a=b"));
        static_cast<void>(parse_parameterized("text/plain; a=" + comments + "; c=d"));
        const std::string message = "From: " + comments + "\r\nDate: " + comments +
                                    "\r\nContent-Type: " + comments + "\r\nSubject: " + comments +
                                    "\r\n\r\nx";
        CHECK_FALSE(derive(message).envelope.empty());
    }
    CHECK(parse_date_time(flat + "1 Jan 2020 00:00:00 +0000"));
    const std::string allowed = repeat("(", limit::comment_depth) + repeat(")", limit::comment_depth);
    CHECK(parse_date_time(allowed + "1 Jan 2020 00:00:00 +0000"));
    CHECK_FALSE(parse_date_time("(" + allowed + ")" + "1 Jan 2020 00:00:00 +0000"));
}

TEST_CASE("50,000 addresses, 30,000 references, endless subjects") {
    CHECK(parse_address_list(repeat("a@b,", 50000)).size() == limit::header_addresses);
    CHECK(parse_address_list(repeat("a:", 50000)).size() <= limit::header_addresses + 2);
    CHECK(parse_address_list(repeat("<", 500000)).size() <= limit::header_addresses + 1);
    CHECK(parse_address_list(repeat("<@", 200000)).size() <= limit::header_addresses + 1);
    CHECK(parse_address_list(repeat("a b.", 200000) + "@c").size() == 1);
    CHECK(parse_address_list(repeat("@", 500000)).size() <= limit::header_addresses + 1);
    CHECK(parse_address_list("a@" + repeat("[", 500000)).size() == 1);
    std::string references;
    for (int i = 0; i < 30000; ++i)
        references += "<" + std::to_string(i) + "@example.org>\r\n ";
    CHECK(derive("References: " + references + "\r\n\r\n").references.size() == 1000);
    for (const char* piece :
         {"[a]", "re: ", "[fwd: ", "(fwd)", "[", "=?", "=?a?q?", "=?utf-8?q?a?=", "=?utf-8?q?a?= ", "fwd[a]"})
        static_cast<void>(base_subject(repeat(piece, 100000)));
    CHECK(base_subject(repeat("[a]", 100000)).text == "[a]");
}

TEST_CASE("header floods, long lines and empty files") {
    const std::string flood = repeat("X: y\r\n", 100000);
    CHECK(parse_header(flood + "\r\n").fields.size() == 100000);
    CHECK(count_received(repeat("Received: x\r\n", 150) + "\r\n") == 150);
    std::vector<std::string> names(5000, "X-Name");
    CHECK(select_fields(flood, names, false).empty());
    CHECK(derive("Subject: " + std::string(2000000, 'x') + "\r\n\r\n").subject.size() == 2000000);
    CHECK(derive("Content-Type: text/plain" + repeat(";a=b", 200000) + "\r\n\r\n").body.size() < 1000);
    CHECK(derive("Content-Type: text/plain" + repeat(";a*0=b", 200000) + "\r\n\r\n").body.size() < 1000);
    CHECK(derive("Content-Language: " + repeat(",a", 500000) + "\r\n\r\n").bodystructure.size() < 1000);
    CHECK(derive("Content-Type: text/html\r\n\r\n" + repeat("<", 500000)).preview.empty());
    CHECK(derive("Content-Type: text/html\r\n\r\n" + repeat("<!--", 500000)).preview.empty());
    CHECK(derive(repeat("\r\n", 100000)).preview.empty());
}

TEST_CASE("delimiter floods") {
    const std::string head = "Content-Type: multipart/mixed; boundary=x\r\n\r\n";
    for (const char* piece :
         {"--x\r\n", "--x--\r\n", "--x", "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n",
          "--y\r\n", "--x\r\nContent-Type: message/rfc822\r\n\r\n", "\r\n", "--\r\n",
          "--x\r\nContent-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n"}) {
        const std::string message = head + repeat(piece, 20000);
        const MimeTree tree = parse_mime(message);
        INFO(piece);
        CHECK(test::broken_property(message, tree) == "");
        CHECK(tree.parts.size() <= limit::mime_parts + limit::mime_depth + 2);
        CHECK_FALSE(derive(message, tree).bodystructure.empty());
    }
}
