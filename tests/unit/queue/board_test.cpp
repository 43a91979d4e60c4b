#include "maild/queue/board.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;

namespace {

constexpr Time now = Time{Duration{1'700'000'000'000'000}};

struct Desk {
    std::shared_ptr<async::Signal> wake = std::make_shared<async::Signal>();
    Board board{wake};
    OutboundConfig config;
    store::QueueId next = 1;

    std::vector<store::QueueItem> items(const std::string& domain, std::size_t count, bool one_message = false) {
        std::vector<store::QueueItem> all(count);
        const Id message = Id::make(now);
        for (auto& item : all) {
            item.id = next++;
            item.message = one_message ? message : Id::make(now);
            item.domain = domain;
            item.recipient = "u" + std::to_string(item.id) + "@" + domain;
        }
        return all;
    }
    std::size_t add(std::vector<store::QueueItem> all) { return board.add(std::move(all), config, now + 1h).too_many.size(); }
    std::optional<Job> take(Destination& destination, bool fresh = true) {
        bool linger = false;
        return board.take(destination, fresh, nullptr, linger);
    }
};

} // namespace

TEST_CASE("recipients of one message at one destination share a job") {
    Desk d;
    CHECK(d.add(d.items("a.test", 3, true)) == 0);
    CHECK(d.add(d.items("a.test", 150, true)) == 0);
    const auto starting = d.board.start(200);
    REQUIRE(starting.size() == 2); // the limit begins small
    CHECK(d.take(*starting[0])->items.size() == 3);
    CHECK(d.take(*starting[0], false)->items.size() == smtp_client::most_recipients);
    CHECK(d.take(*starting[0], false)->items.size() == 50);
    CHECK_FALSE(d.take(*starting[1]));
}

TEST_CASE("a relay is one destination for all its domains") {
    Desk d;
    Route relay;
    relay.name = "relay";
    relay.domains = {"*"};
    relay.relay_host = "192.0.2.1";
    d.config.routes = RouteTable({relay});
    CHECK(d.add(d.items("a.test", 1)) == 0);
    CHECK(d.add(d.items("b.test", 1)) == 0);
    const auto starting = d.board.start(200);
    REQUIRE(starting.size() == 2);
    CHECK(starting[0] == starting[1]);
    CHECK(d.board.route_of(*starting[0])->name == "relay");
}

TEST_CASE("an item is in hand once") {
    Desk d;
    const auto all = d.items("a.test", 5);
    CHECK(d.add(all) == 0);
    CHECK(d.add(all) == 0);
    CHECK(d.board.in_hand() == 5);
    std::vector<store::AttemptResult> results(1);
    results[0].id = all[2].id;
    d.board.finished(results);
    CHECK(d.board.in_hand() == 4);
}

TEST_CASE("connections grow with success and shrink with failure") {
    Desk d;
    CHECK(d.add(d.items("a.test", 400)) == 0);
    auto starting = d.board.start(200);
    CHECK(starting.size() == 2);
    std::size_t connections = 2;
    for (int i = 0; i < 300; ++i) {
        const auto job = d.take(*starting[0], static_cast<std::size_t>(i) < connections);
        REQUIRE(job);
        d.board.succeeded(*starting[0], 1, std::chrono::steady_clock::now());
        connections += d.board.start(200).size();
    }
    CHECK(connections == std::size_t{limit::per_destination});
    CHECK(d.board.connections() == connections);
    AdaptiveLimit adaptive;
    for (int i = 0; i < 1000; ++i)
        adaptive.succeeded();
    CHECK(adaptive.value() == unsigned{limit::per_destination});
    adaptive.failed();
    CHECK(adaptive.value() == 10);
    for (int i = 0; i < 10; ++i)
        adaptive.failed();
    CHECK(adaptive.value() == 1);
}

TEST_CASE("the connections of all destinations are bounded, and shared in turn") {
    Desk d;
    for (int i = 0; i < 10; ++i)
        CHECK(d.add(d.items("d" + std::to_string(i) + ".test", 10)) == 0);
    const auto starting = d.board.start(6);
    CHECK(starting.size() == 6);
    CHECK(d.board.start(6).empty());
    bool linger = true;
    const auto waiter = std::make_shared<async::Signal>();
    for (int i = 0; i < 10; ++i)
        CHECK(d.board.take(*starting[0], i == 0, waiter, linger));
    CHECK_FALSE(d.board.take(*starting[0], false, waiter, linger));
    CHECK_FALSE(linger); // others wait for a connection
    d.board.ended(starting[0], false);
    const auto more = d.board.start(6);
    REQUIRE(more.size() == 1);
    CHECK(more[0]->domain != starting[0]->domain);
}

TEST_CASE("one destination cannot fill the hands") {
    Desk d;
    CHECK_FALSE(d.board.add(d.items("quiet.test", 100), d.config, now).congested);
    CHECK(d.board.add(d.items("dead.test", 600), d.config, now).congested);
    CHECK(d.add(d.items("dead.test", 4700)) == 300);
    CHECK(d.add(d.items("live.test", 100)) == 0);
    // Those sent away are signed off like all others.
    CHECK(d.board.in_hand() == 5500);
    const auto starting = d.board.start(200);
    const auto& dead = starting[0]->domain == "dead.test" ? starting[0] : starting.back()->domain == "dead.test" ? starting.back() : starting[2];
    REQUIRE(dead->domain == "dead.test");
    CHECK(d.board.take_all_if_last(*dead).empty());
    d.board.failed(*dead);
    d.board.ended(dead, true);
    std::size_t given_up = 0;
    for (const Job& job : d.board.take_all_if_last(*dead))
        given_up += job.items.size();
    CHECK(given_up == 5000);
    CHECK(d.add(d.items("dead.test", 800)) == 300); // it is known to fail now
}

TEST_CASE("a dead destination gives up what waits, once") {
    Desk d;
    CHECK(d.add(d.items("dead.test", 50)) == 0);
    const auto starting = d.board.start(200);
    REQUIRE(starting.size() == 2);
    CHECK(d.board.take_all_if_last(*starting[0]).empty()); // the other may still get through
    d.board.failed(*starting[0]);
    d.board.ended(starting[0], true);
    CHECK(d.board.take_all_if_last(*starting[0]).size() == 50);
    d.board.ended(starting[0], true);
    CHECK(d.board.start(200).empty());
    CHECK(d.board.connections() == 0);
}

TEST_CASE("an idle connection is woken before a new one is started") {
    Desk d;
    CHECK(d.add(d.items("a.test", 1)) == 0);
    const auto starting = d.board.start(200);
    REQUIRE(starting.size() == 1);
    CHECK(d.take(*starting[0]));
    bool linger = false;
    const auto waiter = std::make_shared<async::Signal>();
    CHECK_FALSE(d.board.take(*starting[0], false, waiter, linger));
    CHECK(linger);
    CHECK(d.add(d.items("a.test", 1)) == 0);
    CHECK(d.board.start(200).empty());
    CHECK_FALSE(d.board.stop_waiting(*starting[0], waiter)); // it was fired
    CHECK(d.take(*starting[0]));
    CHECK_FALSE(d.board.take(*starting[0], false, waiter, linger));
    CHECK(d.board.stop_waiting(*starting[0], waiter));
}

TEST_CASE("a closed board gives nothing out") {
    Desk d;
    CHECK(d.add(d.items("a.test", 3)) == 0);
    const auto starting = d.board.start(200);
    d.board.close();
    CHECK_FALSE(d.take(*starting[0]));
    CHECK(d.board.room() == 0);
    CHECK(d.add(d.items("a.test", 3)) == 0);
    CHECK(d.board.in_hand() == 3);
    CHECK(d.board.start(200).empty());
}
