// StoryStore in memory: every search looks at every story.
#include "common/base/limits.hpp"
#include "maild/store/memory/state.hpp"
#include "maild/store/ready.hpp"
#include "maild/store/story_rules.hpp"

#include <algorithm>

namespace mail::store::memory {
namespace {

class StoryPart final : public StoryStore {
  public:
    explicit StoryPart(State& state) : state_(state) {}

    Task<Result<void>> record(std::vector<Story> stories, std::vector<StoryEvent> events) override {
        const std::lock_guard lock(state_.mutex);
        auto open = state_.open();
        if (!open)
            return ready(std::move(open));
        for (Story& story : stories)
            state_.add_story(std::move(story));
        for (StoryEvent& event : events) {
            event.sequence = ++state_.last_event;
            event.has_transcript = event.transcript && !event.transcript->empty();
            state_.story_events.push_back(std::move(event));
        }
        return ready(Result<void>());
    }

    Task<Result<StoryPage>> find(StoryFilter filter) override {
        const std::lock_guard lock(state_.mutex);
        return ready(Result<StoryPage>(filter.mark == StoryMark::none || filter.id ? by_story(filter) : by_event(filter)));
    }

    Task<Result<std::vector<StoryEvent>>> events(Id message, bool transcripts) override {
        const std::lock_guard lock(state_.mutex);
        std::vector<StoryEvent> found;
        for (auto it = state_.story_events.rbegin(); it != state_.story_events.rend(); ++it) {
            if (it->message != message || found.size() >= std::size_t{limit::story_events})
                continue;
            found.push_back(*it);
            if (!transcripts)
                found.back().transcript = nullptr;
        }
        std::reverse(found.begin(), found.end());
        return ready(Result<std::vector<StoryEvent>>(std::move(found)));
    }

    Task<Result<bool>> index() override { return ready(Result<bool>(false)); }

    Task<Result<StoryStats>> stats() override {
        const std::lock_guard lock(state_.mutex);
        StoryStats stats{state_.stories.size(), state_.story_events.size(), 0};
        for (const Story& story : state_.stories)
            stats.bytes += bytes_of(story);
        for (const StoryEvent& event : state_.story_events)
            stats.bytes += bytes_of(event);
        return ready(Result<StoryStats>(stats));
    }

  private:
    StoryPage by_story(const StoryFilter& filter) const {
        StoryPage page;
        for (auto it = state_.stories.rbegin(); it != state_.stories.rend() && page.stories.size() < filter.limit; ++it) {
            if ((filter.before > 0 && it->sequence >= filter.before) || (filter.id && it->id != *filter.id))
                continue;
            if (wants(filter, it->at, view_of(*it)))
                page.stories.push_back(*it);
        }
        if (page.stories.size() == filter.limit && filter.limit != 0)
            page.next = page.stories.back().sequence;
        return page;
    }

    StoryPage by_event(const StoryFilter& filter) const {
        StoryPage page;
        std::set<Id> seen;    // messages answered for
        std::set<Id> younger; // messages with a later event
        for (auto it = state_.story_events.rbegin(); it != state_.story_events.rend() && page.stories.size() < filter.limit; ++it) {
            const bool is_latest = younger.insert(it->message).second;
            if (it->mark != filter.mark || (filter.before > 0 && it->sequence >= filter.before))
                continue;
            page.next = it->sequence;
            if (!seen.insert(it->message).second || (filter.mark == StoryMark::deferred && !is_latest))
                continue;
            for (const Story& story : state_.stories)
                if (story.id == it->message && wants(filter, story.at, view_of(story)))
                    page.stories.push_back(story);
        }
        if (page.stories.size() < filter.limit)
            page.next = 0;
        return page;
    }

    State& state_;
};

} // namespace

void State::add_story(Story story) {
    story.sequence = ++last_story;
    stories.push_back(std::move(story));
}

std::size_t State::purge_stories(const Maintenance& what) {
    std::uint64_t bytes = 0;
    for (const Story& story : stories)
        bytes += bytes_of(story);
    for (const StoryEvent& event : story_events)
        bytes += bytes_of(event);
    const auto over = [&] { return what.stories_bytes != 0 && bytes > what.stories_bytes; };
    std::size_t gone = 0;
    while (stories.size() > 1 && gone < what.slice && (stories.front().at < what.stories_before || over())) {
        bytes -= bytes_of(stories.front());
        stories.pop_front();
        ++gone;
    }
    std::size_t gone_events = 0;
    while (story_events.size() > 1 && gone_events < what.slice &&
           (story_events.front().at < what.stories_before || over())) {
        bytes -= bytes_of(story_events.front());
        story_events.pop_front();
        ++gone_events;
    }
    return std::max(gone, gone_events);
}

std::unique_ptr<StoryStore> make_stories(State& state) { return std::make_unique<StoryPart>(state); }

} // namespace mail::store::memory
