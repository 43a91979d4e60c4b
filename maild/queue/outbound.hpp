// Outbound: what every outgoing connection works with. Made by the scheduler, shared by the connections so that it
// outlives them all. Thread-safe as far as its members are; the options never change.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/queue/board.hpp"
#include "maild/queue/finisher.hpp"
#include "maild/queue/mta_sts.hpp"
#include "maild/queue/tls_report.hpp"
#include "maild/queue/work_journal.hpp"
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
    std::unique_ptr<StsPolicies> sts; ///< null: MTA-STS is not followed
    TlsReports tls_reports;
    std::unique_ptr<WorkJournal> journal; ///< null: crashes are not counted
    DeliveryOptions options;
    Board board;
    Finisher finisher;
};

} // namespace mail::queue
