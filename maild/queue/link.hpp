// Link: an open SMTP session to one of a destination's hosts, or why there is none. Looks the hosts up, tries one after
// the other, falls back from encrypted to plain where the route lets it. Called by queue/delivery at the start of every
// connection. Promises: bounded in time by DeliveryOptions::connect_all; what was tried is kept in words.
#pragma once

#include "maild/queue/outbound.hpp"
#include "maild/queue/stages.hpp"
#include "maild/queue/targets.hpp"

namespace mail::queue {

struct Link {
    std::unique_ptr<smtp_client::Session> session; ///< null: see outcome
    smtp_client::Outcome outcome;
    std::string remote; ///< "mx.example.org[192.0.2.1]:25" of the session or of the host that `outcome` is about
    std::string tls;    ///< "TLSv1.3 TLS_AES_256_GCM_SHA384, verified"; empty: not encrypted
    std::string tried;  ///< transcript of what came before the session
};

/// Arguments outlive the call. With a watcher every stage is told, and nobody is waited for as long as mail would.
[[nodiscard]] Task<Link> open_link(Outbound& outbound, const OutboundConfig& config, const Route& route,
                                   const Destination& destination, StageWatcher* watcher = nullptr);

} // namespace mail::queue
