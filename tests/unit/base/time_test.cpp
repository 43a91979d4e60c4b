#include "tests/catch.hpp"

#include "common/base/time.hpp"

using namespace mail;

TEST_CASE("RFC 3339 §5.8: times written and read") {
    CHECK(format_rfc3339(from_micros(0)) == "1970-01-01T00:00:00Z");
    CHECK(format_rfc3339(from_micros(-1)) == "1969-12-31T23:59:59Z");
    CHECK(to_micros(*parse_rfc3339("1970-01-01T00:00:01Z")) == 1000000);
    CHECK(parse_rfc3339("1996-12-19T16:39:57-08:00") == parse_rfc3339("1996-12-20T00:39:57Z"));
    CHECK(parse_rfc3339("1985-04-12T23:20:50.52Z") == parse_rfc3339("1985-04-12T23:20:50Z"));
    CHECK(parse_rfc3339("1990-12-31T23:59:60Z") == parse_rfc3339("1991-01-01T00:00:00Z"));
    CHECK(parse_rfc3339("2020-02-29") == parse_rfc3339("2020-02-29T00:00:00Z"));
    for (const char* text : {"2026-01-31T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
        CHECK(format_rfc3339(*parse_rfc3339(text)) == text);
    for (const char* bad :
         {"", "2020", "2020-13-01", "2021-02-29", "2020-01-01T", "2020-01-01T24:00:00Z",
          "2020-01-01T00:60:00Z", "2020-01-01T00:00:00", "2020-01-01T00:00:00.5", "2020-01-01T00:00:00+25:00",
          "2020-01-01T00:00:00+01", "2020-01-01T00:00:00ZZ", "-020-01-01", "2020-01-01x00:00:00Z"}) {
        INFO(bad);
        CHECK_FALSE(parse_rfc3339(bad));
    }
}

TEST_CASE("durations") {
    using namespace std::chrono_literals;
    CHECK(parse_duration("90s") == Duration(90s));
    CHECK(parse_duration("1h30m") == Duration(90min));
    CHECK(parse_duration("2w") == Duration(14 * 24h));
    CHECK(parse_duration("0s") == Duration(0s));
    for (const char* bad :
         {"", "5", "s", "5x", "5 s", "-5s", "1h-1m", "99999999999999999999s", "101000w", "1.5h", "1h30"}) {
        INFO(bad);
        CHECK_FALSE(parse_duration(bad));
    }
    CHECK(format_duration(Duration(0s)) == "0s");
    CHECK(format_duration(Duration(90min)) == "1h30m");
    for (std::int64_t seconds : {1LL, 59LL, 60LL, 3661LL, 86399LL, 604800LL, 1234567LL, 3000000000LL})
        CHECK(parse_duration(format_duration(std::chrono::seconds(seconds))) ==
              Duration(std::chrono::seconds(seconds)));
}

TEST_CASE("the system clock moves on") {
    const SteadyTime before = system_clock().steady();
    CHECK(system_clock().now() > *parse_rfc3339("2020-01-01"));
    CHECK(system_clock().steady() >= before);
}
