#include "maild/imap/proto/response.hpp"

#include "maild/imap/proto/command.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::imap;

TEST_CASE("RFC 9051 §4.3: strings in the form they need") {
    const auto astring = [](std::string_view value, bool utf8 = false) {
        std::string out;
        append_astring(out, value, utf8);
        return out;
    };
    CHECK(astring("INBOX") == "INBOX");
    CHECK(astring("") == "\"\"");
    CHECK(astring("a b") == "\"a b\"");
    CHECK(astring("NIL") == "\"NIL\"");
    CHECK(astring("a\"b\\") == "\"a\\\"b\\\\\"");
    CHECK(astring("a\r\n* BYE") == "{8}\r\na\r\n* BYE");
    CHECK(astring("ä", true) == "\"ä\"");
    CHECK(astring("ä") == "{2}\r\nä");
}

TEST_CASE("Mailbox names come back as they went out") {
    for (std::string name : {"INBOX", "Entwürfe", "a b", "Tom & Jerry", "x(y)", "日本語/☺"})
        for (bool utf8 : {false, true}) {
            std::string wire;
            append_mailbox(wire, name, utf8);
            Frame frame{"a DELETE " + wire, {}};
            const auto outcome = parse(frame);
            REQUIRE(std::holds_alternative<Command>(outcome));
            CHECK(std::get<MailboxArguments>(std::get<Command>(outcome).body).mailbox.empty() == false);
        }
}

TEST_CASE("Flags, status and failure lines") {
    std::string out;
    append_flags(out, 0, "");
    append_flags(out, 1 | 8, "$Work x");
    append_flags(out, 0, "a");
    CHECK(out == "()(\\Seen \\Deleted $Work x)(a)");
    out.clear();
    append_status(out, "a1", "OK", "READ-WRITE", "SELECT completed");
    CHECK(out == "a1 OK [READ-WRITE] SELECT completed\r\n");
    out.clear();
    append_status(out, "*", "NO", "", "bad\r\nname \xC3\xA4");
    CHECK(out == "* NO bad??name ??\r\n");
    out.clear();
    append_failure(out, "a", Error{ErrorCode::over_quota, "the mailbox is full", ""});
    CHECK(out == "a NO [OVERQUOTA] the mailbox is full\r\n");
}

TEST_CASE("RFC 4731 §3.1: ESEARCH") {
    std::string out;
    append_esearch(out, {.tag = "A283", .uid = false, .min = 2, .max = 47, .count = 5});
    CHECK(out == "* ESEARCH (TAG \"A283\") MIN 2 MAX 47 COUNT 5\r\n");
    NumberList all;
    for (std::uint32_t n : {2U, 10U, 11U})
        all.add(n);
    out.clear();
    append_esearch(out, {.tag = "A282", .uid = true, .all = &all, .modseq = 12});
    CHECK(out == "* ESEARCH (TAG \"A282\") UID ALL 2,10:11 MODSEQ 12\r\n");
    out.clear();
    append_list(out, {.attributes = "\\HasChildren", .name = "foo", .child_subscribed = true}, false);
    CHECK(out == "* LIST (\\HasChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
}
