#include "maild/imap/proto/command.hpp"

#include "tests/catch.hpp"

#include <vector>

using namespace mail;
using namespace mail::imap;

namespace {

ParseOutcome parse_text(std::string text) { return parse(Frame{std::move(text), {}}); }

SearchArguments search(const std::string& text) {
    auto outcome = parse_text(text);
    INFO(text);
    if (auto* bad = std::get_if<BadCommand>(&outcome))
        FAIL(bad->reason);
    return std::get<SearchArguments>(std::get<Command>(outcome).body);
}

std::vector<KeyKind> kinds(const SearchArguments& arguments) {
    std::vector<KeyKind> out;
    for (const auto& key : arguments.program.keys)
        out.push_back(key.kind);
    return out;
}

} // namespace

TEST_CASE("RFC 9051 §6.4.4: search keys become a flat tree") {
    using enum KeyKind;
    const auto a = search("a SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
    CHECK(kinds(a) == std::vector<KeyKind>{all_of, system_flag, since, none_of, from});
    CHECK(a.program.keys[0].span == 5);
    CHECK(a.program.keys[3].span == 2);
    const auto b = search("a UID SEARCH (OR SEEN HEADER Message-ID py2) UNKEYWORD $x 2:4");
    CHECK(kinds(b) == std::vector<KeyKind>{all_of, all_of, any_of, system_flag, header, none_of, keyword, sequence});
    CHECK(b.program.keys[1].span == 4);
    CHECK(b.program.keys[2].span == 3);
    CHECK(b.program.keys[5].span == 2);
    const auto c = search("a SEARCH RETURN (MIN COUNT SAVE) CHARSET utf-8 TEXT x");
    CHECK(c.extended);
    CHECK(c.return_min);
    CHECK(c.return_save);
    CHECK(!c.return_all);
    CHECK(c.charset == "UTF-8");
    CHECK(search("a SEARCH RETURN () ALL").return_all);
    CHECK(search("a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338").program.uses_modseq);
    CHECK(search("a SEARCH $ YOUNGER 3600").program.keys[1].set.is_saved());
}

TEST_CASE("I08: nesting and counts are bounded") {
    const auto is_bad = [](const std::string& text) { return std::holds_alternative<BadCommand>(parse_text(text)); };
    std::string nots = "a SEARCH ", ors = "a SEARCH ", parens = "a SEARCH ", many = "a SEARCH";
    for (int i = 0; i < 50000; ++i) {
        nots += "NOT ";
        ors += "OR ALL ";
        parens += '(';
        many += " ALL";
    }
    CHECK(is_bad(nots + "ALL"));
    CHECK(is_bad(ors + "ALL"));
    CHECK(is_bad(parens + "ALL"));
    CHECK(is_bad(many));
    CHECK_FALSE(is_bad("a SEARCH NOT NOT NOT (((NOT ALL)))"));
}
