// The queue's life in virtual time: messages of all kinds against remotes that are up, busy, refusing or away for days, with a
// process that dies now and then. Only the store and the pure rules (schedule, settle) are at work, so that weeks take a second;
// a failing seed is named and plays the same again.
#include "maild/queue/attempt.hpp"
#include "maild/store/memory/memory_store.hpp"
#include "tests/catch.hpp"
#include "tests/unit/queue/queue_world.hpp"

#include <random>

using namespace mail;
using namespace mail::queue;
using namespace std::chrono_literals;
using smtp_client::own_outcome;

namespace {

/// What became of one recipient.
struct Fate {
    std::uint8_t notify = 0;
    Time sent{};
    unsigned tries = 0;
    unsigned delivered = 0; ///< remote's 2xx
    unsigned ended = 0;     ///< ends that were committed
    unsigned failures_told = 0;
    unsigned delays_told = 0;
    Time last{};
};

class Simulation {
  public:
    explicit Simulation(unsigned seed) : random_(seed), store_(store::open_memory(clock_)) {
        patient_->retry.expire = 24h * 9;
        patient_->retry.steps = {10min, 1h, 6h};
        patient_->name = "patient";
    }

    void run() {
        for (int i = 0; i < 60; ++i)
            send(i);
        Time last_crash = clock_.now();
        for (unsigned turns = 0; turns < 200'000; ++turns) {
            const auto due = next_due();
            if (!due)
                return;
            if (*due > clock_.now())
                clock_.advance(*due - clock_.now());
            const bool dies = clock_.now() - last_crash > 7h && chance(10);
            last_crash = dies ? clock_.now() : last_crash;
            turn(dies);
        }
        FAIL("the queue does not end");
    }

    std::map<std::string, Fate> fates;

  private:
    bool chance(unsigned percent) { return std::uniform_int_distribution<unsigned>(0, 99)(random_) < percent; }

    void send(int number) {
        const std::string domain = std::string("abcd").substr(static_cast<std::size_t>(number % 4), 1) + ".test";
        store::AcceptPlan plan;
        plan.message = Id::make(clock_.now());
        plan.content.memory = std::make_shared<const std::string>("Subject: x\r\n\r\n");
        plan.envelope.sender = "ann@example.test";
        for (int i = 0; i < 3; ++i) {
            const std::string to = std::to_string(number) + "-" + std::to_string(i) + "@" + domain;
            namespace wish = store::queue_notify;
            constexpr std::uint8_t wishes[] = {0, wish::never, wish::failure | wish::delay};
            Fate& fate = fates[to];
            fate.notify = wishes[i];
            fate.sent = clock_.now();
            plan.queue.push_back({to, domain, {}, fate.notify, clock_.now(), clock_.now() + default_expiry, false, 0});
        }
        async::run_until_done(accept(std::move(plan)));
    }
    Task<void> accept(store::AcceptPlan plan) {
        const auto done = co_await store_->mail().accept(std::move(plan));
        CHECK(done);
    }
    std::optional<Time> next_due() {
        std::optional<Time> due;
        async::run_until_done(ask_due(due));
        return due;
    }
    Task<void> ask_due(std::optional<Time>& due) {
        const auto found = co_await store_->queue().next_due();
        REQUIRE(found);
        due = *found;
    }

    /// a: mostly busy. b: away for two days, then up. c: never up, patient route. d: never up.
    smtp_client::Outcome answer(const store::QueueItem& item) {
        const bool away = item.domain == "b.test" && clock_.now() - fates[item.recipient].sent < 48h;
        if (item.domain == "c.test" || item.domain == "d.test" || away)
            return own_outcome("4.4.1", "connection timed out");
        if (item.domain == "a.test" && chance(70))
            return own_outcome("4.2.0", "busy");
        return chance(10) ? own_outcome("5.1.1", "nobody of that name") : own_outcome("2.0.0", "ok");
    }

    void turn(bool dies) { async::run_until_done(work(dies)); }

    /// One lease of the scheduler, its attempts, and their ends; a process that dies in between forgets some ends.
    Task<void> work(bool dies) {
        const Time now = clock_.now();
        auto leased = co_await store_->queue().lease(now, now + 30min, 40, 10);
        REQUIRE(leased);
        std::vector<store::AttemptResult> results;
        std::vector<std::pair<std::string, Settled>> settled;
        for (store::QueueItem& item : *leased) {
            Fate& fate = fates[item.recipient];
            CHECK(item.next_attempt <= now);
            const std::string recipient = item.recipient;
            std::shared_ptr<const Route> route = item.domain == "c.test" ? patient_ : usual_;
            AttemptEnd end;
            if (is_expired(item, *route, now)) {
                end = expired_end(std::move(item), std::move(route));
            } else {
                ++fate.tries;
                end.outcome = answer(item);
                fate.delivered += end.outcome.is_delivered() ? 1U : 0U;
                end.item = std::move(item);
                end.route = std::move(route);
            }
            if (dies && chance(50))
                continue; // the end is lost: the remote may have the message all the same (RFC 1047)
            Settled one = settle(end, now);
            results.push_back(one.result);
            settled.emplace_back(recipient, std::move(one));
        }
        auto committed = co_await store_->queue().finish(std::move(results), {});
        CHECK(committed);
        for (const auto& [recipient, one] : settled)
            note(fates[recipient], one, now);
        if (dies) {
            std::vector<store::QueueId> suspects;
            auto recovered = co_await store_->queue().recover_leases(std::move(suspects));
            CHECK(recovered);
        }
    }
    static void note(Fate& fate, const Settled& one, Time now) {
        fate.failures_told += one.report == DsnAction::failed ? 1U : 0U;
        fate.delays_told += one.report == DsnAction::delayed ? 1U : 0U;
        if (one.result.outcome == store::QueueOutcome::delivered || one.result.outcome == store::QueueOutcome::failed) {
            ++fate.ended;
            fate.last = now;
        }
    }

    test::MovableClock clock_;
    std::mt19937 random_;
    std::unique_ptr<store::Store> store_;
    std::shared_ptr<Route> usual_ = std::make_shared<Route>();
    std::shared_ptr<Route> patient_ = std::make_shared<Route>();
};

} // namespace

TEST_CASE("weeks of a queue with crashes, in virtual time") {
    const auto begun = std::chrono::steady_clock::now();
    for (const unsigned seed : {1U, 2U, 3U}) {
        Simulation simulation(seed);
        simulation.run();
        unsigned repeated = 0;
        for (const auto& [recipient, fate] : simulation.fates) {
            INFO("seed " << seed << ", " << recipient);
            CHECK(fate.ended == 1); // nothing is lost and nothing ends twice
            const char host = recipient[recipient.find('@') + 1];
            const bool never_told = fate.notify == store::queue_notify::never;
            CHECK(fate.delays_told <= (never_told ? 0U : 1U));
            CHECK(fate.failures_told <= (never_told ? 0U : 1U));
            CHECK((never_told || fate.delivered > 0 || fate.failures_told == 1)); // no silent end
            repeated += fate.delivered > 1 ? 1U : 0U;
            if (host == 'd') {
                CHECK(fate.last - fate.sent >= default_expiry);
                CHECK(fate.last - fate.sent < default_expiry + 1h);
                CHECK(fate.tries > 90);
            }
            if (host == 'c') {
                CHECK(fate.last - fate.sent >= 24h * 9); // longer than the server's: the route decides
                CHECK(fate.last - fate.sent < 24h * 9 + 1h);
            }
            if (host == 'b')
                CHECK(fate.last - fate.sent < 48h + 80min);
        }
        CHECK(repeated < simulation.fates.size() / 10); // only what a crash made unknown goes twice
    }
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
}
