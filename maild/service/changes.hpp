// ChangeBus: every committed change, told to whoever subscribed: IDLE and open sessions by folder or account, the queue
// scheduler, admin watchers, caches. publish() runs on the store's thread after each commit and only hands over; a
// subscriber is woken on its own executor through its Signal and then looks for itself.
#pragma once

#include "common/async/signal.hpp"
#include "maild/store/change_model.hpp"

#include <functional>
#include <memory>

namespace mail::service {

class ChangeBus {
  public:
    ChangeBus();
    ~ChangeBus();

    /// Keeps a subscription alive; may be dropped on any thread.
    using Token = std::shared_ptr<void>;

    /// `signal` fires after each change of `folder`. `signal` outlives the token.
    [[nodiscard]] Token watch_folder(store::FolderId folder, async::Signal& signal);
    /// `signal` fires after each change in any folder of `account`, folders themselves included.
    [[nodiscard]] Token watch_account(store::AccountId account, async::Signal& signal);
    /// Called on the store's thread after each commit; must be quick and never call the store.
    [[nodiscard]] Token watch_all(std::function<void(const store::Changes&)> listener);

    /// Given to Store::on_commit.
    void publish(const store::Changes& changes);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace mail::service
