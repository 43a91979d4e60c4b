// Where mail goes: MX, null MX, no MX, loops, name server trouble (faults O10, O11, O12; RFC 5321 §5.1, RFC 7505).
#include "common/async/runtime.hpp"
#include "common/base/limits.hpp"
#include "common/net/dns_fake.hpp"
#include "maild/queue/targets.hpp"
#include "tests/catch.hpp"

#include <set>

using namespace mail;
using namespace mail::queue;

namespace {

struct World {
    net::FakeResolver dns;
    Route route;
    OwnNames own{{"mx.example.test"}, {"198.51.100.7"}};
    std::uint64_t seed = 1;
};

Task<void> look(World& world, std::string domain, Targets& found) {
    found = co_await find_targets(world.dns, world.route, domain, world.own, world.seed);
}
Targets targets_of(World& world, std::string domain) {
    Targets found;
    async::run_until_done(look(world, std::move(domain), found));
    CHECK(found.targets.empty() == found.problem.has_value());
    return found;
}
/// "a.test=192.0.2.1 b.test=192.0.2.2", or the status.
std::string brief(World& world, const std::string& domain) {
    const Targets found = targets_of(world, domain);
    if (found.problem)
        return found.problem->status;
    std::string out;
    for (const Target& target : found.targets)
        out += (out.empty() ? "" : " ") + target.host + "=" + target.address;
    return out;
}

} // namespace

TEST_CASE("exchangers by preference, IPv6 and IPv4") {
    World w;
    w.dns.add_mx("remote.test", 20, "b.remote.test");
    w.dns.add_mx("remote.test", 10, "a.remote.test");
    w.dns.add_address("a.remote.test", "192.0.2.1");
    w.dns.add_address("a.remote.test", "2001:db8::1");
    w.dns.add_address("b.remote.test", "192.0.2.2");
    CHECK(brief(w, "remote.test") == "a.remote.test=2001:db8::1 a.remote.test=192.0.2.1 b.remote.test=192.0.2.2");
    w.route.port = 2525;
    CHECK(targets_of(w, "remote.test").targets.at(0).port == 2525);
    // RFC 8305 §4: a family that is broken on the way does not come first with all of its addresses.
    w.dns.add_mx("two.test", 10, "c.two.test");
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"})
        w.dns.add_address("c.two.test", address);
    CHECK(brief(w, "two.test") == "c.two.test=2001:db8::1 c.two.test=192.0.2.1 c.two.test=2001:db8::2 c.two.test=192.0.2.2 "
                                  "c.two.test=192.0.2.3");
}

TEST_CASE("equals are tried in every order") {
    World w;
    for (const char* host : {"a.test", "b.test", "c.test"}) {
        w.dns.add_mx("remote.test", 10, host);
        w.dns.add_address(host, std::string("192.0.2.") + std::to_string(host[0] - 'a' + 1));
    }
    w.dns.add_mx("remote.test", 5, "first.test");
    w.dns.add_address("first.test", "192.0.2.99");
    std::set<std::string> orders;
    for (w.seed = 1; w.seed < 200; ++w.seed) {
        orders.insert(brief(w, "remote.test"));
        CHECK(targets_of(w, "remote.test").targets.at(0).host == "first.test");
    }
    CHECK(orders.size() == 6);
}

TEST_CASE("no MX, null MX, no domain") {
    World w;
    w.dns.add_address("plain.test", "192.0.2.5");
    CHECK(brief(w, "plain.test") == "plain.test=192.0.2.5");
    w.dns.add_mx("null.test", 0, "");
    w.dns.add_address("null.test", "192.0.2.6");
    CHECK(brief(w, "null.test") == "5.1.10"); // RFC 7505 §4.1, faults O11
    CHECK(brief(w, "nothing.test") == "5.1.2");
    w.dns.add_mx("broken.test", 10, "nowhere.test");
    CHECK(brief(w, "broken.test") == "5.4.4");
    // A "." beside others breaks RFC 7505 §3: the others count.
    w.dns.add_mx("both.test", 0, "");
    w.dns.add_mx("both.test", 10, "plain.test");
    CHECK(brief(w, "both.test") == "plain.test=192.0.2.5");
}

TEST_CASE("a name server without an answer means later (faults O12)") {
    World w;
    w.dns.set_failure("slow.test", {ErrorCode::temporary, "SERVFAIL"});
    CHECK(brief(w, "slow.test") == "4.4.3");
    w.dns.add_mx("half.test", 10, "slow.test");
    CHECK(brief(w, "half.test") == "4.4.3");
    w.dns.add_mx("half.test", 20, "fine.test");
    w.dns.add_address("fine.test", "192.0.2.1");
    CHECK(brief(w, "half.test") == "fine.test=192.0.2.1");
    w.dns.add_mx("mixed.test", 10, "slow.test");
    w.dns.add_mx("mixed.test", 20, "nowhere.test");
    CHECK(brief(w, "mixed.test") == "4.4.3"); // not permanent while one may still answer
    w.dns.set_failure("bad.test", {ErrorCode::timeout, "time-out"});
    CHECK(targets_of(w, "bad.test").problem->verdict == smtp_client::Verdict::temporary);
}

TEST_CASE("a thousand exchangers") {
    World w;
    for (int i = 0; i < 1000; ++i) {
        const std::string host = "mx" + std::to_string(i) + ".test";
        w.dns.add_mx("many.test", static_cast<std::uint16_t>(i), host);
        w.dns.add_address(host, "192.0.2.1");
    }
    const std::size_t before = w.dns.queries();
    CHECK(targets_of(w, "many.test").targets.size() == std::size_t{limit::mx_hosts});
    CHECK(w.dns.queries() - before <= 1 + 2 * std::size_t{limit::mx_hosts});
    World one;
    for (int i = 0; i < 250; ++i)
        one.dns.add_address("wide.test", "192.0.2." + std::to_string(i));
    CHECK(targets_of(one, "wide.test").targets.size() == std::size_t{limit::mx_hosts});
}

// Faults O10
TEST_CASE("exchangers that lead back here or nowhere are never connected to") {
    for (const char* address : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "169.254.1.1", "fe80::1", "224.0.0.1",
                                "255.255.255.255", "::ffff:127.0.0.1", "198.51.100.7"}) {
        World w;
        w.dns.add_mx("evil.test", 10, "in.evil.test");
        w.dns.add_address("in.evil.test", address);
        INFO(address);
        CHECK(brief(w, "evil.test") == "5.4.6");
        w.route.allow_loopback = true;
        CHECK(targets_of(w, "evil.test").targets.size() == 1);
    }
    World w;
    w.dns.add_mx("literal.test", 10, "127.0.0.1");
    CHECK(brief(w, "literal.test") == "5.4.6");
    w.dns.add_address("noMX.test", "127.0.0.1");
    CHECK(brief(w, "nomx.test") == "5.4.6");
    CHECK(brief(w, "[127.0.0.1]") == "5.4.6");
    CHECK(brief(w, "[192.0.2.9]") == "192.0.2.9=192.0.2.9");
    CHECK(brief(w, "[IPv6:2001:db8::9]") == "2001:db8::9=2001:db8::9");
    CHECK(brief(w, "[IPv6:::1]") == "5.4.6");
    CHECK(brief(w, "[what]") == "5.1.2");
}

TEST_CASE("this server among the exchangers: only better ones count (RFC 5321 §5.1)") {
    World w;
    w.dns.add_mx("ours.test", 10, "a.test");
    w.dns.add_mx("ours.test", 20, "mx.example.test");
    w.dns.add_mx("ours.test", 20, "b.test");
    w.dns.add_mx("ours.test", 30, "c.test");
    for (const char* host : {"a.test", "b.test", "c.test", "mx.example.test"})
        w.dns.add_address(host, "192.0.2.1");
    CHECK(brief(w, "ours.test") == "a.test=192.0.2.1");
    w.dns.add_mx("best.test", 10, "mx.example.test");
    w.dns.add_mx("best.test", 20, "a.test");
    CHECK(brief(w, "best.test") == "5.4.6");
}

TEST_CASE("relays") {
    World w;
    w.route.port = 2626;
    w.route.relay_host = "127.0.0.1"; // written down by the administrator: no loop
    CHECK(targets_of(w, "any.test").targets.at(0) == Target{"127.0.0.1", "127.0.0.1", 2626, true, false, {}});
    CHECK(w.dns.queries() == 0);
    w.route.relay_host = "smtp.isp.test";
    CHECK(brief(w, "any.test") == "4.4.3"); // the administrator's to mend: nothing bounces
    w.dns.add_address("smtp.isp.test", "192.0.2.40");
    w.dns.add_address("smtp.isp.test", "2001:db8::40");
    CHECK(brief(w, "any.test") == "smtp.isp.test=2001:db8::40 smtp.isp.test=192.0.2.40");
}

TEST_CASE("the machine's own addresses are found without loopback") {
    const OwnNames own = own_names({"MX.Example.Test"});
    CHECK(own.hosts.contains("mx.example.test"));
    CHECK_FALSE(own.addresses.contains("127.0.0.1"));
    CHECK_FALSE(own.addresses.contains("::1"));
}
