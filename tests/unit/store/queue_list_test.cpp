// What administrators see of the queue and do to it, on every engine.
#include "tests/unit/store/queue_bench.hpp"

namespace mail::store::test {

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
