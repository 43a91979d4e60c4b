// All of the configuration that the queue works with, as one immutable value. Built from a ConfigSnapshot by the server's
// composition, or by hand in tests. Built anew at every change of configuration; a delivery keeps what it began with.
#pragma once

#include "common/base/limits.hpp"
#include "maild/queue/route_table.hpp"
#include "maild/queue/targets.hpp"
#include "maild/service/masquerade.hpp"
#include "maild/store/queue_model.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>

namespace mail::service {
struct ConfigSnapshot;
}

namespace mail::queue {

struct OutboundConfig {
    std::string hostname = "localhost"; ///< EHLO name and Reporting-MTA
    std::string postmaster;             ///< From of reports
    service::Masquerade masquerade;     ///< what From shows on the way out
    RouteTable routes;
    OwnNames own;
    struct HoldRule {
        std::string name;
        std::string reason;
        AddressPatterns recipients; ///< empty: all; so too the others
        AddressPatterns senders;
        std::set<std::string, std::less<>> routes;
        bool is_pause = false; ///< what waits goes by itself once the rule is gone
    };
    std::vector<HoldRule> holds;
    AddressPatterns suppressed;                                   ///< recipients
    std::map<std::string, std::string, std::less<>> suppressions; ///< pattern to reason
    unsigned connections = unsigned{limit::outbound_connections};
    unsigned per_destination = unsigned{limit::per_destination};

    /// The way of an item: the one an administrator chose, or by domain and sender. Never null.
    [[nodiscard]] std::shared_ptr<const Route> route_for(const store::QueueItem& item) const;
    struct Wait {
        std::string reason;
        bool is_pause = false;
    };
    /// Why an item must wait: until it is released, or as long as the rule stands. Nullopt: it need not, or an
    /// administrator has let it go. Holds count before pauses.
    [[nodiscard]] std::optional<Wait> wait_of(const store::QueueItem& item, const Route& route) const;
    /// Why nothing is sent to its recipient; nullopt: something is.
    [[nodiscard]] std::optional<std::string> suppression(const store::QueueItem& item) const;
};

/// Routes with a bad relay are left out (the schema has checked them). Asks the system for its addresses.
[[nodiscard]] std::shared_ptr<const OutboundConfig> make_outbound_config(const service::ConfigSnapshot& snapshot);

} // namespace mail::queue
