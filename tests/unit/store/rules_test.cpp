#include "maild/store/rules.hpp"
#include "tests/catch.hpp"

namespace mail::store {

TEST_CASE("UID sets") {
    const UidSet set{{1, 1}, {5, 9}, {20, ~Uid{0}}};
    for (const Uid in : {1U, 5U, 7U, 9U, 20U, ~0U})
        CHECK(contains(set, in));
    for (const Uid out : {0U, 2U, 4U, 10U, 19U})
        CHECK_FALSE(contains(set, out));
    CHECK_FALSE(contains({}, 1));
}

TEST_CASE("keywords") {
    CHECK(join_keywords({"b", "A", "a", "", "B"}) == "A b");
    CHECK(split_keywords("  a  b ") == std::vector<std::string>{"a", "b"});
    CHECK(split_keywords("").empty());
}

TEST_CASE("folders below") {
    CHECK(is_below("a/b", "a"));
    CHECK_FALSE(is_below("a", "a"));
    CHECK_FALSE(is_below("ab/c", "a"));
    CHECK_FALSE(is_below("a/", "a"));
}

TEST_CASE("patterns") {
    struct Row {
        const char* text;
        const char* pattern;
        bool matches;
    };
    for (const Row& row : {Row{"abc", "", true}, Row{"abc", "B", true}, Row{"abc", "*", true},
                           Row{"", "*", true}, Row{"abc", "a*c", true}, Row{"abc", "a*b", false},
                           Row{"aXbXc", "*x*X*", true}, Row{"abcabc", "*abc", true}, Row{"abc", "abc*", true},
                           Row{"ab", "abc*", false}, Row{"a.b", "a_b*", false}, Row{"", "a", false}}) {
        INFO(row.text << " ~ " << row.pattern);
        CHECK(matches_pattern(row.text, row.pattern) == row.matches);
    }
    CHECK_FALSE(matches_pattern(std::string(2000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

} // namespace mail::store
