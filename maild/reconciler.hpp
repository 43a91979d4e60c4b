// Reconciler: after every commit that changed resources, makes the running server what the configuration says: reloads
// the snapshot (whose reconcilers open listeners and load certificates) and ends sessions of mailboxes that may no longer
// sign in. One coroutine, so reconciling never runs twice at once.
#pragma once

#include "common/async/signal.hpp"
#include "maild/service/sign_in.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/store/change_model.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace mail {

class Reconciler {
  public:
    Reconciler(service::Config& config, service::SignIn& sign_in);
    /// Takes note of a commit; runs on the store's thread.
    void note(const store::Changes& changes);
    /// Everything again, for SIGHUP: files of certificates are read anew. Returns once that is done.
    [[nodiscard]] Task<void> reload();
    /// Until stop().
    [[nodiscard]] Task<void> run();
    void stop();
    /// Returns once the configuration of `revision` is in force.
    [[nodiscard]] Task<void> settle(std::uint64_t revision);

  private:
    struct Waiter {
        std::uint64_t revision;
        async::Completion<bool> done;
    };
    void answer(std::uint64_t revision);

    service::Config& config_;
    service::SignIn& sign_in_;
    async::Signal wake_;
    std::mutex mutex_;
    store::Changes pending_;
    std::vector<Waiter> waiters_;
    std::vector<async::Completion<bool>> reloading_;
    std::uint64_t reconciled_ = 0;
    bool stopping_ = false;
};

} // namespace mail
