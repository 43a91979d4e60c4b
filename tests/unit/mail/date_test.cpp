#include "tests/catch.hpp"

#include "common/mail/date.hpp"

using namespace mail;

TEST_CASE("RFC 5322 §3.3 and Appendix A: dates and their UTC meaning") {
    struct Row {
        const char *text, *utc;
        int offset;
    };
    const Row rows[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06Z", -360},
        {"Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37Z", 120},
        {"Thu, 13 Feb 1969 23:32:54 -0330", "1969-02-14T03:02:54Z", -210},
        {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 "
         "(Newfoundland Time)",
         "1969-02-14T03:02:00Z", -210},
        {"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z", 0},
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06Z", -360},
        {"21 Nov 49 00:00 Z", "2049-11-21T00:00:00Z", 0},
        {"21 Nov 50 00:00 EST", "1950-11-21T05:00:00Z", -300},
        {"21 Nov 103 00:00 PDT", "2003-11-21T07:00:00Z", -420},
        {"1 Jan 2020 00:00:60 +0000", "2020-01-01T00:01:00Z", 0},
        {"29 Feb 2020 12:00:00 +0000", "2020-02-29T12:00:00Z", 0},
        {"1 Jan 2020 00:00:00", "2020-01-01T00:00:00Z", 0},
        {"1 Jan 2020 00:00:00 FOO", "2020-01-01T00:00:00Z", 0},
        {"(c1 (c2)) 1 (x) Jan 2020 00:00:00 +2359", "2019-12-31T00:01:00Z", 1439},
        {"Sat Nov  1 09:55:06 1997", "1997-11-01T09:55:06Z", 0},
        {"1-Jan-2020 01:02:03 +0100", "2020-01-01T00:02:03Z", 60},
        {"Monday, 6 January 2020 01:02:03 +0000", "2020-01-06T01:02:03Z", 0},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const auto date = parse_date_time(row.text);
        REQUIRE(date);
        CHECK(format_rfc3339(date->time) == row.utc);
        CHECK(date->offset_minutes == row.offset);
        CHECK(parse_date_time(format_date(date->time, date->offset_minutes)) == date);
        CHECK(parse_internal_date(format_internal_date(date->time, date->offset_minutes)) == date);
    }
}

TEST_CASE("impossible dates are no dates") {
    const char* rows[] = {"",
                          "garbage",
                          "Fri, 21 Nov 1997",
                          "32 Jan 2020 00:00:00 +0000",
                          "0 Jan 2020 00:00:00 +0000",
                          "29 Feb 2021 00:00:00 +0000",
                          "1 Foo 2020 00:00:00 +0000",
                          "1 Jan 20200 00:00:00 +0000",
                          "1 Jan 99999999999999999999 00:00:00 +0000",
                          "1 Jan 1899 00:00:00 +0000",
                          "1 Jan 2020 24:00:00 +0000",
                          "1 Jan 2020 00:60:00 +0000",
                          "1 Jan 2020 00:00:61 +0000",
                          "-1 Jan 2020 00:00:00 +0000",
                          "1 Jan 2020",
                          "(unclosed 1 Jan 2020 00:00:00"};
    for (const char* row : rows) {
        INFO(row);
        CHECK_FALSE(parse_date_time(row));
        CHECK_FALSE(parse_date(row));
    }
}

TEST_CASE("dates are written as RFC 5322 §3.3 and RFC 9051 §9 say") {
    const Time t = *parse_rfc3339("1996-07-17T09:44:25Z");
    CHECK(format_date(t, -420) == "Wed, 17 Jul 1996 02:44:25 -0700");
    CHECK(format_date(t) == "Wed, 17 Jul 1996 09:44:25 +0000");
    CHECK(format_internal_date(t, -420) == "17-Jul-1996 02:44:25 -0700");
    CHECK(format_internal_date(*parse_rfc3339("1996-07-07T09:44:25Z")) == " 7-Jul-1996 09:44:25 +0000");
    // Far away times stay four digits.
    CHECK(format_date(Time::max()).size() == 31);
    CHECK(format_date(Time::min(), 99999).find("0001") != std::string::npos);
}

TEST_CASE("RFC 9051 §9: date-time and date are strict") {
    CHECK(format_rfc3339(parse_internal_date("17-Jul-1996 02:44:25 -0700")->time) == "1996-07-17T09:44:25Z");
    CHECK(format_rfc3339(parse_internal_date(" 1-Feb-1994 00:00:00 +0000")->time) == "1994-02-01T00:00:00Z");
    for (const char* bad :
         {"", "1-Feb-1994 00:00:00 +0000", "17-Jul-1996 02:44:25", "17-Xul-1996 02:44:25 -0700",
          "31-Feb-1996 02:44:25 -0700", "17-Jul-1996 25:44:25 -0700", "17-Jul-1996 02:44:25 x0700",
          "17-Jul-1996 02:44:25 -07 0", "+7-Jul-1996 02:44:25 -0700"}) {
        INFO(bad);
        CHECK_FALSE(parse_internal_date(bad));
    }
    CHECK(format_rfc3339(*parse_imap_date("1-Feb-1994")) == "1994-02-01T00:00:00Z");
    CHECK(parse_imap_date("01-feb-1994") == parse_imap_date("1-Feb-1994"));
    for (const char* bad :
         {"", "1-Feb-94", "Feb-1-1994", "30-Feb-1994", "1-Feb-1994 ", "-Feb-1994", "001-Feb-1994"}) {
        INFO(bad);
        CHECK_FALSE(parse_imap_date(bad));
    }
    CHECK(format_rfc3339(day_of(*parse_date_time("1 Jan 2020 23:30:00 -0500"))) == "2020-01-01T00:00:00Z");
}
