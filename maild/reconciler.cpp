#include "maild/reconciler.hpp"

#include "common/base/log.hpp"

#include <algorithm>

namespace mail {

Reconciler::Reconciler(service::Config& config, service::SignIn& sign_in) : config_(config), sign_in_(sign_in) {}

void Reconciler::note(const store::Changes& changes) {
    if (changes.revision == 0)
        return;
    {
        const std::lock_guard lock(mutex_);
        pending_.revision = std::max(pending_.revision, changes.revision);
        pending_.resources.insert(pending_.resources.end(), changes.resources.begin(), changes.resources.end());
    }
    wake_.fire();
}

Task<void> Reconciler::reload() {
    async::Completion<bool> done;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_)
            co_return;
        reloading_.push_back(done);
    }
    wake_.fire();
    const auto reloaded = co_await done.get();
    static_cast<void>(reloaded);
}

void Reconciler::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.fire();
}

Task<void> Reconciler::run() {
    std::vector<async::Completion<bool>> reloading;
    for (;;) {
        co_await wake_.wait();
        store::Changes changes;
        {
            const std::lock_guard lock(mutex_);
            reloading = std::exchange(reloading_, {});
            if (stopping_)
                break;
            changes = std::exchange(pending_, {});
        }
        const auto reloaded = co_await config_.reload();
        if (!reloaded)
            log(Event::store_error, {{"reason", reloaded.error().message}});
        sign_in_.recheck(changes);
        answer(std::max(changes.revision, config_.current()->revision));
        for (const auto& done : reloading)
            done.set(true);
    }
    answer(UINT64_MAX);
    for (const auto& done : reloading)
        done.set(true);
}

void Reconciler::answer(std::uint64_t revision) {
    std::vector<Waiter> ready;
    {
        const std::lock_guard lock(mutex_);
        reconciled_ = std::max(reconciled_, revision);
        const auto waiting = [&](const Waiter& w) { return w.revision > revision; };
        const auto split = std::stable_partition(waiters_.begin(), waiters_.end(), waiting);
        ready.assign(split, waiters_.end());
        waiters_.erase(split, waiters_.end());
    }
    for (const auto& waiter : ready)
        waiter.done.set(true);
}

Task<void> Reconciler::settle(std::uint64_t revision) {
    Waiter waiter{revision, {}};
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || reconciled_ >= revision)
            co_return;
        waiters_.push_back(waiter);
    }
    const auto done = co_await waiter.done.get();
    static_cast<void>(done);
}

} // namespace mail
