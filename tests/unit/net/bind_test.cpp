#include "common/net/bind.hpp"
#include "common/net/dns.hpp"

#include "tests/catch.hpp"

using namespace mail;
using namespace mail::net;

TEST_CASE("parse_bind reads every form and writes it back") {
    struct Row {
        const char* text;
        BindKind kind;
        const char* address;
        int port;
    };
    const Row rows[] = {
        {"127.0.0.1:25", BindKind::tcp4, "127.0.0.1", 25}, {"[::1]:587", BindKind::tcp6, "::1", 587},
        {"0.0.0.0:0", BindKind::tcp4, "0.0.0.0", 0},       {"unix:/run/maild/lmtp.sock", BindKind::unix_socket, "/run/maild/lmtp.sock", 0},
        {"fd:3", BindKind::inherited, "", 0},                {"fd:imap.v6", BindKind::inherited, "imap.v6", 0},
    };
    for (const auto& row : rows) {
        const auto parsed = parse_bind(row.text);
        REQUIRE(parsed);
        REQUIRE(parsed->size() == 1);
        CHECK(parsed->front().kind == row.kind);
        CHECK(parsed->front().address == row.address);
        CHECK(parsed->front().port == row.port);
        CHECK(parsed->front().text() == row.text);
    }
    const auto both = parse_bind("*:143");
    REQUIRE(both);
    REQUIRE(both->size() == 2);
    CHECK((*both)[0].text() == "0.0.0.0:143");
    CHECK((*both)[1].text() == "[::]:143");
}

TEST_CASE("parse_bind refuses everything else with the forms as hint") {
    for (const char* text : {"", ":", "25", "localhost:25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                             "127.0.0.1:+25", "127.0.0.1:25 ", "::1:25", "[::1]", "[127.0.0.1]:25", "[]:25", "unix:", "unix:relative",
                             "unix:/a\nb", "fd:", "fd:0", "fd:2", "fd:-1", "fd:a b", "fd:3x", "fd:99999", "256.0.0.1:25", "1.2.3:25", "01.2.3.4:25"}) {
        INFO(text);
        const auto parsed = parse_bind(text);
        REQUIRE(!parsed);
        CHECK(parsed.error().code == ErrorCode::invalid);
        CHECK(!parsed.error().hint.empty());
    }
    CHECK(!parse_bind("unix:/" + std::string(200, 'x')));
}

TEST_CASE("addresses are classified") {
    for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
        CHECK(is_loopback(text));
    for (const char* text : {"128.0.0.1", "::2", "x", ""})
        CHECK(!is_loopback(text));
    for (const char* text : {"127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "ff02::1",
                             "::ffff:0.0.0.0", "not an address"})
        CHECK(is_unroutable(text));
    for (const char* text : {"192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"})
        CHECK(!is_unroutable(text));
    CHECK(canonical_address("2001:DB8:0:0::1") == "2001:db8::1");
    CHECK(canonical_address("::ffff:192.0.2.1") == "192.0.2.1");
    CHECK(canonical_address("host").empty());
}

TEST_CASE("reverse names of RFC 1035 §3.5 and RFC 3596 §2.5") {
    CHECK(reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa");
    CHECK(reverse_name("2001:db8::1") == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    CHECK(reverse_name("x").empty());
}
