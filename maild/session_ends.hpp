// SessionEnds: how the server tells every session of every protocol that it is to end. Each connection is entered by its
// stream's ender() when it begins; end_all() uses them. What a session says then is its protocol's business. Thread-safe.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace mail {

class SessionEnds : public std::enable_shared_from_this<SessionEnds> {
  public:
    using Token = std::shared_ptr<void>;
    /// `ender` may be called, from any thread, while the token lives; at once when end_all() came first.
    [[nodiscard]] Token add(std::function<void()> ender) {
        const std::lock_guard lock(mutex_);
        if (ending_)
            ender();
        const auto place = enders_.insert(enders_.end(), std::move(ender));
        return {this, [self = shared_from_this(), place](void*) {
                    const std::lock_guard guard(self->mutex_);
                    self->enders_.erase(place);
                }};
    }
    void end_all() {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const auto& ender : enders_)
            ender();
    }

  private:
    std::mutex mutex_;
    std::list<std::function<void()>> enders_;
    bool ending_ = false;
};

} // namespace mail
