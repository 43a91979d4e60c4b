#include "tests/catch.hpp"

#include "common/base/id.hpp"

#include <algorithm>
#include <unordered_set>

using namespace mail;

TEST_CASE("ids are unique, in order of time, and read back") {
    const Time now = *parse_rfc3339("2026-01-01T00:00:00Z");
    std::unordered_set<Id, IdHash> seen;
    Id last;
    for (int i = 0; i < 10000; ++i) {
        // A clock that steps back does not take the order away.
        const Id id = Id::make(now + std::chrono::milliseconds(i / 100 - (i % 7 == 0 ? 50 : 0)));
        CHECK(last < id);
        CHECK(seen.insert(id).second);
        last = id;
    }
    const std::string text = last.text();
    CHECK(text.size() == 26);
    CHECK(Id::parse(text) == last);
    CHECK(Id::from_raw(last.raw()) == last);
    CHECK(Id::from_raw("short").is_null());
}

TEST_CASE("texts of ids sort like ids; nothing else parses") {
    std::vector<Id> ids;
    for (int i = 0; i < 200; ++i) {
        Id id;
        for (std::size_t b = 0; b < 16; ++b)
            id.bytes[b] =
                static_cast<unsigned char>((static_cast<std::size_t>(i) * 37 + b * b * 11) * 151 >> 3);
        ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        CHECK(ids[i].text() <= ids[i + 1].text());
        CHECK(Id::parse(ids[i].text()) == ids[i]);
    }
    CHECK(Id{}.text() == std::string(26, '0'));
    Id highest;
    highest.bytes.fill(255);
    CHECK(highest.text() == "7" + std::string(25, 'z'));
    CHECK(Id::parse(highest.text()) == highest);
    for (const char* bad : {"", "0", "8zzzzzzzzzzzzzzzzzzzzzzzzz", "0000000000000000000000000u",
                            "0000000000000000000000000A", "000000000000000000000000000"}) {
        INFO(bad);
        CHECK_FALSE(Id::parse(bad));
    }
}
