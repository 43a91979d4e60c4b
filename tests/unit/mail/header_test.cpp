#include "tests/catch.hpp"

#include "common/mail/header.hpp"

#include <random>

using namespace mail;
using namespace std::string_literals;

namespace {
/// Fields cover the section byte for byte, and the section ends where the body (or the empty line) starts.
void check_cover(std::string_view message) {
    const HeaderView view = parse_header(message);
    std::string all;
    for (const Field& field : view.fields) {
        CHECK_FALSE(field.whole.empty());
        all += field.whole;
    }
    CHECK(all == view.section);
    CHECK(view.body_offset == header_size(message));
    CHECK(view.body_offset >= view.section.size());
    CHECK(view.body_offset - view.section.size() <= 2);
    CHECK(view.has_separator == (view.body_offset != view.section.size()));
}
} // namespace

TEST_CASE("RFC 5322 §2.2: fields, folding and the empty line") {
    const std::string message = "From: a@b\r\nSubject: one\r\n two\r\n\tthree\r\nX : y\r\n\r\nbody\r\n";
    const HeaderView view = parse_header(message);
    REQUIRE(view.fields.size() == 3);
    CHECK(view.fields[0].name == "From");
    CHECK(view.fields[0].value == " a@b");
    CHECK(view.fields[1].value == " one\r\n two\r\n\tthree");
    CHECK(unfold(view.fields[1].value) == "one two\tthree");
    CHECK(view.fields[2].name == "X");
    CHECK(message.substr(view.body_offset) == "body\r\n");
    CHECK(view.find("SUBJECT") == &view.fields[1]);
    CHECK(view.find("Nothing") == nullptr);
    CHECK(view.value("nothing").empty());
    check_cover(message);
}

TEST_CASE("hostile headers are covered byte for byte") {
    const std::string rows[] = {""s,
                                "\r\n"s,
                                "\n"s,
                                "a"s,
                                "a:"s,
                                ":"s,
                                ":x\r\n"s,
                                " fold first\r\nA: b\r\n\r\n"s,
                                "no colon\r\nA: b\n\nx"s,
                                "A: b\r\n \r\n\r\nbody"s,
                                "A\0B: c\r\n\r\n"s,
                                "A: \0\r\n\r\n"s,
                                "From x Mon\nA: b\n\n"s,
                                "A B: c\r\n"s,
                                "\xFF\xFE: x\r\n\r\n"s,
                                "A: b\r\rC: d\r\n"s,
                                "A: b\r\n\rC: d\r\n\r\n"s,
                                "\r\r\n\r\n"s,
                                " \r\n\t\r\n"s,
                                "A: b\n\r\n"s};
    for (const auto& row : rows) {
        INFO(row);
        check_cover(row);
    }
    CHECK(parse_header("A B: c\r\n").fields[0].name.empty());
    CHECK(parse_header("From x Mon\nA: b\n\n").fields[1].name == "A");
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        std::string message;
        for (auto n = random() % 40; n-- > 0;)
            message += "\r\n\n: \tAb\0"[random() % 9];
        check_cover(message);
    }
}

TEST_CASE("RFC 9051 §6.4.5.1: HEADER.FIELDS and HEADER.FIELDS.NOT") {
    const std::string header = "From: a\r\nTo: b\r\n c\r\nfrom: d\r\njunk\r\nX: y\r\n\r\n";
    const std::vector<std::string> names{"FROM", "TO"};
    CHECK(select_fields(header, names, false) == "From: a\r\nTo: b\r\n c\r\nfrom: d\r\n\r\n");
    CHECK(select_fields(header, names, true) == "junk\r\nX: y\r\n\r\n");
    const std::vector<std::string> none{"Absent"};
    CHECK(select_fields(header, none, false) == "\r\n");
    CHECK(select_fields("From: a\r\n", names, false) == "From: a\r\n");
}

TEST_CASE("make_field folds and cannot be broken out of") {
    CHECK(make_field("Subject", "short") == "Subject: short\r\n");
    CHECK(make_field("Subject", "evil\r\nBcc: x@y") == "Subject: evil  Bcc: x@y\r\n");
    std::string words;
    for (int i = 0; i < 60; ++i)
        words += "word ";
    words += "\r\n\t\r\n  end";
    const std::string field = make_field("Subject", words);
    const HeaderView view = parse_header(field + "\r\n");
    REQUIRE(view.fields.size() == 1);
    for (std::size_t at = 0; at < field.size();) {
        const std::size_t end = field.find("\r\n", at);
        CHECK(end - at <= 78);
        CHECK(field.substr(at, end - at).find_first_not_of(' ') != std::string::npos);
        at = end + 2;
    }
}
