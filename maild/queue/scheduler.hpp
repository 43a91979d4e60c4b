// Scheduler: the outbound queue at work. Leases due items from the store, hands them to the board, starts connections,
// and sleeps until something is due or the store says that the queue has changed. Owned by the server.
// Promises: start() recovers what a former process left; stop() lets running attempts end within a bound, abandons the
// rest (they are tried again), commits what ended and frees all leases. Idle, it costs one look at the store a minute.
#pragma once

#include "maild/queue/delivery.hpp"
#include "maild/queue/pacer.hpp"
#include "maild/queue/stages.hpp"
#include "maild/queue/way.hpp"

namespace mail::queue {

struct SchedulerServices {
    store::Store& store;
    const Clock& clock;
    ConfigSource config;                                      ///< the present configuration; cheap, thread-safe
    std::function<std::shared_ptr<net::Resolver>()> resolver; ///< the present resolver; thread-safe
    ReportPlanner plan_report;                                ///< called on `home`
    async::Executor home;                                     ///< where the scheduler itself runs
    std::function<async::Executor()> executor;                ///< for the next connection
    const net::TlsClient* tls = nullptr;                      ///< null: no TLS
    async::WorkerPool* pool = nullptr;
    Connector connect;                                        ///< empty: net::connect_tcp
    std::string journal;                                      ///< file of the WorkJournal; empty: none
    StsFetch fetch_sts;                                       ///< empty: MTA-STS is not followed
    std::string sts_file;                                     ///< keeps policies over a restart; empty: none
    AttemptObserver* observer = nullptr;                      ///< told of every attempt; outlives the scheduler
    std::function<bool(const store::QueueItem&)> is_here = {}; ///< for one of our own mailboxes; empty: never
    std::function<Result<store::AcceptPlan>(const store::QueueItem&, std::string message)> plan_here = {};
};

struct SchedulerOptions {
    DeliveryOptions delivery;
    Duration lease = std::chrono::minutes(30);
    /// No attempt begins when its lease ends sooner than this: the longest an attempt may take.
    Duration lease_margin = std::chrono::minutes(15);
    std::size_t batch = 1000;
    std::size_t per_domain = 500;
};

class Scheduler {
  public:
    Scheduler(SchedulerServices services, SchedulerOptions options = {});
    ~Scheduler(); ///< stops at once if stop() was not called
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    void start();
    /// Looks at the queue now. Thread-safe.
    void wake();
    /// Call from outside the I/O threads, once. True: every running attempt ended by itself.
    bool stop(Duration at_most);

    struct Stats {
        std::size_t in_hand = 0;  ///< items leased
        unsigned connections = 0; ///< open or being opened
    };
    [[nodiscard]] Stats stats() const;
    /// Where mail would go now. On the caller's executor.
    [[nodiscard]] Task<Result<Way>> way(std::string sender, std::string recipient);
    /// A delivery up to its envelope, told stage by stage. On the caller's executor; `watcher` outlives the call.
    [[nodiscard]] Task<Result<void>> probe(std::string sender, std::string recipient, StageWatcher& watcher);

  private:
    [[nodiscard]] Task<void> run();
    [[nodiscard]] Task<Duration> turn();
    [[nodiscard]] Task<bool> recover();
    /// True when leasing is to slow down.
    bool take_in_hand(std::vector<store::QueueItem> leased, Time now, const OutboundConfig& config);
    /// What keeps an item from being tried now; nullopt: nothing does.
    std::optional<AttemptEnd> end_untried(store::QueueItem& item, Time now, const OutboundConfig& config);
    /// Puts items for our own mailboxes there: messages that their senders wanted to be released later (RFC 4865).
    [[nodiscard]] Task<void> deliver_here(std::vector<AttemptEnd> ends);
    /// Once a day (RFC 8460), beside the schedule: the look-ups may take their time.
    [[nodiscard]] Task<void> send_tls_reports(TlsReports::Day day);
    [[nodiscard]] Task<void> report_tls_to(std::string target, TlsReportInput input);
    void start_connections(const std::shared_ptr<const OutboundConfig>& config);

    SchedulerServices services_;
    SchedulerOptions options_;
    std::shared_ptr<async::Signal> wake_;
    std::shared_ptr<Outbound> outbound_;
    Pacer pacer_; ///< used by take_in_hand() alone
    async::TaskGroup connections_;
    async::TaskGroup own_;
    async::TaskGroup reports_; ///< daily ones; given up at a stop
    std::atomic<bool> stopping_{false};
    bool started_ = false;
    SteadyTime last_lease_{}; ///< used by run() alone
};

} // namespace mail::queue
