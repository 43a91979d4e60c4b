// All of the configuration that the queue works with, as one immutable value. Built from a ConfigSnapshot by the server's
// composition, or by hand in tests. Built anew at every change of configuration; a delivery keeps what it began with.
#pragma once

#include "common/base/limits.hpp"
#include "maild/queue/route_table.hpp"
#include "maild/queue/targets.hpp"

#include <memory>

namespace mail::service {
struct ConfigSnapshot;
}

namespace mail::queue {

struct OutboundConfig {
    std::string hostname = "localhost"; ///< EHLO name and Reporting-MTA
    std::string postmaster;             ///< From of reports
    RouteTable routes;
    OwnNames own;
    unsigned connections = unsigned{limit::outbound_connections};
    unsigned per_destination = unsigned{limit::per_destination};
};

/// Routes with a bad relay are left out (the schema has checked them). Asks the system for its addresses.
[[nodiscard]] std::shared_ptr<const OutboundConfig> make_outbound_config(const service::ConfigSnapshot& snapshot);

} // namespace mail::queue
