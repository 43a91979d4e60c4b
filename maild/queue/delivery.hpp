// Delivery: one connection to one destination, from the look-up of its hosts to QUIT. Takes job after job from the board
// while there are any, lingers a moment for more, and pushes every recipient's end to the finisher.
// Spawned by the scheduler, one coroutine for each connection, on any I/O thread.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/queue/board.hpp"
#include "maild/queue/finisher.hpp"
#include "maild/smtp_client/session.hpp"

namespace mail::queue {

using Connector = std::function<Task<Result<std::unique_ptr<net::Stream>>>(std::string address, std::uint16_t port,
                                                                           Duration timeout, std::string source)>;

struct DeliveryOptions {
    Duration connect = std::chrono::seconds(30);      ///< for one address
    Duration connect_all = std::chrono::minutes(3);   ///< no further address is tried after it
    Duration linger = std::chrono::seconds(2);        ///< a connection waits so long for another message
    std::size_t messages_per_connection = 1000;
    smtp_client::Timeouts timeouts;
};

/// What every connection works with; shared, so that it outlives them all.
struct Outbound {
    Outbound(store::Store& the_store, const Clock& the_clock, std::shared_ptr<async::Signal> wake, ConfigSource config,
             ReportPlanner plan_report)
        : store(the_store), clock(the_clock), board(std::move(wake)),
          finisher(the_store, the_clock, board, std::move(config), std::move(plan_report)) {}
    store::Store& store;
    const Clock& clock;
    std::function<std::shared_ptr<net::Resolver>()> resolver; ///< the present one; never null
    const net::TlsClient* tls = nullptr;
    async::WorkerPool* pool = nullptr;
    Connector connect;
    DeliveryOptions options;
    Board board;
    Finisher finisher;
};

/// `destination` counts as connected at the board already; this gives it back at the end.
[[nodiscard]] Task<void> run_connection(std::shared_ptr<Outbound> outbound, std::shared_ptr<Destination> destination,
                                        std::shared_ptr<const OutboundConfig> config);

} // namespace mail::queue
