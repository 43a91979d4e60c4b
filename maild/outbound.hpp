// Outbound: the queue's scheduler joined to this server: configuration, resolver, TLS, reports. Reconciled like listeners.
#pragma once

#include "maild/service/changes.hpp"
#include "maild/service/snapshot.hpp"

#include <memory>
#include <mutex>
#include <optional>

namespace mail::async {
class Runtime;
class WorkerPool;
} // namespace mail::async
namespace mail::net {
class Resolver;
class TlsClient;
} // namespace mail::net
namespace mail::queue {
class AttemptObserver;
struct OutboundConfig;
class Scheduler;
class StageWatcher;
struct Way;
} // namespace mail::queue
namespace mail::service {
class Delivery;
}

namespace mail {

class Outbound {
  public:
    Outbound(store::Store& store, service::Delivery& delivery, service::ChangeBus& bus,
             async::Runtime& runtime, async::WorkerPool& pool, const Clock& clock, std::string data_dir);
    /// Told of every attempt; before start(), outlives this.
    void set_observer(queue::AttemptObserver& observer) noexcept { observer_ = &observer; }
    ~Outbound();
    /// Routes, names and name servers of this snapshot from now on.
    void reconcile(const std::shared_ptr<const service::ConfigSnapshot>& snapshot);
    /// After the first reconcile().
    [[nodiscard]] Result<void> start();
    /// Where mail would go now. Errors: unavailable (nothing leaves yet), invalid.
    [[nodiscard]] Task<Result<queue::Way>> way(std::string sender, std::string recipient);
    /// A delivery up to its envelope, stage by stage. Errors: unavailable, invalid. `watcher` outlives the call.
    [[nodiscard]] Task<Result<void>> probe(std::string sender, std::string recipient, queue::StageWatcher& watcher);
    /// Running attempts may end for a moment; the rest is tried again after the next start.
    void stop();

  private:
    void renew_resolver(const schema::Resolver& spec);
    /// The present one. Without servers of its own it follows the system's list, which may change while maild runs.
    [[nodiscard]] std::shared_ptr<net::Resolver> resolver();

    store::Store& store_;
    service::Delivery& delivery_;
    service::ChangeBus& bus_;
    async::Runtime& runtime_;
    async::WorkerPool& pool_;
    const Clock& clock_;
    std::string data_dir_;
    std::mutex mutex_;
    std::shared_ptr<const queue::OutboundConfig> config_;
    std::shared_ptr<net::Resolver> resolver_;
    std::optional<schema::Resolver> resolver_spec_;
    queue::AttemptObserver* observer_ = nullptr;
    std::string resolver_stamp_; ///< of the system's list that it was made with
    SteadyTime looked_{};        ///< at that list
    std::unique_ptr<net::TlsClient> tls_;
    std::unique_ptr<queue::Scheduler> scheduler_;
    service::ChangeBus::Token token_;
};

} // namespace mail
