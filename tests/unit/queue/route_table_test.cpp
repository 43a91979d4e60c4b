#include "maild/queue/route_table.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::queue;

namespace {
Route route(std::string name, std::vector<std::string> domains) {
    Route r;
    r.name = std::move(name);
    r.domains = std::move(domains);
    return r;
}
} // namespace

TEST_CASE("the most specific domain wins") {
    const RouteTable table({route("internet", {"*"}), route("example", {"example.org", "*.example.org"}),
                            route("deep", {"*.b.example.org"}), route("exact", {"a.b.example.org"})});
    CHECK(table.match("example.net")->name == "internet");
    CHECK(table.match("example.org")->name == "example");
    CHECK(table.match("x.example.org")->name == "example");
    CHECK(table.match("y.x.example.org")->name == "example");
    CHECK(table.match("b.example.org")->name == "example");
    CHECK(table.match("c.b.example.org")->name == "deep");
    CHECK(table.match("a.b.example.org")->name == "exact");
    CHECK(table.match("notexample.org")->name == "internet");
    CHECK(table.match("[192.0.2.1]")->name == "internet");
    CHECK(table.match("")->name == "internet");
    CHECK(table.named("deep")->name == "deep");
    CHECK(table.named("none") == nullptr);
}

TEST_CASE("without a route mail goes to the exchangers") {
    Route fallback;
    fallback.retry.warn_after = std::chrono::hours(1);
    const RouteTable table({route("lab", {"remote.test"})}, fallback);
    const auto found = table.match("example.org");
    CHECK(found->name.empty());
    CHECK_FALSE(found->is_relay());
    CHECK(found->port == 25);
    CHECK(found->tls == TlsPolicy::opportunistic);
    CHECK(found->retry.warn_after == Duration(std::chrono::hours(1)));
}

TEST_CASE("relays as people write them") {
    const auto relay = [](std::string_view text) {
        Route r;
        r.port = 2500;
        const auto done = set_relay(r, text);
        return done ? r.relay_host + " " + std::to_string(r.port) : std::string("refused");
    };
    CHECK(relay("127.0.0.1:2626") == "127.0.0.1 2626");
    CHECK(relay("SMTP.isp.test:587") == "smtp.isp.test 587");
    CHECK(relay("smtp.isp.test.") == "smtp.isp.test 2500");
    CHECK(relay("[2001:db8::1]:25") == "2001:db8::1 25");
    CHECK(relay("[2001:db8::1]") == "2001:db8::1 2500");
    CHECK(relay("2001:db8::1") == "2001:db8::1 2500");
    for (const char* bad : {"", ":25", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]25", "host:-1"})
        CHECK(relay(bad) == "refused");
}

TEST_CASE("among the routes of a domain the closest sender wins") {
    const auto with = [](std::string name, std::vector<std::string> domains, std::vector<std::string> senders) {
        Route r = route(std::move(name), std::move(domains));
        r.senders = AddressPatterns(senders);
        return r;
    };
    const RouteTable table({route("internet", {"*"}), with("firm", {"*"}, {"firm.test", "*.firm.test"}),
                            with("boss", {"*"}, {"boss@firm.test"}), with("reports", {"*"}, {"<>"}),
                            route("partner", {"partner.test"}), with("bulk", {"partner.test"}, {"news.test"})});
    CHECK(table.match("remote.test", "ann@other.test")->name == "internet");
    CHECK(table.match("remote.test", "Ann@FIRM.test")->name == "firm");
    CHECK(table.match("remote.test", "ann@sub.firm.test")->name == "firm");
    CHECK(table.match("remote.test", "Boss@firm.test")->name == "boss");
    CHECK(table.match("remote.test", "")->name == "reports");
    CHECK(table.match("partner.test", "boss@firm.test")->name == "partner"); // the recipient's domain is closer
    CHECK(table.match("partner.test", "x@news.test")->name == "bulk");
    const RouteTable only({with("firm", {"*"}, {"firm.test"})});
    CHECK(only.match("remote.test", "x@other.test")->name.empty());
}
