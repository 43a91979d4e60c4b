// Stories: keeps what happens to messages beside their acceptance: transactions that were refused, delivery attempts, what
// administrators did. Sessions and the queue hand in values and never wait; one coroutine writes them to the store in
// slices and gives finished blocks of stories their search filters; housekeeping lets old ones go. Owned by the server.
// Promises: bounded in memory (limit::story_pending, then dropped and counted) and, for refusals, in rate, so that a flood
// of them neither fills the store nor pushes out other stories. Thread-safe.
#pragma once

#include "common/async/signal.hpp"
#include "maild/service/delivery.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <string_view>

namespace mail::service {

class Stories final : public StorySink {
  public:
    Stories(store::Store& store, const Clock& clock);
    Stories(const Stories&) = delete;
    Stories& operator=(const Stories&) = delete;

    /// A transaction that ended with nothing accepted. `address` is the peer's, for the rate.
    void refused(store::Story story, std::string_view address) override;
    void happened(store::StoryEvent event);
    /// Runs until close() was called and what was handed in by then is written.
    [[nodiscard]] Task<void> run();
    void close();

    struct Counts {
        std::uint64_t dropped = 0; ///< events and refusals that came too fast
        std::size_t waiting = 0;
    };
    [[nodiscard]] Counts counts() const;

  private:
    /// At most so many tokens, filled again over time.
    struct Bucket {
        double tokens = 0;
        SteadyTime filled{};
        bool is_new = true;
        bool take(double most, double per_second, SteadyTime now);
    };
    struct Waiting {
        std::vector<store::Story> stories;
        std::vector<store::StoryEvent> events;
        [[nodiscard]] std::size_t size() const noexcept { return stories.size() + events.size(); }
    };
    [[nodiscard]] bool is_closed() const;
    [[nodiscard]] bool admit(std::string_view address);
    void drop();
    [[nodiscard]] Waiting take();
    [[nodiscard]] Task<void> write(Waiting slice);
    /// Search filters for blocks that are complete.
    [[nodiscard]] Task<void> index();

    store::Store& store_;
    const Clock& clock_;
    async::Signal wake_;
    mutable std::mutex mutex_;
    Waiting waiting_;
    Bucket all_refusals_;
    std::array<Bucket, 1024> refusals_; ///< by hash of the peer's address: two peers may share one
    std::atomic<std::uint64_t> dropped_{0};
    SteadyTime drop_told_{}; ///< when the log last heard of drops
    bool closed_ = false;
};

} // namespace mail::service
