// Stories and their events, on every engine: kept, found by what people know of a message, and let go.
#include "maild/store/story_rules.hpp"
#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {
namespace {

using std::chrono::hours;

Story story(Time at, std::string sender, std::string recipients, std::string subject, StoryEnd end = StoryEnd::delivered) {
    Story out{Id::make(at), at, std::move(sender), std::move(recipients), "", "client [192.0.2.1]", R"({"steps":[]})"};
    out.message_id = out.id.text() + "@client.example";
    out.subject = std::move(subject);
    out.end = end;
    return out;
}

StoryEvent event(Id message, Time at, StoryMark mark, const char* transcript = nullptr) {
    StoryEvent out;
    out.message = message;
    out.at = at;
    out.mark = mark;
    out.detail = R"({"recipients":[]})";
    if (transcript != nullptr)
        out.transcript = std::make_shared<const std::string>(transcript);
    return out;
}

std::vector<std::string> subjects(Bench& bench, const StoryFilter& filter) {
    std::vector<std::string> out;
    for (const Story& one : need(bench.store().stories().find(filter)).stories)
        out.push_back(one.subject);
    return out;
}

using Names = std::vector<std::string>;

/// `count` stories a second apart, from s0@a.example on; every hundredth to the rare recipient.
void fill(Bench& bench, int count) {
    std::vector<Story> stories;
    for (int i = 0; i < count; ++i) {
        bench.clock.advance(std::chrono::seconds(1));
        const std::string to = i % 100 == 0 ? "rare@b.example" : "often@c.example";
        stories.push_back(story(bench.clock.now(), "s" + std::to_string(i) + "@a.example", to, "number " + std::to_string(i)));
    }
    done(bench.store().stories().record(std::move(stories), {}));
    while (need(bench.store().stories().index())) {
    }
}

} // namespace

TEST_CASE("stories are found by sender, recipient, Message-ID, subject, time and end") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const Time t = bench.clock.now();
    const auto first = story(t, "Bob@client.example", "ann@example.org carl@example.org", "Re: Invoice 4711, overdue");
    const auto second = story(t + hours(1), "", "bob@client.example", "Undelivered", StoryEnd::queued);
    const auto third = story(t + hours(2), "eve@evil.example", "nobody@example.org", "", StoryEnd::refused);
    done(bench.store().stories().record({first, second, third}, {}));

    StoryFilter filter;
    const auto found = [&] { return subjects(bench, filter); };
    const Names invoice{first.subject}, bounce{second.subject}, refusal{""}, none{};
    CHECK(found() == Names{"", second.subject, first.subject}); // newest first
    SECTION("sender: whole address, domain, null reverse-path, pattern") {
        filter.sender = "bob@CLIENT.example";
        CHECK(found() == invoice);
        filter.sender = "*@client.example";
        CHECK(found() == invoice);
        filter.sender = "@evil.example";
        CHECK(found() == refusal);
        filter.sender = "";
        CHECK(found() == bounce);
        filter.sender = "ob@client.example"; // an address, not a part of one
        CHECK(found() == none);
        filter.sender = "client";
        CHECK(found() == invoice);
    }
    SECTION("recipient: any of them, never the sender") {
        filter.recipient = "carl@example.org";
        CHECK(found() == invoice);
        filter.recipient = "*@example.org";
        CHECK(found() == Names{"", first.subject});
        filter.recipient = "eve@evil.example";
        CHECK(found() == none);
    }
    SECTION("Message-ID") {
        filter.message_id = second.message_id;
        CHECK(found() == bounce);
    }
    SECTION("subject: all of its words, in any order and case") {
        filter.subject = "4711 INVOICE";
        CHECK(found() == invoice);
        filter.subject = "4711 paid";
        CHECK(found() == none);
        filter.subject = "inv*";
        CHECK(found() == invoice);
    }
    SECTION("time and end") {
        filter.since = t + std::chrono::minutes(30);
        CHECK(found() == Names{"", second.subject});
        filter.until = t + hours(1);
        CHECK(found() == bounce);
        filter = {};
        filter.end = StoryEnd::refused;
        CHECK(found() == refusal);
    }
    SECTION("id") {
        filter.id = first.id;
        const auto page = need(bench.store().stories().find(filter));
        REQUIRE(page.stories.size() == 1);
        CHECK(page.stories[0].at == first.at);
        CHECK(page.stories[0].peer == first.peer);
        CHECK(page.stories[0].detail == first.detail);
        CHECK(page.stories[0].recipients == first.recipients);
    }
}

TEST_CASE("events of a message come in order, with their transcripts when asked for") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const Time t = bench.clock.now();
    const auto slow = story(t, "a@x.example", "b@y.example", "slow", StoryEnd::queued);
    const auto lost = story(t, "a@x.example", "c@y.example", "lost", StoryEnd::queued);
    done(bench.store().stories().record({slow, lost}, {event(slow.id, t, StoryMark::deferred, "C: EHLO x\nS: 451 later\n"),
                                                       event(lost.id, t, StoryMark::deferred)}));
    done(bench.store().stories().record({}, {event(slow.id, t + hours(1), StoryMark::relayed), event(lost.id, t, StoryMark::failed)}));
    bench.reopen();
    auto events = need(bench.store().stories().events(slow.id, false));
    REQUIRE(events.size() == 2);
    CHECK(events[0].mark == StoryMark::deferred);
    CHECK(events[0].has_transcript);
    CHECK_FALSE(events[0].transcript);
    CHECK(events[0].sequence < events[1].sequence);
    CHECK(events[1].at == t + hours(1));
    CHECK_FALSE(events[1].has_transcript);
    events = need(bench.store().stories().events(slow.id, true));
    REQUIRE(events[0].transcript);
    CHECK(*events[0].transcript == "C: EHLO x\nS: 451 later\n");

    StoryFilter filter;
    filter.mark = StoryMark::failed;
    CHECK(subjects(bench, filter) == Names{"lost"});
    filter.mark = StoryMark::relayed;
    CHECK(subjects(bench, filter) == Names{"slow"});
    filter.mark = StoryMark::deferred; // both were, neither is
    CHECK(subjects(bench, filter).empty());
    done(bench.store().stories().record({}, {event(lost.id, t, StoryMark::deferred)}));
    CHECK(subjects(bench, filter) == Names{"lost"});
    filter.recipient = "b@y.example";
    CHECK(subjects(bench, filter).empty());
}

TEST_CASE("a search goes through blocks and the rows behind them, page by page") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    fill(bench, 2600); // ten blocks and a tail
    StoryFilter filter;
    filter.recipient = "rare@b.example";
    const auto all = subjects(bench, filter);
    REQUIRE(all.size() == 26);
    CHECK(all.front() == "number 2500");
    CHECK(all.back() == "number 0");
    Names paged;
    filter.limit = 7;
    do {
        auto page = need(bench.store().stories().find(filter));
        for (const Story& one : page.stories)
            paged.push_back(one.subject);
        filter.before = page.next;
    } while (filter.before != 0);
    CHECK(paged == all);
    filter = {};
    filter.sender = "s17@a.example";
    CHECK(subjects(bench, filter) == Names{"number 17"});
    filter.sender = "*7@a.example"; // no key: every row is looked at
    filter.limit = 1000;
    CHECK(subjects(bench, filter).size() == 260);
    CHECK(need(bench.store().stories().stats()).stories == 2600);
}

TEST_CASE("old stories and events go, the newest stays, and numbers are never used again") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    fill(bench, 1500);
    const auto newest = need(bench.store().stories().find({})).stories.front();
    done(bench.store().stories().record({}, {event(newest.id, bench.clock.now(), StoryMark::failed, "C: EHLO")}));
    Maintenance what;
    what.stories_before = bench.clock.now() - std::chrono::seconds(300);
    int turns = 1;
    for (; need(bench.store().maintain(what)).more; ++turns)
        REQUIRE(turns < 10);
    CHECK(turns == 3); // 1199 in slices of 500
    StoryFilter all;
    all.limit = 5000;
    CHECK(subjects(bench, all).size() == 301);
    what.stories_before = bench.clock.now() + hours(1);
    while (need(bench.store().maintain(what)).more) {
    }
    CHECK(subjects(bench, all) == Names{newest.subject});
    bench.reopen();
    done(bench.store().stories().record({story(bench.clock.now(), "z@z.example", "y@y.example", "later")}, {}));
    const auto left = need(bench.store().stories().find(all)).stories;
    REQUIRE(left.size() == 2);
    CHECK(left.front().subject == "later");
    CHECK(left.front().sequence == newest.sequence + 1);
}

TEST_CASE("stories beyond their bound go, oldest first") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    fill(bench, 5000);
    const auto before = need(bench.store().stories().stats());
    Maintenance what;
    what.stories_bytes = before.bytes / 2;
    while (need(bench.store().maintain(what)).more) {
    }
    StoryFilter all;
    all.limit = 5000;
    const auto left = subjects(bench, all);
    CHECK(left.front() == "number 4999");
    CHECK(left.size() <= 2600);
    CHECK(left.size() >= 1400); // a block more at most
    CHECK(need(bench.store().stories().stats()).bytes <= what.stories_bytes);
}

TEST_CASE("a copy that found no room is written into the story of the others") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const AccountId bob = bench.add_mailbox("bob@example.org");
    AcceptPlan plan = bench.plan(std::string(1000, 'x'));
    plan.local.push_back(Bench::to(ann));
    plan.local.push_back(Bench::to(bob, 0, 10));
    plan.story = story(bench.clock.now(), "a@x.example", "ann@example.org bob@example.org", "big");
    need(bench.mail().accept(plan));
    CHECK(need(bench.store().stories().find({})).stories.front().missed == "1");
}

TEST_CASE("a filter of keys is never wrong about absence and seldom about presence") {
    std::vector<StoryKey> keys;
    for (int i = 0; i < 5000; ++i)
        add_keys(keys, story(from_micros(i), "s" + std::to_string(i) + "@a.example", "r@b.example", "word" + std::to_string(i)));
    const auto bloom = make_bloom(keys);
    CHECK(bloom.size() < 5000 * 4 * story_key_bits / 8);
    int wrong = 0;
    for (int i = 0; i < 10'000; ++i) {
        StoryFilter filter;
        filter.sender = "s" + std::to_string(i) + "@a.example";
        const bool may = may_hold(bloom, keys_of(filter));
        if (i < 5000)
            REQUIRE(may);
        else
            wrong += may ? 1 : 0;
    }
    CHECK(wrong < 100);
}

} // namespace mail::store::test
