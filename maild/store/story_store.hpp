// StoryStore: stories and their events. Acceptance writes stories by itself (AcceptPlan::story); everything here is
// beside the accept path. Finding one of a million takes milliseconds: blocks of stories that are complete get a filter
// of the words a search may ask for (index()), and a search reads the rows of those blocks that may hold what it looks
// for, and the tail that has no filter yet.
#pragma once

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "maild/store/story_model.hpp"

namespace mail::store {

class StoryStore {
  public:
    virtual ~StoryStore() = default;
    /// Refused transactions and later events, in one transaction. Events keep their order.
    [[nodiscard]] virtual Task<Result<void>> record(std::vector<Story> stories, std::vector<StoryEvent> events) = 0;
    /// Looks at no more than limit::story_scan rows; StoryPage::next goes on from there.
    [[nodiscard]] virtual Task<Result<StoryPage>> find(StoryFilter filter) = 0;
    /// Events of one message, oldest first, the last limit::story_events of them; transcripts only when asked for.
    [[nodiscard]] virtual Task<Result<std::vector<StoryEvent>>> events(Id message, bool transcripts) = 0;
    /// Gives the next blocks of stories their filters, a few at once; false: no block is complete.
    [[nodiscard]] virtual Task<Result<bool>> index() = 0;
    [[nodiscard]] virtual Task<Result<StoryStats>> stats() = 0;
};

} // namespace mail::store
