// Board: the work in hand. Leased items stand here as jobs, grouped by destination; connections take them from here.
// Decides how many connections a destination gets, which items are too many to keep in hand, and who may linger.
// Thread-safe and without coroutines; the scheduler adds, connections take, the finisher signs off.
// Promises: an item is in hand at most once; items and connections are bounded in all and by destination, so that a dead
// host holds neither memory nor connections of the others (faults O16).
#pragma once

#include "common/async/signal.hpp"
#include "maild/queue/adaptive_limit.hpp"
#include "maild/queue/outbound_config.hpp"
#include "maild/smtp_client/message.hpp"
#include "maild/store/queue_model.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace mail::queue {

/// One message for some recipients of one destination.
struct Job {
    Id message;
    store::Envelope envelope;
    store::BlobRef blob;
    std::vector<store::QueueItem> items; ///< 1 to smtp_client::most_recipients
    Time start_before{};                 ///< later the lease might end during the attempt
    unsigned resent = 0;                 ///< kept connections that were lost under it
};

/// A relay, or the exchangers of one domain. All but `key` and `domain` are the board's to touch.
class Destination {
  public:
    Destination(std::string the_key, std::string the_domain, unsigned most)
        : key(std::move(the_key)), domain(std::move(the_domain)), limit_(most) {}
    const std::string key;    ///< route name, or route name and domain
    const std::string domain; ///< whose exchangers; for a relay the first domain seen

  private:
    friend class Board;
    std::shared_ptr<const Route> route_;
    std::deque<Job> waiting_;
    std::size_t waiting_items_ = 0;
    AdaptiveLimit limit_;
    unsigned connections_ = 0; ///< starting, busy and idle
    unsigned starting_ = 0;    ///< on their way to their next take()
    std::vector<std::shared_ptr<async::Signal>> idle_;
    bool listed_ = false; ///< in Board::ready_
    SteadyTime window_start_{};
    std::size_t window_count_ = 0;
    double rate_ = 0;      ///< items a second of the last window
    bool failing_ = false; ///< the last that was heard of it was a failure
};

class Board {
  public:
    static constexpr std::size_t most_items = 20'000;

    /// `wake` tells the scheduler that there may be connections to start or room for items.
    explicit Board(std::shared_ptr<async::Signal> wake) : wake_(std::move(wake)) {}

    /// Items that may be leased now.
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] std::size_t in_hand() const;
    [[nodiscard]] unsigned connections() const;

    struct Added {
        struct TooMany {
            store::QueueItem item;
            Duration pause; ///< until the destination may have room
        };
        std::vector<TooMany> too_many; ///< for their destination: they go back to the store untried
        bool congested = false; ///< a destination has much in hand: lease slowly, or when woken
    };
    /// Takes leased items in hand; those that are in hand already are ignored. The caller has dealt with expired ones.
    [[nodiscard]] Added add(std::vector<store::QueueItem> items, const OutboundConfig& config, Time start_before);
    /// Destinations that need one more connection each (one may stand there several times). Each returned entry counts
    /// as a connection until ended().
    [[nodiscard]] std::vector<std::shared_ptr<Destination>> start(unsigned most_connections);
    [[nodiscard]] std::shared_ptr<const Route> route_of(const Destination& destination) const;

    /// The next job. `fresh`: the connection was just started or woken. With none: nullopt, and when `waiter` is given and
    /// lingering makes sense it is fired once a job comes (then take with `fresh`).
    [[nodiscard]] std::optional<Job> take(Destination& destination, bool fresh,
                                          const std::shared_ptr<async::Signal>& waiter, bool& may_linger);
    /// The waiter has given up. False: it was fired meanwhile, so take() with `fresh` is due.
    [[nodiscard]] bool stop_waiting(Destination& destination, const std::shared_ptr<async::Signal>& waiter);
    void put_back(Destination& destination, Job job);
    /// Everything that waits, when no other connection of the destination is left to try; else nothing.
    [[nodiscard]] std::vector<Job> take_all_if_last(Destination& destination);

    void succeeded(Destination& destination, std::size_t items, SteadyTime now);
    void failed(Destination& destination);
    /// The connection is gone. `fresh` as in take(): it never got to its take().
    void ended(const std::shared_ptr<Destination>& destination, bool fresh);
    /// Their attempts are over and committed.
    void finished(std::span<const store::AttemptResult> results);
    /// No further job is given out and nobody lingers.
    void close();
    [[nodiscard]] bool is_closed() const;

  private:
    std::shared_ptr<Destination>& destination_for(const store::QueueItem& item, const OutboundConfig& config);
    [[nodiscard]] std::size_t capacity(const Destination& destination) const;
    [[nodiscard]] static Duration time_to_room(const Destination& destination, const store::QueueItem& item);
    void list(const std::shared_ptr<Destination>& destination);
    void wake_idle(Destination& destination);
    void sweep();

    std::shared_ptr<async::Signal> wake_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Destination>> destinations_;
    std::unordered_set<store::QueueId> in_hand_;
    std::deque<std::shared_ptr<Destination>> ready_;
    unsigned connections_ = 0;
    bool starved_ = false; ///< ready_ waits for a connection of others to end
    bool closed_ = false;
};

} // namespace mail::queue
