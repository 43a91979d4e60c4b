// Delivery: one connection to one destination, from the look-up of its hosts to QUIT. Takes job after job from the board
// while there are any, lingers a moment for more, and pushes every recipient's end to the finisher.
// Spawned by the scheduler, one coroutine for each connection, on any I/O thread.
#pragma once

#include "maild/queue/outbound.hpp"

namespace mail::queue {

/// `destination` counts as connected at the board already; this gives it back at the end.
[[nodiscard]] Task<void> run_connection(std::shared_ptr<Outbound> outbound, std::shared_ptr<Destination> destination,
                                        std::shared_ptr<const OutboundConfig> config);

} // namespace mail::queue
