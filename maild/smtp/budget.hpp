// ByteBudget: how many message bytes all sessions together may hold in memory (limit::inflight_bytes). One per server,
// shared by SMTP, submission and LMTP sessions; beyond it a message is answered 452 instead of growing the process.
// Thread-safe. A Lease gives back what it holds when it goes.
#pragma once

#include "common/base/limits.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace mail::smtp {

class ByteBudget {
  public:
    explicit ByteBudget(std::int64_t bytes = limit::inflight_bytes) : left_(bytes) {}
    ByteBudget(const ByteBudget&) = delete;
    ByteBudget& operator=(const ByteBudget&) = delete;

    class Lease {
      public:
        explicit Lease(ByteBudget& budget) : budget_(budget) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { (void)resize(0); }
        /// Holds `bytes` from now on. False: the budget is spent and the lease is as it was.
        [[nodiscard]] bool resize(std::uint64_t bytes) {
            const std::int64_t more = static_cast<std::int64_t>(bytes) - held_;
            if (budget_.left_.fetch_sub(more) < more && more > 0) {
                budget_.left_.fetch_add(more);
                return false;
            }
            held_ = static_cast<std::int64_t>(bytes);
            return true;
        }

      private:
        ByteBudget& budget_;
        std::int64_t held_ = 0;
    };
    [[nodiscard]] std::int64_t left() const noexcept { return left_.load(); }

  private:
    std::atomic<std::int64_t> left_;
};

} // namespace mail::smtp
