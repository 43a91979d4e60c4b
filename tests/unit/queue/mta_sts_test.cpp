// MTA-STS policies: parsing, matching, keeping (RFC 8461).
#include "common/async/runtime.hpp"
#include "common/net/dns_fake.hpp"
#include "maild/queue/mta_sts.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/queue_world.hpp"

#include <cstdio>
#include <unistd.h>

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;

TEST_CASE("RFC 8461 §3.2: policies") {
    const auto policy = parse_sts_policy("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.NET\r\n"
                                         "mx: backupmx.example.com\r\nmax_age: 604800\r\nfuture: thing\r\n");
    REQUIRE(policy);
    CHECK(policy->mode == StsPolicy::Mode::enforce);
    CHECK(policy->max_age == Duration(604800s));
    CHECK(policy->allows("MAIL.example.com"));
    CHECK(policy->allows("a.example.net"));
    CHECK_FALSE(policy->allows("a.b.example.net")); // §4.1: one label
    CHECK_FALSE(policy->allows("example.net"));
    CHECK_FALSE(policy->allows("evil.example.com"));
    CHECK(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0\n"));
    for (const char* bad : {"", "mode: enforce\nmx: a\nmax_age: 1\n", "version: STSv2\nmode: none\nmax_age: 1\n",
                            "version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmax_age: 1\n",
                            "version: STSv1\nmode: enforce\nmx: a\n", "version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n",
                            "version: STSv1\nmode: enforce\nmx: a\nmax_age: soon\n", "version: STSv1\nmax_age: 1\n"}) {
        INFO(bad);
        CHECK_FALSE(parse_sts_policy(bad));
    }
    CHECK_FALSE(parse_sts_policy(std::string(100'000, 'x')));
}

TEST_CASE("RFC 8461 §3.1: the record") {
    CHECK(sts_id({"v=spf1 -all", "v=STSv1; id=20160831085700Z;"}) == "20160831085700Z");
    CHECK_FALSE(sts_id({"v=STSv1; id=1", "v=STSv1; id=2"}));
    CHECK_FALSE(sts_id({"v=STSv1;"}));
    CHECK_FALSE(sts_id({"v=STSv10; id=1"}));
    CHECK_FALSE(sts_id({}));
}

namespace {
struct World {
    test::MovableClock clock;
    std::shared_ptr<net::FakeResolver> dns = std::make_shared<net::FakeResolver>();
    Result<std::string> text = std::string("version: STSv1\nmode: enforce\nmx: mx.remote.test\nmax_age: 86400\n");
    int fetches = 0;
    StsPolicies policies{clock, [this](std::shared_ptr<net::Resolver>, std::string domain, bool) { return fetch(domain); }};
    Task<Result<std::string>> fetch(std::string /*domain*/) {
        ++fetches;
        co_return text;
    }
};
Task<void> ask(World& world, std::shared_ptr<const StsPolicy>& found) {
    found = co_await world.policies.find(world.dns, "remote.test", false);
}
std::shared_ptr<const StsPolicy> find(World& world) {
    std::shared_ptr<const StsPolicy> found;
    async::run_until_done(ask(world, found));
    return found;
}
} // namespace

TEST_CASE("policies are fetched when their id changes and kept until they end") {
    World w;
    CHECK(find(w) == nullptr);
    CHECK(w.fetches == 0);
    w.dns->add_txt("_mta-sts.remote.test", "v=STSv1; id=1");
    REQUIRE(find(w));
    CHECK(find(w)->id == "1");
    CHECK(w.fetches == 1);
    w.dns->clear("_mta-sts.remote.test");
    w.dns->set_failure("_mta-sts.remote.test", {ErrorCode::temporary, "no answer"});
    CHECK(find(w)); // §5.1
    w.clock.advance(25h);
    CHECK(find(w) == nullptr); // over
    w.dns->clear("_mta-sts.remote.test");
    w.dns->add_txt("_mta-sts.remote.test", "v=STSv1; id=2");
    w.text = fail(ErrorCode::temporary, "no answer");
    CHECK(find(w) == nullptr);
    CHECK(find(w) == nullptr);
    CHECK(w.fetches == 2); // a failed fetch is not repeated at once
    w.clock.advance(6min);
    w.text = std::string("version: STSv1\nmode: testing\nmx: mx.remote.test\nmax_age: 86400\n");
    REQUIRE(find(w));
    CHECK(find(w)->mode == StsPolicy::Mode::testing);
    // A new id whose policy cannot be fetched: the old one goes on.
    w.dns->clear("_mta-sts.remote.test");
    w.dns->add_txt("_mta-sts.remote.test", "v=STSv1; id=3");
    w.text = std::string("<html>");
    REQUIRE(find(w));
    CHECK(find(w)->id == "2");
}

TEST_CASE("policies outlive a restart") {
    const std::string file = "/tmp/queue-sts-" + std::to_string(getpid());
    World w;
    w.dns->add_txt("_mta-sts.remote.test", "v=STSv1; id=1");
    const auto ask_kept = [&]() -> std::shared_ptr<const StsPolicy> {
        struct Kept {
            static Task<void> find(StsPolicies& policies, World& world, std::shared_ptr<const StsPolicy>& found) {
                found = co_await policies.find(world.dns, "remote.test", false);
            }
        };
        StsPolicies policies(w.clock, [&w](std::shared_ptr<net::Resolver>, std::string domain, bool) { return w.fetch(domain); }, file);
        std::shared_ptr<const StsPolicy> found;
        async::run_until_done(Kept::find(policies, w, found));
        return found;
    };
    REQUIRE(ask_kept());
    w.text = fail(ErrorCode::temporary, "no answer");
    REQUIRE(ask_kept());
    CHECK(ask_kept()->allows("mx.remote.test"));
    CHECK(w.fetches == 1);
    w.clock.advance(25h);
    CHECK_FALSE(ask_kept());
    std::remove(file.c_str());
}
