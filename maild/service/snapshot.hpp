// ConfigSnapshot: the small resource kinds as one immutable value, swapped at commit, so that sessions read configuration
// with no lock and no SQL. A session works with the snapshot it took at the start of a command. Mailboxes, aliases and
// groups are not in it: service/directory looks them up through indexes.
#pragma once

#include "common/async/task.hpp"
#include "common/schema/kinds/certificate.hpp"
#include "common/schema/kinds/domain.hpp"
#include "common/schema/kinds/hold.hpp"
#include "common/schema/kinds/listener.hpp"
#include "common/schema/kinds/pickup.hpp"
#include "common/schema/kinds/policy.hpp"
#include "common/schema/kinds/resolver.hpp"
#include "common/schema/kinds/retention.hpp"
#include "common/schema/kinds/route.hpp"
#include "common/schema/kinds/server.hpp"
#include "common/schema/kinds/suppression.hpp"
#include "maild/service/masquerade.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mail::store {
class Store;
}

namespace mail::service {

struct ConfigSnapshot {
    std::uint64_t revision = 0;
    schema::Server server;     ///< hostname is never empty: the machine's name when none is set
    schema::Resolver resolver;
    schema::Policy policy;
    std::map<std::string, schema::Pickup> pickups;
    Masquerade masquerade; ///< of domains
    std::map<std::string, schema::Listener> listeners;
    std::map<std::string, schema::Certificate> certificates;
    std::map<std::string, schema::Domain> domains; ///< by domain key
    std::map<std::string, schema::Route> routes;
    std::map<std::string, schema::Retention> retentions;
    std::map<std::string, schema::Hold> holds;
    std::map<std::string, schema::Suppression> suppressions; ///< by recipient

    [[nodiscard]] bool is_local(std::string_view domain_key) const;
};

class Config {
  public:
    explicit Config(store::Store& store);

    /// Never null after the first reload(). Thread-safe, lock-free for readers.
    [[nodiscard]] std::shared_ptr<const ConfigSnapshot> current() const { return std::atomic_load(&current_); }
    /// Reads all small kinds from the store and publishes them, then calls the reconcilers in order of registration.
    [[nodiscard]] Task<Result<void>> reload();
    /// Called after every reload with the new snapshot; idempotent, reports its own failures.
    void on_change(std::function<void(const std::shared_ptr<const ConfigSnapshot>&)> reconcile);

  private:
    store::Store& store_;
    std::shared_ptr<const ConfigSnapshot> current_;
    std::vector<std::function<void(const std::shared_ptr<const ConfigSnapshot>&)>> reconcilers_;
};

} // namespace mail::service
