#include "tests/catch.hpp"

#include "common/mail/address.hpp"

using namespace mail;

TEST_CASE("RFC 5321 §4.1.2: addresses that are accepted") {
    struct Row {
        const char *text, *local, *domain, *back;
    };
    const Row rows[] = {
        {"ann@example.org", "ann", "example.org", "ann@example.org"},
        {"a.b+c=d@x.example", "a.b+c=d", "x.example", "a.b+c=d@x.example"},
        {"\"ann\"@example.org", "ann", "example.org", "ann@example.org"},
        {"\"a b\"@example.org", "a b", "example.org", "\"a b\"@example.org"},
        {R"("a\"b\\c"@example.org)", R"(a"b\c)", "example.org", R"("a\"b\\c"@example.org)"},
        {"\"a@b\"@example.org", "a@b", "example.org", "\"a@b\"@example.org"},
        {"ann@[192.0.2.1]", "ann", "[192.0.2.1]", "ann@[192.0.2.1]"},
        {"ann@[IPv6:2001:db8::1]", "ann", "[IPv6:2001:db8::1]", "ann@[IPv6:2001:db8::1]"},
        {"ann@localhost", "ann", "localhost", "ann@localhost"},
        {"postmaster@xn--bcher-kva.example", "postmaster", "xn--bcher-kva.example",
         "postmaster@xn--bcher-kva.example"},
        {"j\xC3\xBCrgen@b\xC3\xBC"
         "cher.example",
         "j\xC3\xBCrgen",
         "b\xC3\xBC"
         "cher.example",
         "j\xC3\xBCrgen@b\xC3\xBC"
         "cher.example"},
        {"!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "example.org",
         "!#$%&'*+-/=?^_`{|}~@example.org"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const auto address = parse_address(row.text);
        REQUIRE(address);
        CHECK(address->local == row.local);
        CHECK(address->domain == row.domain);
        CHECK(address->text() == row.back);
        const auto again = parse_address(address->text());
        REQUIRE(again);
        CHECK(*again == *address);
    }
}

TEST_CASE("RFC 5321 §4.1.2: addresses that are refused") {
    using namespace std::string_literals;
    const std::string rows[] = {
        ""s,
        "ann"s,
        "@example.org"s,
        "ann@"s,
        "\"\"@example.org"s,
        ".ann@example.org"s,
        "ann.@example.org"s,
        "a..b@example.org"s,
        "a b@example.org"s,
        "ann@exa mple.org"s,
        "ann@.org"s,
        "ann@example..org"s,
        "ann@example.org."s,
        "ann@-a.example"s,
        "ann@a-.example"s,
        "ann@[1.2.3]"s,
        "ann@[1.2.3.4"s,
        "ann@[IPv6:zz]"s,
        "ann@[2001:db8::1]"s,
        "ann@[1.2.3.4]x"s,
        "\"ann@example.org"s,
        "\"a\"b@example.org"s,
        "ann@example.org>"s,
        "ann@a@b.example"s,
        "an\rn@example.org"s,
        "an\nn@example.org"s,
        "an\0n@example.org"s,
        "\"a\0b\"@example.org"s,
        "\"a\rb\"@example.org"s,
        "\"\x7F\"@example.org"s,
        "ann@exa\0mple.org"s,
        "\xFF@example.org"s,
        "\xC3@example.org"s,
        "\xC2\x85@example.org"s,
        "ann@\xFF.example"s,
        "ann@a_b.example"s,
        "<ann@example.org>"s,
        "ann,bob@example.org"s,
        "(c)ann@example.org"s,
        std::string(65, 'a') + "@example.org",
        "ann@" + std::string(64, 'a') + ".example",
        "ann@" + std::string(300, 'a'),
        "ann@[" + std::string(300, '1') + "]",
        "\"" + std::string(70, 'a') + "\"@example.org",
        "|/bin/sh -c id@example.org"s,
        "ann@$(id).example"s,
    };
    for (const auto& row : rows) {
        INFO(row);
        CHECK_FALSE(parse_address(row));
    }
    CHECK(parse_address(std::string(64, 'a') + "@example.org"));
    CHECK(parse_address("ann@" + std::string(63, 'a') + ".example"));
}

TEST_CASE("address keys decide equality") {
    const auto key = [](const char* text) {
        const auto address = parse_address(text);
        REQUIRE(address);
        return address_key(*address);
    };
    CHECK(key("Ann@Example.ORG") == "ann@example.org");
    CHECK(key("\"Ann\"@example.org") == "ann@example.org");
    CHECK(key("ann@B\xC3\x9C"
              "CHER.example") == "ann@xn--bcher-kva.example");
    CHECK(key("ann@xn--BCHER-kva.example") == "ann@xn--bcher-kva.example");
    // Composed and decomposed letters are the same, case is folded.
    CHECK(key("J\xC3\x9CRGEN@example.org") == key("ju\xCC\x88rgen@example.org"));
    CHECK(key("ann@[IPv6:2001:DB8:0::1]") == key("ann@[ipv6:2001:db8::1]"));
    // UTS 46 non-transitional keeps the sharp s apart.
    CHECK(key("ann@fa\xC3\x9F.example") == "ann@xn--fa-hia.example");
    CHECK(domain_key("Example.org.").value() == "example.org");
    CHECK_FALSE(domain_key(""));
    CHECK(domain_display("xn--bcher-kva.example") == "b\xC3\xBC"
                                                     "cher.example");
    CHECK(domain_display("example.org") == "example.org");
}

TEST_CASE("RFC 5233: details are what follows the first plus sign") {
    const Address ann = *parse_address("ann+lists+x@example.org");
    CHECK(without_detail(ann).text() == "ann@example.org");
    CHECK(detail_of(ann) == "lists+x");
    CHECK(without_detail(*parse_address("ann@example.org")).local == "ann");
    CHECK(without_detail(*parse_address("+ann@example.org")).local == "+ann");
    CHECK(is_ascii_only(ann));
    const Address utf8 = *parse_address("ann@b\xC3\xBC"
                                        "cher.example");
    CHECK_FALSE(is_ascii_only(utf8));
    CHECK(to_ascii_domain(utf8).domain == "xn--bcher-kva.example");
}
