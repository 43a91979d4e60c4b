// Stories beside the accept path: written in order, bounded in number and rate.
#include "maild/service/stories.hpp"

#include "common/async/runtime.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/store/memory/memory_store.hpp"
#include "tests/catch.hpp"

namespace mail::service::test {
namespace {

class StillClock final : public Clock {
  public:
    [[nodiscard]] Time now() const override { return from_micros(micros); }
    [[nodiscard]] SteadyTime steady() const override { return SteadyTime{Duration{micros}}; }
    std::int64_t micros = 1'800'000'000'000'000;
};

template <class T> Task<void> keep(Task<T> task, T& out) { out = co_await std::move(task); }
template <class T> T run(Task<T> task) {
    T out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

struct World {
    StillClock clock;
    std::unique_ptr<store::Store> store = store::open_memory(clock);
    Stories stories{*store, clock};

    void refuse(const std::string& address) {
        store::Story story;
        story.id = Id::make(clock.now());
        story.at = clock.now();
        story.sender = "a@x.example";
        story.end = store::StoryEnd::refused;
        stories.refused(std::move(story), address);
    }
    store::StoryStats written() {
        stories.close();
        async::run_until_done(stories.run());
        return *run(store->stories().stats());
    }
};

} // namespace

TEST_CASE("what was handed in before close is written, in order") {
    World world;
    const Id id = Id::make(world.clock.now());
    for (int i = 0; i < 1300; ++i) { // more than two slices
        store::StoryEvent event;
        event.message = id;
        event.detail = std::to_string(i);
        world.stories.happened(std::move(event));
    }
    world.refuse("192.0.2.1");
    const auto stats = world.written();
    CHECK(stats.events == 1300);
    CHECK(stats.stories == 1);
    const auto events = *run(world.store->stories().events(id, false));
    REQUIRE(events.size() == std::size_t{limit::story_events});
    for (std::size_t i = 0; i < events.size(); ++i)
        REQUIRE(events[i].detail == std::to_string(i + 300)); // the last ones
    CHECK(world.stories.counts().dropped == 0);
}

TEST_CASE("one peer's refusals are limited and do not silence the others") {
    World world;
    for (int i = 0; i < 5000; ++i)
        world.refuse("192.0.2.1");
    world.refuse("192.0.2.2");
    CHECK(world.stories.counts().waiting == std::size_t{limit::story_refusals_per_peer} + 1);
    CHECK(world.stories.counts().dropped == 5000 - std::uint64_t{limit::story_refusals_per_peer});
    const auto told = event_count(Event::story_dropped);
    world.clock.micros += 61'000'000; // a minute: another drop is told, and only one
    for (int i = 0; i < 10; ++i)
        world.refuse("192.0.2.1");
    CHECK(event_count(Event::story_dropped) == told + 1);
    world.clock.micros += 3'600'000'000; // an hour
    world.refuse("192.0.2.1");
    CHECK(world.stories.counts().waiting == std::size_t{limit::story_refusals_per_peer} + 3);
}

TEST_CASE("a flood of refusals from everywhere is limited") {
    World world;
    for (int peer = 0; peer < 100; ++peer)
        for (int i = 0; i < 100; ++i)
            world.refuse("2001:db8::" + std::to_string(peer));
    CHECK(world.stories.counts().waiting <= std::size_t{limit::story_refusals_burst});
    const auto before = world.stories.counts().waiting;
    world.clock.micros += 60'000'000; // a minute
    for (int i = 0; i < 100; ++i)
        world.refuse("198.51.100." + std::to_string(i));
    CHECK(world.stories.counts().waiting - before <= std::size_t{limit::story_refusals_per_minute} + 1);
    CHECK(world.stories.counts().waiting > before);
}

TEST_CASE("events that come faster than they can be written are dropped and counted") {
    World world;
    for (std::size_t i = 0; i < std::size_t{limit::story_pending} + 10; ++i)
        world.stories.happened({});
    CHECK(world.stories.counts().dropped == 10);
    CHECK(world.written().events == std::uint64_t{limit::story_pending});
}

} // namespace mail::service::test
