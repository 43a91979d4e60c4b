// How a host is to be spoken to: route, DANE (RFC 7672), MTA-STS (RFC 8461).
#include "common/async/runtime.hpp"
#include "common/net/dns_fake.hpp"
#include "maild/queue/tls_plan.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::queue;

namespace {

struct World {
    net::FakeResolver dns;
    Route route;
    OwnNames own;
    std::shared_ptr<const StsPolicy> sts;
    World() {
        dns.add_mx("remote.test", 10, "mx.remote.test");
        dns.add_address("mx.remote.test", "192.0.2.1");
    }
    void sign() {
        dns.set_secure("remote.test");
        dns.set_secure("mx.remote.test");
        dns.set_secure("_25._tcp.mx.remote.test");
    }
};
net::TlsaRecord tlsa(std::uint8_t usage, std::uint8_t matching = 1) {
    return {usage, 1, matching, std::string(matching == 2 ? 64 : 32, 'h')};
}
Task<void> plan(World& world, TlsPlan& made) {
    const auto found = co_await find_targets(world.dns, world.route, "remote.test", world.own, 1);
    REQUIRE(found.targets.size() == 1);
    made = co_await plan_tls(world.dns, world.route, found, found.targets[0], "remote.test", world.sts.get());
}
TlsPlan plan_of(World& world) {
    TlsPlan made;
    async::run_until_done(plan(world, made));
    return made;
}

} // namespace

TEST_CASE("RFC 7672 §2.2: TLSA records of signed zones decide") {
    World w;
    w.dns.add_tlsa("mx.remote.test", 25, tlsa(3));
    CHECK(plan_of(w).policy == TlsPolicy::opportunistic); // nothing is signed
    w.sign();
    const auto dane = plan_of(w);
    CHECK(dane.policy == TlsPolicy::dane);
    CHECK(dane.tlsa.size() == 1);
    CHECK(dane.server_name == "mx.remote.test");
    CHECK(dane.further_names == std::vector<std::string>{"remote.test"});
    CHECK(dane.rule == TlsPlan::Rule::dane);
    w.route.dane = false;
    CHECK(plan_of(w).policy == TlsPolicy::opportunistic);
    w.route.dane = true;
    w.route.tls = TlsPolicy::none;
    CHECK(plan_of(w).policy == TlsPolicy::none);
}

TEST_CASE("RFC 7672 §2.2: records that cannot be used still mean TLS") {
    World w;
    w.dns.add_tlsa("mx.remote.test", 25, tlsa(0));
    w.dns.add_tlsa("mx.remote.test", 25, tlsa(1));
    w.dns.add_tlsa("mx.remote.test", 25, {3, 1, 1, "short"});
    w.sign();
    const auto made = plan_of(w);
    CHECK(made.policy == TlsPolicy::required);
    CHECK(made.tlsa.empty());
}

TEST_CASE("RFC 7672 §2.1: no TLSA look-up without a validated address, none missing without reason") {
    World w;
    w.dns.add_tlsa("mx.remote.test", 25, tlsa(3));
    w.dns.set_secure("remote.test");
    w.dns.set_secure("_25._tcp.mx.remote.test");
    CHECK(plan_of(w).policy == TlsPolicy::opportunistic); // the host's own zone is not signed
    w.sign();
    w.dns.set_failure("_25._tcp.mx.remote.test", {ErrorCode::temporary, "bogus"});
    const auto made = plan_of(w);
    REQUIRE(made.problem);
    CHECK(made.problem->status == "4.7.5");
    World none;
    none.sign();
    CHECK(plan_of(none).policy == TlsPolicy::opportunistic); // certainly no record
    CHECK_FALSE(plan_of(none).problem);
}

TEST_CASE("RFC 8461 §5: enforced policies want a verified host that they name; DANE goes first") {
    World w;
    auto policy = parse_sts_policy("version: STSv1\nmode: enforce\nmx: mx.remote.test\nmax_age: 86400\n");
    REQUIRE(policy);
    w.sts = std::make_shared<const StsPolicy>(*policy);
    CHECK(plan_of(w).policy == TlsPolicy::verified);
    CHECK(plan_of(w).rule == TlsPlan::Rule::sts);
    policy->mx = {"other.remote.test"};
    w.sts = std::make_shared<const StsPolicy>(*policy);
    REQUIRE(plan_of(w).problem);
    CHECK(plan_of(w).problem->status == "4.7.0");
    policy->mode = StsPolicy::Mode::testing;
    w.sts = std::make_shared<const StsPolicy>(*policy);
    CHECK(plan_of(w).policy == TlsPolicy::opportunistic);
    CHECK_FALSE(plan_of(w).problem);
    policy->mode = StsPolicy::Mode::enforce;
    w.sts = std::make_shared<const StsPolicy>(*policy);
    w.dns.add_tlsa("mx.remote.test", 25, tlsa(3, 2));
    w.sign();
    CHECK(plan_of(w).policy == TlsPolicy::dane);
}
