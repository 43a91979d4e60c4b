#include "tests/catch.hpp"

#include "common/mail/subject.hpp"

using namespace mail;

TEST_CASE("RFC 5256 §2.1: base subjects") {
    struct Row {
        const char *raw, *base;
        bool is_reply;
    };
    const Row rows[] = {
        {"hello", "hello", false},
        {"Re: hello", "hello", true},
        {"re: RE:  Fwd: hello", "hello", true},
        {"Fw: hello", "hello", true},
        {"[list] hello", "hello", false},
        {"[list] Re: hello", "hello", true},
        {"Re: [list] hello", "hello", true},
        {"Re[2]: hello", "hello", true},
        {"Re [2] : hello", "hello", true},
        {"hello (fwd)", "hello", true},
        {"hello (FWD) (fwd) ", "hello", true},
        {"[fwd: hello]", "hello", true},
        {"[Fwd: Re: [x] hello (fwd)]", "hello", true},
        {"[list]", "[list]", false},
        {"[a][b]", "[b]", false},
        {"Re: [list]", "[list]", true},
        {"Re:", "", true},
        {"", "", false},
        {"report: x", "report: x", false},
        {"  a \t b\r\n  c ", "a b c", false},
        {"=?utf-8?Q?Re:_h=C3=A9?=", "h\xC3\xA9", true},
        {"[open hello", "[open hello", false},
        {"[a[b] hello", "[a[b] hello", false},
    };
    for (const Row& row : rows) {
        INFO(row.raw);
        const BaseSubject base = base_subject(row.raw);
        CHECK(base.text == row.base);
        CHECK(base.is_reply == row.is_reply);
    }
}
