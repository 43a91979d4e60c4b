// Finisher: ends attempts in the store, many in one transaction, together with the reports to senders that they cause.
// Connections push ends from any thread; one coroutine settles, reports and commits them. An end is signed off at the
// board only after its commit, so that nothing is lost between a remote's 250 and our own record of it but by a crash
// (then it is delivered again: RFC 1047).
#pragma once

#include "common/mail/address.hpp"
#include "maild/queue/attempt.hpp"
#include "maild/queue/attempt_observer.hpp"
#include "maild/queue/board.hpp"
#include "maild/store/store.hpp"

#include <functional>

namespace mail::queue {

using ConfigSource = std::function<std::shared_ptr<const OutboundConfig>()>;
/// Plans a report to a sender: local mailboxes or queue entries. not_found when nobody is there.
using ReportPlanner = std::function<Result<store::AcceptPlan>(const Address& sender, std::string message)>;

class Finisher {
  public:
    /// References outlive the finisher.
    Finisher(store::Store& store, const Clock& clock, Board& board, ConfigSource config, ReportPlanner plan_report);
    /// Before run(). `observer` outlives the finisher; null: nobody.
    void set_observer(AttemptObserver* observer) noexcept { observer_ = observer; }
    /// Thread-safe.
    void push(std::vector<AttemptEnd> ends);
    /// Runs until close() was called and everything pushed is committed (or the store refuses for good).
    [[nodiscard]] Task<void> run();
    void close();

  private:
    struct Batch;
    [[nodiscard]] std::vector<AttemptEnd> take();
    [[nodiscard]] Task<void> settle_batch(std::vector<AttemptEnd> ends);
    [[nodiscard]] Task<void> add_reports(Batch& batch);
    [[nodiscard]] Task<void> add_report(Batch& batch, std::vector<std::size_t> members, DsnAction action);
    [[nodiscard]] Task<Result<store::AcceptPlan>> plan(const Batch& batch, const std::vector<std::size_t>& members,
                                                       DsnAction action, const std::string& to);
    [[nodiscard]] Task<void> add_double_bounce(Batch& batch, std::size_t member);
    [[nodiscard]] Task<bool> commit(const Batch& batch);
    void tell(const Batch& batch) const;
    [[nodiscard]] bool is_closed() const;

    store::Store& store_;
    const Clock& clock_;
    Board& board_;
    ConfigSource config_;
    ReportPlanner plan_report_;
    AttemptObserver* observer_ = nullptr;
    async::Signal pushed_;
    mutable std::mutex mutex_;
    std::deque<std::vector<AttemptEnd>> waiting_;
    bool closed_ = false;
};

} // namespace mail::queue
