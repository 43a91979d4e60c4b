#include "maild/smtp/proto/path.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::smtp;

TEST_CASE("RFC 5321 §4.1.2: forward paths") {
    struct Row {
        std::string input, local, domain;
    };
    const Row good[] = {
        {"<ann@example.org>", "ann", "example.org"},
        {"<Ann.Archer@Example.ORG>", "Ann.Archer", "Example.ORG"},
        {"<\"ann archer\"@example.org>", "ann archer", "example.org"},
        {"<\"a>b\"@example.org>", "a>b", "example.org"},
        {"<\"a\\\"b\"@example.org>", "a\"b", "example.org"},
        {"<\"user@remote.test\"@example.org>", "user@remote.test", "example.org"}, // faults S27: data, not a route
        {"<user%remote.test@example.org>", "user%remote.test", "example.org"},      // S26
        {"<remote.test!user@example.org>", "remote.test!user", "example.org"},      // S29
        {"<@relay.example,@other.example:ann@example.org>", "ann", "example.org"},  // route ignored
        {"<ann@[192.0.2.1]>", "ann", "[192.0.2.1]"},
        {"<ann@[IPv6:2001:db8::1]>", "ann", "[IPv6:2001:db8::1]"},
        {"<postmaster>", "postmaster", ""},
        {"<PostMaster>", "PostMaster", ""},
    };
    for (const Row& row : good) {
        INFO(row.input);
        std::string_view rest = row.input;
        const auto path = take_path(rest, false);
        REQUIRE(path);
        CHECK(path->address.local == row.local);
        CHECK(path->address.domain == row.domain);
        CHECK(rest.empty());
        std::string again_text = path->text();
        std::string_view again = again_text;
        CHECK(take_path(again, false).value() == *path);
    }
}

TEST_CASE("faults S21 to S33, S59: paths that are none") {
    std::string route = "<";
    for (int i = 0; i < 5000; ++i)
        route += "@a,";
    const std::string bad[] = {
        "", "ann@example.org", "<ann@example.org", "<ann@example.org> x", "<>", "<ann>", "<@example.org>", "<ann@>",
        "<\"\"@example.org>",            // S21
        "<a@b@example.org>",             // S31
        "<ann archer@example.org>", "<ann@example.org>x", "<\"ann@example.org>", "<ann@exam ple.org>",
        "<ann@[300.1.1.1]>", "<ann@[IPv6:xyz]>", "<ann@[>", "<.ann@example.org>", "<ann.@example.org>",
        "<a..b@example.org>", "<ann@example..org>", "<ann@-example.org>",
        "<@a:>", "<@:ann@example.org>", "<@a,:ann@example.org>", "<@a,b:ann@example.org>", "<@a ann@example.org>",
        std::string("<ann\0x@example.org>", 19), "<ann@example.org\xff>", "<\xff@example.org>",
        "<" + std::string(65, 'a') + "@example.org>",
        "<ann@" + std::string(300, 'a') + ">",
        "<(comment)ann@example.org>", "<" + std::string(2000, '(') + "ann@example.org>",
        "<\"" + std::string(2000, '\\') + "\"@example.org>",
        route + ":ann@example.org>", route + "@b:ann@example.org>@",
    };
    for (const std::string& input : bad) {
        INFO(input.substr(0, 100));
        std::string_view rest = input;
        // The last comes with trailing text, so it cannot be taken as a whole either.
        const bool whole = static_cast<bool>(take_path(rest, false));
        CHECK_FALSE((whole && rest.empty()));
    }
}

TEST_CASE("RFC 5321 §4.5.5: the null reverse-path; RFC 6531: UTF-8 is flagged") {
    std::string_view rest = "<> SIZE=1";
    const auto null = take_path(rest, true);
    REQUIRE(null);
    CHECK(null->is_null());
    CHECK(rest == " SIZE=1");
    CHECK(null->text() == "<>");
    rest = "<postmaster>";
    CHECK_FALSE(take_path(rest, true));

    rest = "<j\xC3\xB6rg@example.org>";
    CHECK(take_path(rest, true).value().is_utf8());
    rest = "<ann@b\xC3\xBC" "cher.example>";
    CHECK(take_path(rest, true).value().is_utf8());
    rest = "<ann@example.org>";
    CHECK_FALSE(take_path(rest, true).value().is_utf8());
}

TEST_CASE("faults S57: arguments of EHLO") {
    for (const std::string name : {"client.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host", "WIN-1"})
        CHECK(is_helo_name(name));
    for (const std::string& name : {std::string(), std::string("[]"), std::string("[IPv6:zz]"), std::string("[1.2.3]"),
                                    std::string("a b"), std::string("a(b)"), std::string("\xff"), std::string(60000, 'a'),
                                    std::string("<a>"), std::string("a;b"), std::string("[192.0.2.1")})
        CHECK_FALSE(is_helo_name(name));
}

TEST_CASE("RFC 3461 §4: xtext") {
    CHECK(encode_xtext("Bob@big-bucks.com") == "Bob@big-bucks.com");
    CHECK(encode_xtext("a+b=c d") == "a+2Bb+3Dc+20d");
    CHECK(decode_xtext("a+2Bb+3Dc+20d").value() == "a+b=c d");
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    CHECK(decode_xtext(encode_xtext(all)).value() == all);
    for (const char* bad : {"+", "+2", "+2b", "+ZZ", "a=b", "a b"})
        CHECK_FALSE(decode_xtext(bad));
}
