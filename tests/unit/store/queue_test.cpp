// The outbound queue, on every engine: leases, attempts, holds.
#include "tests/unit/store/queue_bench.hpp"

namespace mail::store::test {

TEST_CASE("queue: lease, deliver, defer, fail") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@two.example"});
    CHECK(need(bench.queue().next_due()) == bench.clock.now());
    const auto leased = bench.lease();
    REQUIRE(leased.size() == 2);
    CHECK(leased[0].recipient == "a@one.example");
    CHECK(leased[0].status == QueueStatus::active);
    CHECK(leased[0].original == "rfc822;a@one.example");
    CHECK(leased[0].notify == queue_notify::failure);
    CHECK(leased[0].envelope.sender == "bob@example.org");
    CHECK(leased[0].envelope.envelope_id == "env");
    CHECK(leased[0].envelope.smtputf8);
    CHECK(leased[0].envelope.require_tls);
    CHECK_FALSE(leased[0].envelope.binary);
    CHECK(need(bench.mail().read(leased[0].blob, 0, 100)) == "queued message");
    CHECK(bench.lease().empty());
    CHECK(need(bench.queue().next_due()) == bench.clock.now() + minutes(10)); // a lease that nobody ends

    bench.finish(leased[0].id, QueueOutcome::deferred);
    bench.finish(leased[1].id, QueueOutcome::delivered);
    CHECK(code_of(bench.queue().item(leased[1].id)) == ErrorCode::not_found);
    const QueueItem waiting = need(bench.queue().item(leased[0].id));
    CHECK(waiting.status == QueueStatus::deferred);
    CHECK(waiting.attempts == 1);
    REQUIRE(waiting.last_error);
    CHECK(waiting.last_error->code == 451);
    CHECK(waiting.last_error->remote == "mx.example.net[192.0.2.1]:25");
    CHECK(waiting.route == "direct");
    CHECK(need(bench.queue().next_due()) == bench.clock.now() + hours(1));
    CHECK(bench.lease().empty());
    bench.clock.advance(hours(1));
    CHECK(bench.store().stats().blobs == 1);
    REQUIRE(bench.lease().size() == 1);
    bench.finish(waiting.id, QueueOutcome::failed);
    CHECK(bench.store().stats().blobs == 0);
    CHECK(need(bench.queue().next_due()) == std::nullopt);
}

TEST_CASE("queue: a report is accepted in the transaction that ends the attempt") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    const AccountId bob = bench.add_mailbox("bob@example.org");
    bench.send({"a@one.example"});
    const auto leased = bench.lease();
    AcceptPlan report = bench.plan("Subject: undeliverable\r\n\r\n");
    report.local.push_back(Bench::to(bob));
    AttemptResult result;
    result.id = leased[0].id;
    result.outcome = QueueOutcome::failed;
    done(bench.queue().finish({result}, {report}));
    CHECK(bench.list().empty());
    CHECK(bench.folder(bob, "INBOX").messages == 1);
}

TEST_CASE("queue: one dead domain starves nobody and is not walked through") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    std::vector<std::string> dead;
    for (int i = 0; i < 500; ++i)
        dead.push_back("u" + std::to_string(i) + "@dead.example");
    bench.send(dead);
    bench.clock.advance(minutes(1));
    bench.send({"x@alive.example", "y@alive.example"});
    bench.send({"z@later.example"}, minutes(5));
    const auto leased = bench.lease(10, 3);
    REQUIRE(leased.size() == 5);
    CHECK(leased[0].domain == "dead.example");
    CHECK(leased[2].domain == "dead.example");
    CHECK(leased[3].recipient == "x@alive.example");
    CHECK(leased[4].recipient == "y@alive.example");
    CHECK(bench.lease(2, 10).size() == 2);
    CHECK(need(bench.queue().next_due()) < bench.clock.now());
}

TEST_CASE("queue: many dead domains with much that is overdue leave room for a live one") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    for (int i = 0; i < 20; ++i)
        bench.send({"a@dead1.example", "a@dead2.example", "a@dead3.example"});
    bench.clock.advance(hours(1));
    bench.send({"x@live.example"});
    const auto leased = bench.lease(8, 100);
    REQUIRE(leased.size() == 8);
    CHECK(leased.back().recipient == "x@live.example");
    // What the others do not need goes to those with more, each item once.
    const auto rest = bench.lease(1000, 18);
    CHECK(rest.size() == 53); // 60 - 7
    const auto again = bench.lease(1000, 100);
    CHECK(again.empty());
}

TEST_CASE("queue: leases end by themselves and at a restart") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@one.example"});
    REQUIRE(bench.lease(1).size() == 1);
    bench.clock.advance(minutes(11));
    CHECK(bench.lease().size() == 2);
    CHECK(need(bench.queue().recover_leases({})) == 2);
    bench.reopen();
    CHECK(bench.lease().size() == 2);
}

TEST_CASE("queue: released items count no attempt, held ones say why") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@two.example"});
    const auto leased = bench.lease();
    REQUIRE(leased.size() == 2);
    AttemptResult untried;
    untried.id = leased[0].id;
    untried.outcome = QueueOutcome::released;
    untried.next_attempt = bench.clock.now() + minutes(2);
    done(bench.queue().finish({untried}, {}));
    bench.finish(leased[1].id, QueueOutcome::held);
    const QueueItem released = need(bench.queue().item(leased[0].id));
    CHECK(released.attempts == 0);
    CHECK(released.status == QueueStatus::ready);
    CHECK_FALSE(released.last_error);
    CHECK(released.next_attempt == bench.clock.now() + minutes(2));
    const QueueItem held = need(bench.queue().item(leased[1].id));
    CHECK(held.status == QueueStatus::held);
    CHECK(held.attempts == 0);
    REQUIRE(held.last_error);
    CHECK(held.last_error->text == "4.3.0 try later");
    CHECK(need(bench.queue().next_due()) == bench.clock.now() + minutes(2));
    bench.clock.advance(minutes(3));
    REQUIRE(bench.lease().size() == 1);
    AttemptResult paused = untried;
    paused.next_attempt = bench.clock.now() + minutes(2);
    paused.error = LastError{0, "paused by rule x", "", bench.clock.now()};
    done(bench.queue().finish({paused}, {}));
    const QueueItem waits = need(bench.queue().item(leased[0].id));
    CHECK(waits.attempts == 0);
    REQUIRE(waits.last_error);
    CHECK(waits.last_error->text == "paused by rule x");
}

TEST_CASE("queue: what was let go is known until it is held by hand") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example"}, Duration{}, true);
    const QueueId id = bench.list()[0].id;
    const auto change = [&](QueueVerb verb) {
        QueueFilter filter;
        filter.ids = {id};
        return need(bench.queue().change(filter, {verb, bench.clock.now(), {}}));
    };
    CHECK_FALSE(bench.list()[0].released);
    CHECK(change(QueueVerb::release) == 1);
    CHECK(bench.list()[0].released);
    CHECK(change(QueueVerb::retry) == 1);
    REQUIRE(bench.lease().size() == 1);
    bench.finish(id, QueueOutcome::deferred);
    CHECK(bench.list()[0].released);
    CHECK(change(QueueVerb::hold) == 1);
    CHECK(bench.list()[0].status == QueueStatus::held);
    CHECK_FALSE(bench.list()[0].released);
    CHECK(change(QueueVerb::release) == 1);
    REQUIRE(bench.lease().size() == 1);
    CHECK(change(QueueVerb::hold) == 1); // during an attempt
    bench.finish(id, QueueOutcome::deferred);
    CHECK(bench.list()[0].status == QueueStatus::held);
    CHECK_FALSE(bench.list()[0].released);
}

TEST_CASE("queue: what a process dies over is held in the end") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@two.example"});
    for (int crash = 0; crash < 3; ++crash) {
        const auto leased = bench.lease();
        REQUIRE(leased.size() == 2);
        CHECK(need(bench.queue().recover_leases({leased[0].id})) == 2);
    }
    const auto held = bench.list("status", '=', "held");
    REQUIRE(held.size() == 1);
    CHECK(held[0].recipient == "a@one.example");
    CHECK(held[0].crashes == 3);
    REQUIRE(held[0].last_error);
    CHECK(bench.lease().size() == 1);
    QueueFilter filter;
    filter.ids = {held[0].id};
    CHECK(need(bench.queue().change(filter, {QueueVerb::release, bench.clock.now(), {}})) == 1);
    CHECK(need(bench.queue().item(held[0].id)).crashes == 0);
}

} // namespace mail::store::test
