#include "tests/catch.hpp"

#include "common/base/limits.hpp"
#include "common/mail/mime.hpp"
#include "tests/unit/mail/mime_properties.hpp"

#include <random>

using namespace mail;

namespace {
/// The tree in one line: "mixed(text/plain[4],rfc822(text/plain[0]))" with body sizes.
std::string shape(const MimeTree& tree, std::uint32_t index = 0) {
    const Part& part = tree.parts[index];
    if (part.first_child == Part::none)
        return part.type + "/" + part.subtype + "[" + std::to_string(part.body.size()) + "]";
    std::string out = part.subtype + "(";
    for (std::uint32_t c = part.first_child; c != Part::none; c = tree.parts[c].next_sibling)
        out += (c == part.first_child ? "" : ",") + shape(tree, c);
    return out + ")";
}

std::string shape_of(const std::string& message) {
    const MimeTree tree = parse_mime(message);
    CHECK(test::broken_property(message, tree) == "");
    return shape(tree);
}

std::string section(const std::string& message, const std::vector<std::uint32_t>& path, SectionText text) {
    const MimeTree tree = parse_mime(message);
    const auto range = find_section(tree, message, path, text);
    return range ? std::string(range->of(message)) : "NIL";
}

const std::string multi = "Content-Type: multipart/mixed; boundary=x\r\n\r\n";
} // namespace

TEST_CASE("plain messages") {
    CHECK(shape_of("") == "text/plain[0]");
    CHECK(shape_of("A: b\r\n\r\nbody") == "text/plain[4]");
    CHECK(shape_of("A: b\r\n") == "text/plain[0]");
    CHECK(shape_of("\r\nbody") == "text/plain[4]");
    CHECK(shape_of("Content-Type: TEXT/HTML\r\n\r\nx") == "text/html[1]");
    CHECK(shape_of("Content-Type: text\r\n\r\nx") == "text/plain[1]");
    CHECK(shape_of("Content-Type: /x\r\n\r\nx") == "text/plain[1]");
    CHECK(shape_of("Content-Type: image/png\r\nContent-Type: text/html\r\n\r\nx") == "image/png[1]");
    CHECK(parse_mime("A: b\r\n\r\none\r\ntwo").root().lines == 1);
    CHECK(parse_mime("A: b\n\none\ntwo\n").root().lines == 2);
}

TEST_CASE("RFC 2046 §5.1: multiparts, and how they go wrong") {
    CHECK(
        shape_of(multi +
                 "pre\r\n--x\r\n\r\none\r\n--x\r\nContent-Type: text/html\r\n\r\ntwo\r\n--x--\r\nepilogue") ==
        "mixed(text/plain[3],text/html[3])");
    // The line end before a delimiter is the delimiter's; blanks may follow it.
    CHECK(shape_of(multi + "--x\r\n\r\none\r\n\r\n--x \t\r\n\r\n--x--") ==
          "mixed(text/plain[5],text/plain[0])");
    CHECK(shape_of("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n") ==
          "mixed(text/plain[3])");
    // Not closed; no part at all; no boundary.
    CHECK(shape_of(multi + "--x\r\n\r\none\r\n--x\r\n\r\ntwo") == "mixed(text/plain[3],text/plain[3])");
    CHECK(shape_of(multi + "no part\r\n") == "mixed(text/plain[9])");
    CHECK(shape_of(multi) == "mixed(text/plain[0])");
    CHECK(shape_of(multi + "--x--\r\n") == "mixed(text/plain[7])");
    CHECK(shape_of("Content-Type: multipart/mixed\r\n\r\nbody") == "mixed(text/plain[4])");
    CHECK(shape_of("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\nbody") ==
          "mixed(text/plain[8])");
    // A header that runs into the next delimiter.
    CHECK(shape_of(multi + "--x\r\nContent-Type: text/html\r\n--x\r\n--x--\r\n") ==
          "mixed(text/html[0],text/plain[0])");
    CHECK(shape_of(multi + "--x") == "mixed(text/plain[0])");
    CHECK(shape_of(multi + "--x\r\n") == "mixed(text/plain[0])");
    CHECK(shape_of(multi + "--x\r\n--x--\r\n--x\r\n\r\nafter the end") == "mixed(text/plain[0])");
}

TEST_CASE("a boundary that starts another one") {
    const std::string outer = "Content-Type: multipart/mixed; boundary=a\r\n\r\n";
    const std::string inner = "--a\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n";
    CHECK(shape_of(outer + inner + "--ab\r\n\r\n1\r\n--ab\r\n\r\n2\r\n--ab--\r\n--a\r\n\r\n3\r\n--a--\r\n") ==
          "mixed(alternative(text/plain[1],text/plain[1]),text/plain[1])");
    CHECK(shape_of("Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\nContent-Type: "
                   "multipart/alternative; boundary=a\r\n\r\n"
                   "--a\r\n\r\n1\r\n--ab\r\n\r\n3\r\n--ab--\r\n") ==
          "mixed(alternative(text/plain[1]),text/plain[1])");
    // An inner part that never ends is ended by the outer delimiter.
    CHECK(shape_of(outer + inner + "--ab\r\n\r\n1\r\n--a\r\n\r\n3\r\n--a--\r\n") ==
          "mixed(alternative(text/plain[1]),text/plain[1])");
    // One boundary for both: the inner multipart takes it.
    CHECK(shape_of(multi + "--x\r\nContent-Type: multipart/mixed; "
                           "boundary=x\r\n\r\n--x\r\n\r\n1\r\n--x--\r\n--x\r\n\r\n2\r\n--x--\r\n") ==
          "mixed(mixed(text/plain[1]),text/plain[1])");
    // "--x--" as an own boundary and as the end of x.
    CHECK(shape_of("Content-Type: multipart/mixed; boundary=\"x--\"\r\n\r\n--x--\r\n\r\n1\r\n--x----\r\n") ==
          "mixed(text/plain[1])");
}

TEST_CASE("RFC 2046 §5.2.1 and §5.1.5: embedded messages and digests") {
    CHECK(shape_of("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody") == "rfc822(text/plain[4])");
    CHECK(shape_of("Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: "
                   "in\r\n\r\nbody\r\n--x\r\nContent-Type: text/plain\r\n\r\nt\r\n--x--\r\n") ==
          "digest(rfc822(text/plain[4]),text/plain[1])");
    // An embedded message whose header's empty line is the delimiter's line end.
    CHECK(shape_of(multi + "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n--x--\r\n") ==
          "mixed(rfc822(text/plain[0]))");
    CHECK(shape_of(multi + "--x\r\nContent-Type: message/rfc822\r\n--x--\r\n") ==
          "mixed(rfc822(text/plain[0]))");
    CHECK(shape_of(
              multi +
              "--x\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n--x--\r\n") ==
          "mixed(rfc822(rfc822(text/plain[0])))");
    CHECK(shape_of("Content-Type: message/rfc822") == "rfc822(text/plain[0])");
    CHECK(shape_of("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==") ==
          "application/octet-stream[12]");
    CHECK(shape_of("Content-Type: message/delivery-status\r\n\r\nA: b\r\n") == "message/delivery-status[6]");
}

TEST_CASE("RFC 9051 §6.4.5.1: sections of the sample structure") {
    const std::string inner =
        "Subject: 4.2\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
        "--in\r\nX: 4.2.2.1\r\n\r\nP\r\n--in\r\nContent-Type: text/richtext\r\n\r\nQ\r\n--in--";
    const std::string message =
        "Subject: top\r\n" + multi +
        "--x\r\nX: 1\r\n\r\none\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n--x\r\n"
        "Content-Type: message/rfc822\r\nX: 3\r\n\r\nSubject: in\r\n\r\nthree\r\n--x\r\nContent-Type: "
        "multipart/mixed; boundary=y\r\n\r\n"
        "--y\r\nContent-Type: image/gif\r\nX: 4.1\r\n\r\ngif\r\n--y\r\nContent-Type: message/rfc822\r\nX: "
        "4.2\r\n\r\n" +
        inner + "\r\n--y--\r\n--x--\r\n";
    using Text = SectionText;
    CHECK(section(message, {}, Text::whole) == message);
    CHECK(section(message, {}, Text::header) == "Subject: top\r\n" + multi);
    CHECK(section(message, {}, Text::header) + section(message, {}, Text::text) == message);
    CHECK(section(message, {}, Text::mime) == "NIL");
    CHECK(section(message, {1}, Text::whole) == "one");
    CHECK(section(message, {1}, Text::mime) == "X: 1\r\n\r\n");
    CHECK(section(message, {1}, Text::header) == "NIL");
    CHECK(section(message, {1, 1}, Text::whole) == "NIL");
    CHECK(section(message, {2}, Text::whole) == "two");
    CHECK(section(message, {3}, Text::whole) == "Subject: in\r\n\r\nthree");
    CHECK(section(message, {3}, Text::header) == "Subject: in\r\n\r\n");
    CHECK(section(message, {3}, Text::text) == "three");
    CHECK(section(message, {3}, Text::mime) == "Content-Type: message/rfc822\r\nX: 3\r\n\r\n");
    CHECK(section(message, {3, 1}, Text::whole) == "three");
    CHECK(section(message, {3, 1}, Text::mime) == "Subject: in\r\n\r\n");
    CHECK(section(message, {3, 2}, Text::whole) == "NIL");
    CHECK(section(message, {4, 1}, Text::whole) == "gif");
    CHECK(section(message, {4, 1}, Text::mime) == "Content-Type: image/gif\r\nX: 4.1\r\n\r\n");
    CHECK(section(message, {4, 2}, Text::whole) == inner);
    CHECK(section(message, {4, 2}, Text::header) + section(message, {4, 2}, Text::text) == inner);
    CHECK(section(message, {4, 2, 1}, Text::whole) == "P");
    CHECK(section(message, {4, 2, 1}, Text::mime) == "X: 4.2.2.1\r\n\r\n");
    CHECK(section(message, {4, 2, 2}, Text::whole) == "Q");
    CHECK(section(message, {5}, Text::whole) == "NIL");
    CHECK(section(message, {0}, Text::whole) == "NIL");
    CHECK(section(message, std::vector<std::uint32_t>(1000, 1), Text::whole) == "NIL");
    CHECK(section(message, {4294967295U}, Text::whole) == "NIL");

    const std::string plain = "Subject: x\r\n\r\nbody";
    CHECK(section(plain, {1}, Text::whole) == "body");
    CHECK(section(plain, {1}, Text::mime) == "Subject: x\r\n\r\n");
    CHECK(section(plain, {2}, Text::whole) == "NIL");
    const std::string lone = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody";
    CHECK(section(lone, {1}, Text::whole) == "Subject: in\r\n\r\nbody");
    CHECK(section(lone, {1}, Text::header) == "Subject: in\r\n\r\n");
    CHECK(section(lone, {1, 1}, Text::whole) == "body");
}

TEST_CASE("fields of a part") {
    const MimeTree tree =
        parse_mime("Content-Type: image/png; name=\"=?utf-8?Q?=C3=A4?=.png\"\r\nContent-ID: <id@x>\r\n"
                   "Content-Description: a\r\n picture\r\nContent-Transfer-Encoding: BASE64 (c)\r\n"
                   "Content-MD5: abc==\r\nContent-Language: en, de\r\nContent-Location: http://x/\r\n"
                   "Content-Disposition: Attachment; filename*=utf-8''%C3%B6.png; size=3\r\n\r\nYWJj\r\n");
    const Part& part = tree.root();
    CHECK(part.id == "<id@x>");
    CHECK(part.description == "a picture");
    CHECK(part.encoding == "base64");
    CHECK(part.md5 == "abc==");
    CHECK(part.languages == std::vector<std::string>{"en", "de"});
    CHECK(part.location == "http://x/");
    CHECK(part.disposition.type == "attachment");
    CHECK(part.filename() == "\xC3\xB6.png");
    const std::string body = "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; "
                             "charset=iso-8859-1\r\n\r\ncaf=E9";
    CHECK(decoded_text(body, parse_mime(body).root()) == "caf\xC3\xA9");
    CHECK_FALSE(decoded_body(body, parse_mime("Content-Transfer-Encoding: x-odd\r\n\r\n").root()));
}

TEST_CASE("limits of depth and parts") {
    std::string deep, many = multi;
    for (int i = 0; i < 200; ++i)
        deep += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\r\n\r\n--b" +
                std::to_string(i) + "\r\n";
    MimeTree tree = parse_mime(deep);
    CHECK(test::broken_property(deep, tree) == "");
    CHECK(tree.parts.size() == limit::mime_depth + 1);
    CHECK(tree.parts.back().opaque);
    CHECK(tree.parts.back().subtype == "octet-stream");
    for (int i = 0; i < 20000; ++i)
        many += "--x\r\n\r\n" + std::to_string(i) + "\r\n";
    tree = parse_mime(many);
    CHECK(test::broken_property(many, tree) == "");
    CHECK(tree.parts.size() == limit::mime_parts);
    CHECK(tree.parts.back().opaque);
    CHECK(tree.parts.back().body.end == many.size());
    std::string messages;
    for (int i = 0; i < 5000; ++i)
        messages += "Content-Type: message/rfc822\r\n\r\n";
    tree = parse_mime(messages);
    CHECK(test::broken_property(messages, tree) == "");
    CHECK(tree.parts.size() == limit::mime_depth + 1);
}

TEST_CASE("ranges of random messages nest and add up") {
    const char* pieces[] = {"--x\r\n",
                            "--x--\r\n",
                            "--y\n",
                            "--y--\n",
                            "\r\n",
                            "\n",
                            "text\r\n",
                            "Content-Type: multipart/mixed; boundary=x\r\n",
                            "Content-Type: multipart/digest; boundary=y\n",
                            "Content-Type: message/rfc822\r\n",
                            "Content-Type: text/html\r\n",
                            "--x",
                            "-",
                            " fold\r\n",
                            "Content-Transfer-Encoding: base64\r\n",
                            "\r"};
    std::mt19937 random(11);
    for (int i = 0; i < 20000; ++i) {
        std::string message = i % 2 == 0 ? multi : "";
        for (auto n = random() % 25; n-- > 0;)
            message += pieces[random() % 16];
        const MimeTree tree = parse_mime(message);
        const std::string broken = test::broken_property(message, tree);
        if (!broken.empty()) {
            INFO(message);
            CHECK(broken == "");
        }
    }
}
