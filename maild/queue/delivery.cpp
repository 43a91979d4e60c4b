#include "maild/queue/delivery.hpp"

#include "common/base/log.hpp"
#include "common/net/tls_context.hpp"

#include <atomic>

namespace mail::queue {
namespace {
using smtp_client::Outcome;
using smtp_client::own_outcome;
using smtp_client::Session;

/// Every kept connection of a destination may have died meanwhile; a new one tells the truth.
constexpr unsigned most_resends = 50;
constexpr std::uint16_t submissions_port = 465; // RFC 8314 §7.3: TLS from the first byte

/// Gives the connection back to the board, however its coroutine ends.
struct Seat {
    std::shared_ptr<Outbound> outbound;
    std::shared_ptr<Destination> destination;
    bool fresh = true; ///< on its way to take()
    Seat(std::shared_ptr<Outbound> the_outbound, std::shared_ptr<Destination> the_destination)
        : outbound(std::move(the_outbound)), destination(std::move(the_destination)) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { outbound->board.ended(destination, fresh); }
};

/// A queued message's bytes out of the store.
class BlobSource final : public smtp_client::MessageSource {
  public:
    BlobSource(store::Store& store, const store::BlobRef& blob, store::QueueId id) : store_(store), blob_(blob), id_(id) {}
    std::uint64_t size() const noexcept override { return blob_.length; }
    Task<Result<std::string>> read(std::uint64_t offset, std::uint64_t length) override {
        auto bytes = co_await store_.mail().read(blob_, offset, length);
        if (bytes || bytes.error().code != ErrorCode::not_found)
            co_return bytes;
        // Compaction has moved it; the row knows where.
        MAIL_CO_TRY(const store::QueueItem item, co_await store_.queue().item(id_));
        blob_ = item.blob;
        co_return co_await store_.mail().read(blob_, offset, length);
    }

  private:
    store::Store& store_;
    store::BlobRef blob_;
    store::QueueId id_;
};

/// An open session, or why there is none.
struct Link {
    std::unique_ptr<Session> session;
    Outcome outcome;
    std::string remote;
};

smtp_client::SessionOptions session_options(const Outbound& outbound, const OutboundConfig& config, const Route& route,
                                            const Target& target, TlsPolicy tls) {
    smtp_client::SessionOptions options;
    options.ehlo = route.ehlo.empty() ? config.hostname : route.ehlo;
    options.tls = tls;
    options.implicit_tls = route.is_relay() && target.port == submissions_port;
    options.tls_client = outbound.tls;
    options.server_name = target.host;
    options.user = route.user;
    options.password = route.password;
    options.pool = outbound.pool;
    options.timeouts = outbound.options.timeouts;
    return options;
}

Task<Link> try_target(Outbound& outbound, const OutboundConfig& config, const Route& route, const Target& target) {
    Link link;
    link.remote = target.host + "[" + target.address + "]:" + std::to_string(target.port);
    TlsPolicy tls = route.tls;
    for (;;) {
        auto stream = co_await outbound.connect(target.address, target.port, outbound.options.connect, route.source);
        if (!stream) {
            // RFC 3463 §3.5, 4.4.1: no answer from host.
            link.outcome = own_outcome("4.4.1", "connect: " + stream.error().message);
            co_return link;
        }
        auto session = std::make_unique<Session>(std::move(*stream), session_options(outbound, config, route, target, tls));
        auto opened = co_await session->open();
        link.outcome = std::move(opened.outcome);
        if (link.outcome.is_delivered()) {
            link.session = std::move(session);
            co_return link;
        }
        if (!opened.tls_failed)
            co_return link;
        log(Event::tls_failed, {{"remote", link.remote}, {"reason", link.outcome.text}});
        // RFC 7435 §3: opportunistic means plain where encrypted does not work, on a new connection.
        if (tls != TlsPolicy::opportunistic || (route.is_relay() && target.port == submissions_port))
            co_return link;
        tls = TlsPolicy::none;
        if (!route.user.empty())
            co_return link; // no password without the encryption that was there to be had
    }
}

std::uint64_t next_seed(const Clock& clock) {
    static std::atomic<std::uint64_t> turn{1};
    return static_cast<std::uint64_t>(to_micros(clock.now())) * 31 + turn.fetch_add(0x9E3779B97F4A7C15ULL);
}

Task<Link> open_link(Outbound& outbound, const OutboundConfig& config, const Route& route, const Destination& destination) {
    Link link;
    const auto resolver = outbound.resolver();
    const auto found = co_await find_targets(*resolver, route, destination.domain, config.own, next_seed(outbound.clock));
    if (found.problem) {
        link.outcome = *found.problem;
        co_return link;
    }
    const SteadyTime end = outbound.clock.steady() + outbound.options.connect_all;
    bool first = true;
    for (const Target& target : found.targets) {
        if (!first && (outbound.clock.steady() >= end || outbound.board.is_closed()))
            break;
        auto next = co_await try_target(outbound, config, route, target);
        if (next.session)
            co_return next;
        // One host that never takes mail does not speak for the others.
        if (first || link.outcome.is_permanent())
            link = std::move(next);
        else if (!next.outcome.is_permanent())
            link = std::move(next);
        first = false;
    }
    co_return link;
}

smtp_client::Message message_of(const Job& job) {
    smtp_client::Message message;
    message.sender = job.envelope.sender;
    message.envelope_id = job.envelope.envelope_id;
    message.return_headers_only = job.envelope.return_headers_only;
    message.smtputf8 = job.envelope.smtputf8;
    message.eight_bit = job.envelope.eight_bit;
    message.binary = job.envelope.binary;
    message.require_tls = job.envelope.require_tls;
    message.recipients.reserve(job.items.size());
    for (const store::QueueItem& item : job.items)
        message.recipients.push_back({item.recipient, item.original, item.notify});
    return message;
}

void push_all(Outbound& outbound, Job job, const Outcome& outcome, const std::string& remote,
              const std::shared_ptr<const Route>& route) {
    std::vector<AttemptEnd> ends;
    ends.reserve(job.items.size());
    for (store::QueueItem& item : job.items)
        ends.push_back({std::move(item), outcome, remote, route, false});
    outbound.finisher.push(std::move(ends));
}

/// Splits what was sent into ends and a job of those that may go at once in a further transaction.
void push_sent(Outbound& outbound, Destination& destination, Job job, smtp_client::Sent sent, const Session& session,
               const std::string& remote, const std::shared_ptr<const Route>& route) {
    const bool passed_on = session.capabilities().dsn;
    Job rest{job.message, job.envelope, job.blob, {}, job.start_before, job.resent};
    std::vector<AttemptEnd> ends;
    ends.reserve(job.items.size());
    for (std::size_t i = 0; i < job.items.size(); ++i) {
        if (sent.outcomes[i].retry_now && session.is_usable())
            rest.items.push_back(std::move(job.items[i]));
        else
            ends.push_back({std::move(job.items[i]), std::move(sent.outcomes[i]), remote, route, passed_on});
    }
    outbound.finisher.push(std::move(ends));
    if (!rest.items.empty())
        outbound.board.put_back(destination, std::move(rest));
}

/// False: the session is over.
Task<bool> deliver(Outbound& outbound, Destination& destination, const Link& link, Job job, bool kept,
                   const std::shared_ptr<const Route>& route) {
    Session& session = *link.session;
    if (outbound.clock.now() > job.start_before) {
        push_all(outbound, std::move(job), own_outcome("4.4.5", "too much mail waits for this destination"), {}, route);
        co_return true;
    }
    const smtp_client::Message message = message_of(job);
    BlobSource source(outbound.store, job.blob, job.items.front().id);
    auto sent = co_await session.send(message, source);
    if (sent.unanswered && kept && job.resent < most_resends) {
        ++job.resent;
        outbound.board.put_back(destination, std::move(job));
        co_return false;
    }
    const std::size_t count = job.items.size();
    push_sent(outbound, destination, std::move(job), std::move(sent), session, link.remote, route);
    if (session.is_usable())
        outbound.board.succeeded(destination, count, outbound.clock.steady());
    else
        outbound.board.failed(destination);
    co_return session.is_usable();
}

Task<void> serve(Outbound& outbound, Seat& seat, const Link& link, const std::shared_ptr<const Route>& route) {
    const auto waiter = std::make_shared<async::Signal>();
    std::size_t carried = 0;
    bool goes_on = true;
    while (goes_on && carried < outbound.options.messages_per_connection) {
        bool may_linger = false;
        auto job = outbound.board.take(*seat.destination, seat.fresh, waiter, may_linger);
        seat.fresh = false;
        if (job) {
            goes_on = co_await deliver(outbound, *seat.destination, link, std::move(*job), carried > 0, route);
            ++carried;
        } else if (may_linger) {
            const bool fired = co_await waiter->wait_for(outbound.options.linger);
            (void)fired; // the board knows better: both may have happened
            goes_on = !outbound.board.stop_waiting(*seat.destination, waiter);
            seat.fresh = goes_on;
        } else {
            goes_on = false;
        }
    }
}

} // namespace

Task<void> run_connection(std::shared_ptr<Outbound> outbound, std::shared_ptr<Destination> destination,
                          std::shared_ptr<const OutboundConfig> config) {
    Seat seat(outbound, destination);
    const auto route = outbound->board.route_of(*destination);
    auto link = co_await open_link(*outbound, *config, *route, *destination);
    if (!link.session) {
        outbound->board.failed(*destination);
        for (Job& job : outbound->board.take_all_if_last(*destination))
            push_all(*outbound, std::move(job), link.outcome, link.remote, route);
        co_return;
    }
    co_await serve(*outbound, seat, link, route);
    co_await link.session->quit();
}

} // namespace mail::queue
