#include "maild/imap/proto/list_pattern.hpp"

#include "tests/catch.hpp"

#include <chrono>
#include <vector>

using namespace mail::imap;

TEST_CASE("RFC 9051 §6.3.9: wildcards") {
    struct Row {
        std::string pattern;
        std::string name;
        bool matches;
    };
    const std::vector<Row> rows = {
        {"*", "a/b/c", true},     {"%", "a", true},        {"%", "a/b", false},      {"%/%", "a/b", true},
        {"%/%", "a/b/c", false},  {"a*", "a/b", true},     {"a*", "b", false},       {"*b", "a/b", true},
        {"a%", "abc", true},      {"a%c", "a/c", false},   {"a*c", "a/c", true},     {"", "", true},
        {"", "a", false},         {"INBOX", "INBOX", true}, {"inbox", "INBOX", true}, {"inb%", "INBOX", true},
        {"inbox", "Inboxes", false}, {"*%", "a/b", true},  {"%*", "a/b", true},      {"a%*b", "a/x/b", true},
        {"%a%b%", "xaybz", true}, {"%a%b%", "xa/yb", false}, {"*a%b", "a/a/axb", true}, {"a", "A", false},
        {"***%%%***x", "a/b/x", true},
    };
    for (const auto& row : rows) {
        INFO(row.pattern << " on " << row.name);
        CHECK(ListPattern(row.pattern).matches(row.name) == row.matches);
    }
}

TEST_CASE("No pattern makes matching slow") {
    std::string hostile;
    for (int i = 0; i < 120; ++i)
        hostile += i % 2 == 0 ? "*a" : "%a";
    const ListPattern pattern(hostile + "b");
    const std::string name(255, 'a');
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i)
        CHECK(!pattern.matches(name));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
    CHECK(!ListPattern(std::string(100000, 'a')).matches(name));
}
