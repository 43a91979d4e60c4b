#include "maild/imap/proto/sequence_set.hpp"

#include "tests/catch.hpp"

using namespace mail::imap;

namespace {
std::string resolved(std::string_view text, std::uint32_t star) {
    const auto set = SequenceSet::parse(text);
    if (!set)
        return "bad";
    NumberList list;
    for (const auto& range : set->resolve(star))
        list.add_range(range.first, range.last);
    return list.text();
}
} // namespace

TEST_CASE("RFC 9051 §9 sequence-set") {
    CHECK(resolved("2,4:7,9,12:*", 15) == "2,4:7,9,12:15");
    CHECK(resolved("*:4,5:7", 10) == "4:10");
    CHECK(resolved("2:4", 9) == resolved("4:2", 9));
    CHECK(resolved("1,2,3,3,2:5", 9) == "1:5");
    CHECK(resolved("559:*", 100) == "100:559");
    CHECK(resolved("*", 7) == "7");
    CHECK(resolved("*", 0).empty());
    CHECK(resolved("4294967295", 7) == "4294967295");
    CHECK(resolved("4294967290:4294967295,1:4294967295", 7) == "1:4294967295");
    for (const auto* text : {"", "0", "0:3", "1:0", "4294967296", "1,", ",1", "1:", ":1", "1::2", "1:2:3", "a", "1 ",
                             "-1", "+1", "1;2", "**", "$1", "99999999999999999999"})
        CHECK(resolved(text, 9) == "bad");
}

TEST_CASE("Membership and saved results") {
    const auto ranges = SequenceSet::parse("2,4:7,9")->resolve(20);
    for (std::uint32_t n = 0; n < 12; ++n)
        CHECK(contains(ranges, n) == (n == 2 || (n >= 4 && n <= 7) || n == 9));
    CHECK(SequenceSet::parse("$")->is_saved());
    CHECK(SequenceSet::parse("3:9,2")->largest() == 9);
    for (const char* text : {"1:*", "*:1"})
        CHECK(SequenceSet::parse(text)->is_everything());
    for (const char* text : {"*", "1", "2:*", "1:1", "1:*,2", "$", "*:*"})
        CHECK(!SequenceSet::parse(text)->is_everything());
}
