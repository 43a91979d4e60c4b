#include "common/schema/format.hpp"
#include "common/schema/units.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::schema;

TEST_CASE("texts are brought to their canonical form") {
    struct Row {
        const TextFormat& format;
        const char* given;
        const char* canonical; ///< empty: refused
    };
    const Row rows[] = {
        {bind_format, "127.0.0.1:25", "127.0.0.1:25"},
        {bind_format, "[::1]:25", "[::1]:25"},
        {bind_format, "[0:0::1]:25", "[::1]:25"},
        {bind_format, "*:25", "*:25"},
        {bind_format, "0.0.0.0:0", "0.0.0.0:0"},
        {bind_format, "unix:/run/x", "unix:/run/x"},
        {bind_format, "fd:3", "fd:3"},
        {bind_format, "fd:imap-2", "fd:imap-2"},
        {bind_format, "fd:i p", ""},
        {bind_format, "fd:2", ""},
        {bind_format, "unix:x", ""},
        {bind_format, "::1:25", ""},
        {bind_format, "25", ""},
        {bind_format, "*:65536", ""},
        {bind_format, "*:-1", ""},
        {bind_format, "host:25", ""},
        {bind_format, "127.0.0.1", ""},
        {bind_format, "[127.0.0.1]:25", ""},
        {endpoint_format, "MX.Example.ORG", "mx.example.org"},
        {endpoint_format, "mx.example.org:587", "mx.example.org:587"},
        {endpoint_format, "192.0.2.1:25", "192.0.2.1:25"},
        {endpoint_format, "[2001:DB8::1]:25", "[2001:db8::1]:25"},
        {endpoint_format, "2001:db8::1", "2001:db8::1"},
        {endpoint_format, "[2001:db8::1]", "2001:db8::1"},
        {endpoint_format, "mx.example.org:0", ""},
        {endpoint_format, "a b", ""},
        {endpoint_format, "mx:x", ""},
        {endpoint_format, "[::1", ""},
        {ip_endpoint_format, "127.0.0.1:5353", "127.0.0.1:5353"},
        {ip_endpoint_format, "localhost", ""},
        {ip_format, "192.0.2.1", "192.0.2.1"},
        {ip_format, "::ffff:192.0.2.1", "192.0.2.1"},
        {ip_format, "192.0.2.256", ""},
        {ip_format, "192.0.2", ""},
        {network_format, "10.1.2.3/8", "10.0.0.0/8"},
        {network_format, "::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {network_format, "2001:db8:1::/32", "2001:db8::/32"},
        {network_format, "192.0.2.1", "192.0.2.1"},
        {network_format, "0.0.0.0/0", "0.0.0.0/0"},
        {network_format, "10.0.0.0/33", ""},
        {network_format, "10.0.0.0/", ""},
        {network_format, "10.0.0.0/8/8", ""},
        {domain_format, "Example.ORG", "example.org"},
        {domain_format, "example.org.", "example.org"},
        {domain_format, "[192.0.2.1]", ""},
        {domain_format, "a..b", ""},
        {domain_format, "", ""},
        {domain_pattern_format, "*", "*"},
        {domain_pattern_format, "*.Example.org", "*.example.org"},
        {domain_pattern_format, "**", ""},
        {address_format, "Ann@Example.ORG", "Ann@example.org"},
        {address_format, "u@[192.0.2.1]", "u@[192.0.2.1]"},
        {address_name_format, "Ann@Example.ORG", "ann@example.org"},
        {address_name_format, "u@[192.0.2.1]", ""},
        {address_format, "ann", ""},
        {address_format, "a@b@c", ""},
        {name_format, "mx-1.a_b", "mx-1.a_b"},
        {name_format, "-x", ""},
        {name_format, "a/b", ""},
        {path_format, "/etc/x", "/etc/x"},
        {path_format, "x", ""},
        {timezone_format, "Europe/Berlin", "Europe/Berlin"},
        {timezone_format, "../etc/passwd", ""},
        {timezone_format, "/etc/x", ""},
        {line_format, "J\xc3\xb6rg O'Brien", "J\xc3\xb6rg O'Brien"},
        {line_format, "a\tb", ""},
    };
    for (const auto& row : rows) {
        const auto out = row.format.canonical(row.given);
        INFO(row.format.name << " " << row.given);
        CHECK(out.value_or(std::string{}) == row.canonical);
        if (out) {
            CHECK(row.format.canonical(*out).value_or(std::string{}) == *out);
        }
    }
    CHECK(own_address_format.key("A.Archer@example.org") == "a.archer@example.org");
    const auto endpoint = parse_endpoint("[2001:db8::1]:587");
    REQUIRE(endpoint.has_value());
    CHECK(endpoint->host == "2001:db8::1");
    CHECK(endpoint->port == 587);
    CHECK(endpoint->is_numeric);
    CHECK(parse_endpoint("relay.example").value().port == 0);
}

TEST_CASE("sizes") {
    CHECK(parse_size("2GiB") == 2147483648U);
    CHECK(parse_size("2 gib") == 2147483648U);
    CHECK(parse_size("10MB") == 10000000U);
    CHECK(parse_size("64k") == 65536U);
    CHECK(parse_size("7B") == 7U);
    CHECK(parse_size("7") == 7U);
    for (const char* wrong : {"", "GiB", "2GiBs", "1.5GiB", "-1", "2 ", " 2", "2  GiB",
                              "99999999999999999999", "8388608TiB", "0x10"})
        CHECK(!parse_size(wrong));
    for (const std::uint64_t bytes :
         {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 1000000ULL, 2147483648ULL, 1ULL << 62, 123456789ULL})
        CHECK(parse_size(format_size(bytes)) == bytes);
    CHECK(format_size(2147483648U) == "2GiB");
    CHECK(format_size(10000000) == "10MB");
    CHECK(format_size(52428800) == "50MiB");
    CHECK(format_size(1234567) == "1234567");
    CHECK(format_size(0) == "0");
    CHECK(humane_size(2093796556) == "1.95 GiB");
    CHECK(humane_size(12) == "12 B");
}
