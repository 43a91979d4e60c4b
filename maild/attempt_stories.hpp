// AttemptStories: the queue's attempts as events of stories. Joins queue::AttemptObserver to service::Stories; given to the
// scheduler by the composition root. Recipients that ended differently become events of their own, so that a search by
// outcome finds each. Never waits.
#pragma once

#include "maild/queue/attempt_observer.hpp"
#include "maild/service/stories.hpp"

namespace mail {

class AttemptStories final : public queue::AttemptObserver {
  public:
    explicit AttemptStories(service::Stories& stories) : stories_(stories) {}
    void attempted(const queue::Attempted& attempt) noexcept override;

  private:
    service::Stories& stories_;
};

/// The detail of one event: the recipients of `attempt` that ended with `outcome`.
[[nodiscard]] std::string attempt_detail(const queue::Attempted& attempt, store::QueueOutcome outcome);

} // namespace mail
