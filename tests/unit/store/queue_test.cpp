// The outbound queue, on every engine.
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class QueueBench : public Bench {
  public:
    using Bench::Bench;
    void send(const std::vector<std::string>& recipients, Duration in = Duration{}, bool held = false) {
        AcceptPlan one = plan("queued message");
        one.envelope.envelope_id = "env";
        one.envelope.smtputf8 = true;
        one.envelope.require_tls = true;
        one.envelope.message_id = "mid@example.org";
        for (const std::string& to : recipients)
            one.queue.push_back({to, to.substr(to.find('@') + 1), "rfc822;" + to, queue_notify::failure,
                                 clock.now() + in, clock.now() + in + hours(100), held, 0});
        need(mail().accept(one));
    }
    std::vector<QueueItem> lease(std::size_t limit = 100, std::size_t per_domain = 100) {
        return need(queue().lease(clock.now(), clock.now() + minutes(10), limit, per_domain));
    }
    void finish(QueueId id, QueueOutcome outcome, Duration in = hours(1)) {
        AttemptResult result;
        result.id = id;
        result.outcome = outcome;
        result.next_attempt = clock.now() + in;
        result.error = LastError{451, "4.3.0 try later", "mx.example.net[192.0.2.1]:25", clock.now()};
        result.route = "direct";
        done(queue().finish({result}, {}));
    }
    std::vector<QueueItem> list(const std::string& field = "", char operation = '=',
                                const std::string& value = "") {
        QueueFilter filter;
        if (!field.empty())
            filter.conditions.push_back({field, operation, value});
        return need(queue().list(filter));
    }
};

} // namespace

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

TEST_CASE("queue: verbs") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@two.example"}, hours(1));
    bench.send({"h@held.example"}, Duration{}, true);
    const auto change = [&](const std::string& domain, QueueVerb verb) {
        QueueFilter filter;
        filter.conditions.push_back({"domain", '=', domain});
        return need(bench.queue().change(filter, {verb, bench.clock.now(), {}}));
    };
    CHECK(bench.lease().empty());
    CHECK(change("held.example", QueueVerb::retry) == 0);
    CHECK(change("one.example", QueueVerb::release) == 0);
    CHECK(change("held.example", QueueVerb::release) == 1);
    CHECK(change("one.example", QueueVerb::retry) == 1);
    const auto leased = bench.lease();
    REQUIRE(leased.size() == 2);

    SECTION("on active items they wait for the end of the attempt") {
        CHECK(change("one.example", QueueVerb::retry) == 0);
        CHECK(change("one.example", QueueVerb::drop) == 1);
        CHECK(change("held.example", QueueVerb::hold) == 1);
        for (const QueueItem& item : leased)
            bench.finish(item.id, QueueOutcome::deferred);
        CHECK(bench.list("domain", '=', "one.example").empty());
        CHECK(bench.list("status", '=', "held").size() == 1);
    }
    SECTION("expire makes the item due and over") {
        CHECK(change("two.example", QueueVerb::expire) == 1);
        const auto due = bench.lease();
        REQUIRE(due.size() == 1);
        CHECK(due[0].expires == bench.clock.now());
        CHECK(due[0].give_up);
        CHECK(change("one.example", QueueVerb::expire) == 1);
        bench.clock.advance(minutes(1));
        for (const QueueItem& item : leased)
            bench.finish(item.id, QueueOutcome::deferred);
        const auto again = bench.lease();
        REQUIRE(again.size() == 1);
        CHECK(again[0].domain == "one.example");
    }
    SECTION("drop and hold of what waits") {
        CHECK(change("two.example", QueueVerb::hold) == 1);
        CHECK(change("two.example", QueueVerb::hold) == 0);
        bench.clock.advance(hours(2));
        CHECK(bench.list("status", '=', "held").size() == 1);
        CHECK(change("two.example", QueueVerb::drop) == 1);
        CHECK(bench.list("domain", '=', "two.example").empty());
    }
    SECTION("what was asked for during a lost lease is done") {
        CHECK(change("one.example", QueueVerb::drop) == 1);
        CHECK(change("held.example", QueueVerb::hold) == 1);
        CHECK(need(bench.queue().recover_leases({})) == 2);
        CHECK(bench.list("domain", '=', "one.example").empty());
        CHECK(bench.list("status", '=', "held").size() == 1);
    }
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

TEST_CASE("queue: sorted lists") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"c@two.example"}, hours(3));
    bench.clock.advance(hours(1));
    bench.send({"A@one.example"}, hours(1));
    bench.clock.advance(hours(1));
    bench.send({"b@three.example"}, hours(5));
    const auto first = [&](const std::string& field, bool descending = false) {
        QueueFilter filter;
        filter.sort = field;
        filter.descending = descending;
        filter.limit = 1;
        const auto found = need(bench.queue().list(filter));
        REQUIRE(found.size() == 1);
        return found[0].recipient;
    };
    CHECK(first("recipient") == "A@one.example");
    CHECK(first("recipient", true) == "c@two.example");
    CHECK(first("domain") == "A@one.example");
    CHECK(first("next_attempt") == "A@one.example");
    CHECK(first("next_attempt", true) == "b@three.example");
    CHECK(first("age") == "b@three.example");
    CHECK(first("age", true) == "c@two.example");
    CHECK(first("created") == "c@two.example");
    CHECK(first("id", true) == "b@three.example");
    for (const char* field : {"message", "sender", "status", "attempts", "route", "message_id", "error", "last_error", "error_code",
                              "remote", "size", "priority", "expires"})
        CHECK_FALSE(first(field).empty());
    QueueFilter bad;
    bad.sort = "colour";
    CHECK(code_of(bench.queue().list(bad)) == ErrorCode::invalid);
}

TEST_CASE("queue: routes and priorities that an administrator chose") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@one.example", "c@one.example"});
    const auto change = [&](QueueId id, QueueVerb verb, const std::string& value) {
        QueueFilter filter;
        filter.ids = {id};
        return need(bench.queue().change(filter, {verb, bench.clock.now(), value}));
    };
    const auto all = bench.list();
    CHECK(change(all[2].id, QueueVerb::priority, "1") == 1);
    CHECK(change(all[0].id, QueueVerb::priority, "-1") == 1);
    CHECK(change(all[1].id, QueueVerb::route, "backup") == 1);
    QueueFilter everything;
    CHECK(code_of(bench.queue().change(everything, {QueueVerb::priority, bench.clock.now(), "9"})) == ErrorCode::invalid);
    CHECK(bench.list("priority", '=', "1").size() == 1);
    const auto leased = bench.lease();
    REQUIRE(leased.size() == 3);
    CHECK(leased[0].id == all[2].id);
    CHECK(leased[1].id == all[1].id);
    CHECK(leased[1].route == "backup");
    CHECK(leased[1].route_chosen);
    CHECK(leased[2].priority == -1);
    CHECK(change(all[1].id, QueueVerb::route, "") == 0); // active
    for (const QueueItem& item : leased)
        bench.finish(item.id, QueueOutcome::deferred);
    CHECK(need(bench.queue().item(all[1].id)).route == "backup"); // "direct" was used, the choice stays
    CHECK(change(all[1].id, QueueVerb::route, "") == 1);
    CHECK(need(bench.queue().next_due()) == bench.clock.now());
    CHECK_FALSE(need(bench.queue().item(all[1].id)).route_chosen);
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

TEST_CASE("queue: summary") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"a@one.example", "b@one.example"});
    bench.clock.advance(hours(3));
    bench.send({"c@two.example"});
    bench.send({"h@one.example"}, Duration{}, true);
    const auto leased = bench.lease(1);
    bench.finish(leased[0].id, QueueOutcome::deferred);
    const auto rows = need(bench.queue().summary({}, QueueGroup::domain, 10));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].key == "one.example");
    CHECK(rows[0].count == 3);
    CHECK(rows[0].states[0] == 1);
    CHECK(rows[0].states[2] == 1);
    CHECK(rows[0].states[3] == 1);
    CHECK(rows[0].ages[0] == 1);
    CHECK(rows[0].ages[6] == 2); // 180 minutes
    CHECK(rows[0].oldest == bench.clock.now() - hours(3));
    CHECK(rows[0].last_error == "4.3.0 try later");
    CHECK(need(bench.queue().summary({}, QueueGroup::domain, 1)).size() == 1);
    QueueFilter two;
    two.conditions.push_back({"domain", '=', "TWO.example"});
    REQUIRE(need(bench.queue().summary(two, QueueGroup::status, 10)).size() == 1);
    CHECK(need(bench.queue().summary(two, QueueGroup::status, 10))[0].key == "ready");
    CHECK(need(bench.queue().summary({}, QueueGroup::error, 10)).size() == 2);
    CHECK(need(bench.queue().summary({}, QueueGroup::sender, 10))[0].key == "bob@example.org");
    const auto ages = need(bench.queue().summary({}, QueueGroup::age, 10));
    REQUIRE(ages.size() == 2);
    CHECK(ages[0].key == "320m");
    CHECK(ages[1].key == "5m");
}

TEST_CASE("queue: filters") {
    FOR_EACH_ENGINE;
    QueueBench bench(engine);
    bench.send({"Ann_1@one.example", "AnnX1@one.example"});
    bench.clock.advance(hours(2));
    bench.send({"c@two.example"});
    bench.send({"h@held.example"}, Duration{}, true);
    const auto leased = bench.lease(1);
    bench.finish(leased[0].id, QueueOutcome::deferred);
    const auto count = [&](const std::string& field, char operation, const std::string& value) {
        QueueFilter filter;
        filter.conditions.push_back({field, operation, value});
        const auto found = bench.list(field, operation, value).size();
        CHECK(need(bench.queue().count(filter)) == found);
        return found;
    };
    CHECK(bench.list().size() == 4);
    CHECK(count("recipient", '~', "ann_1@*") == 1); // '_' is no wildcard
    CHECK(count("recipient", '~', "*EXAMPLE") == 4);
    CHECK(count("recipient", '~', "one") == 2);
    CHECK(count("recipient", '~', "%") == 0);
    CHECK(count("recipient", '=', "ANN_1@ONE.EXAMPLE") == 1);
    CHECK(count("domain", '!', "one.example") == 2);
    CHECK(count("domain", '=', "' OR 1=1 --") == 0);
    CHECK(count("status", '=', "HELD") == 1);
    CHECK(count("status", '!', "held") == 3);
    CHECK(count("status", '=', "deferred") == 1);
    CHECK(count("attempts", '>', "0") == 1);
    CHECK(count("attempts", '=', "0") == 3);
    CHECK(count("age", '>', "1h") == 2);
    CHECK(count("age", '<', "1h") == 2);
    CHECK(count("size", '<', "1K") == 4);
    CHECK(count("size", '>', "14") == 0);
    CHECK(count("error", '~', "try*") == 0);
    CHECK(count("error", '~', "TRY") == 1);
    CHECK(count("error", '=', "451") == 1);
    CHECK(count("sender", '=', "bob@example.org") == 4);
    CHECK(count("message_id", '~', "mid@") == 4);
    CHECK(count("route", '=', "direct") == 1);
    CHECK(count("id", '=', std::to_string(leased[0].id)) == 1);
    CHECK(count("id", '=', leased[0].message.text()) == 2);
    CHECK(count("message", '=', leased[0].message.text()) == 2);
    CHECK(count("message", '!', leased[0].message.text()) == 2);
    CHECK(count("last_error", '~', "TRY") == 1);
    CHECK(count("error_code", '>', "400") == 1);
    CHECK(count("created", '<', format_rfc3339(bench.clock.now() - hours(1))) == 2);
    CHECK(count("next_attempt", '>', "30m") == 1);
    CHECK(count("expires", '<', "99h") == 2);
    for (const auto& bad : std::vector<QueueFilter::Condition>{{"nonsense", '=', "x"},
                                                               {"recipient", '<', "x"},
                                                               {"status", '=', "sleeping"},
                                                               {"status", '~', "held"},
                                                               {"attempts", '=', "many"},
                                                               {"attempts", '~', "1"},
                                                               {"age", '=', "1h"},
                                                               {"age", '>', "old"},
                                                               {"size", '<', "-1"},
                                                               {"message", '=', "x"},
                                                               {"created", '<', "1h"},
                                                               {"expires", '=', "1h"},
                                                               {"next_attempt", '<', "soon"},
                                                               {"domain", '?', "x"}}) {
        QueueFilter filter;
        filter.conditions.push_back(bad);
        CHECK(code_of(bench.queue().list(filter)) == ErrorCode::invalid);
        CHECK(code_of(bench.queue().change(filter, {QueueVerb::drop, bench.clock.now(), {}})) ==
              ErrorCode::invalid);
    }
    SECTION("pages and ids") {
        QueueFilter page;
        page.limit = 3;
        const auto first = need(bench.queue().list(page));
        REQUIRE(first.size() == 3);
        page.after = first.back().id;
        CHECK(need(bench.queue().list(page)).size() == 1);
        QueueFilter some;
        some.ids = {first[0].id, first[2].id, 99'999};
        CHECK(need(bench.queue().list(some)).size() == 2);
        CHECK(need(bench.queue().change(some, {QueueVerb::drop, bench.clock.now(), {}})) == 2);
        CHECK(bench.list().size() == 2);
    }
    CHECK(bench.list().size() >= 2);
}

} // namespace mail::store::test
