// Probe: a delivery up to its envelope. The same look-ups, hosts, TLS rules and dialogue as the queue's own (open_link);
// MAIL and RCPT are asked, then RSET and QUIT: nothing is sent. Every stage goes to the watcher.
#pragma once

#include "maild/queue/outbound.hpp"
#include "maild/queue/stages.hpp"

namespace mail::queue {

/// Errors: invalid (an address is malformed); what fails on the way is a stage. `watcher` outlives the call.
[[nodiscard]] Task<Result<void>> probe_delivery(std::shared_ptr<Outbound> outbound, std::shared_ptr<const OutboundConfig> config,
                                                std::string sender, std::string recipient, StageWatcher& watcher);

} // namespace mail::queue
