// AdaptiveLimit: how many connections one destination gets at a time. Starts small, grows by one for every full round of
// successes up to limit::per_destination, halves when a connection fails. Pure; the caller brings the lock.
#pragma once

#include "common/base/limits.hpp"

#include <algorithm>

namespace mail::queue {

class AdaptiveLimit {
  public:
    static constexpr unsigned initial = 2;
    explicit AdaptiveLimit(unsigned most = unsigned{limit::per_destination}) : most_(most), now_(std::min(initial, most)) {}

    [[nodiscard]] unsigned value() const noexcept { return now_; }
    /// A message was answered, whatever the answer: the server is there.
    void succeeded() noexcept {
        if (now_ < most_ && ++successes_ >= now_) {
            ++now_;
            successes_ = 0;
        }
    }
    /// A connection could not be opened or broke.
    void failed() noexcept {
        now_ = std::max(1U, now_ / 2);
        successes_ = 0;
    }

  private:
    unsigned most_;
    unsigned now_;
    unsigned successes_ = 0;
};

} // namespace mail::queue
