#include "tests/harness/transcript.hpp"

#include "tests/catch.hpp"

using namespace mail::harness;

TEST_CASE("wildcards of transcripts") {
    CHECK(matches("220 ...", "220 mx ready"));
    CHECK(matches("220 ...", "220 "));
    CHECK(matches("...", ""));
    CHECK(matches("* ... EXISTS", "* 12 EXISTS"));
    CHECK(matches("a...b...c", "aXbYbZc"));
    CHECK_FALSE(matches("220 ...", "221 mx"));
    CHECK_FALSE(matches("a...b", "abc"));
    CHECK_FALSE(matches("ab...b", "ab"));
    CHECK_FALSE(matches("OK", "OK then"));
    CHECK(is_multiline("250-..."));
    CHECK_FALSE(is_multiline("250 ..."));
    CHECK_FALSE(is_multiline("abc-..."));
}

TEST_CASE("transcripts are read with their line numbers") {
    const auto read = parse_transcript("# RFC 1: x\ngiven  mailbox ann@example.org {quota: 1MiB}\ngiven plaintext\nonly plain\nS: 220 ...\nC:\nC: A\n");
    REQUIRE(read);
    CHECK(read->rule == "RFC 1: x");
    REQUIRE(read->given.size() == 1);
    CHECK(read->given[0].rest == "{quota: 1MiB}");
    CHECK(read->plaintext);
    CHECK(read->only_plain);
    REQUIRE(read->steps.size() == 3);
    CHECK(read->steps[1].text.empty());
    CHECK(read->steps[2].line == 7);
    CHECK_FALSE(parse_transcript("S: x\n"));
    CHECK_FALSE(parse_transcript("# r\nX: y\n"));
}
