#include "maild/queue/delivery.hpp"

#include "maild/queue/drop.hpp"
#include "maild/queue/head_source.hpp"
#include "maild/queue/link.hpp"

namespace mail::queue {
namespace {
using smtp_client::Session;

/// Every kept connection of a destination may have died meanwhile; a new one tells the truth.
constexpr unsigned most_resends = 50;

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

smtp_client::Message message_of(const Job& job) {
    smtp_client::Message message;
    message.sender = job.envelope.sender;
    message.envelope_id = job.envelope.envelope_id;
    message.return_headers_only = job.envelope.return_headers_only;
    message.return_full = job.envelope.return_full;
    message.smtputf8 = job.envelope.smtputf8;
    message.eight_bit = job.envelope.eight_bit;
    message.binary = job.envelope.binary;
    message.require_tls = job.envelope.require_tls;
    message.recipients.reserve(job.items.size());
    for (const store::QueueItem& item : job.items)
        message.recipients.push_back({item.recipient, item.original, item.notify});
    return message;
}

/// Between the look at the clock and the end of an attempt: what all its recipients share.
class AttemptWatch {
  public:
    explicit AttemptWatch(const Clock& clock) : clock_(clock), began_(clock.now()) {}
    [[nodiscard]] std::shared_ptr<const AttemptLog> end(const Link& link, std::string transcript) const {
        auto log = std::make_shared<AttemptLog>();
        log->began = began_;
        log->ended = clock_.now();
        log->tls = link.tls;
        log->transcript = std::make_shared<const std::string>(std::move(transcript));
        return log;
    }

  private:
    const Clock& clock_;
    Time began_;
};

void push_all(Outbound& outbound, Job job, const Link& link, const std::shared_ptr<const Route>& route,
              const std::shared_ptr<const AttemptLog>& log) {
    std::vector<AttemptEnd> ends;
    ends.reserve(job.items.size());
    for (store::QueueItem& item : job.items)
        ends.push_back({std::move(item), link.outcome, link.remote, route, false, log});
    outbound.finisher.push(std::move(ends));
}

/// Splits what was sent into ends and a job of those that may go at once in a further transaction.
void push_sent(Outbound& outbound, Destination& destination, Job job, smtp_client::Sent sent, const Link& link,
               const std::shared_ptr<const Route>& route, const std::shared_ptr<const AttemptLog>& log) {
    const Session& session = *link.session;
    const bool passed_on = session.capabilities().dsn;
    Job rest{job.message, job.envelope, job.blob, {}, job.start_before, job.resent};
    std::vector<AttemptEnd> ends;
    ends.reserve(job.items.size());
    for (std::size_t i = 0; i < job.items.size(); ++i) {
        if (sent.outcomes[i].retry_now && session.is_usable())
            rest.items.push_back(std::move(job.items[i]));
        else
            ends.push_back({std::move(job.items[i]), std::move(sent.outcomes[i]), link.remote, route, passed_on, log});
    }
    outbound.finisher.push(std::move(ends));
    if (!rest.items.empty())
        outbound.board.put_back(destination, std::move(rest));
}

/// Back to the store: nothing was tried.
void release(Outbound& outbound, Job job, const std::shared_ptr<const Route>& route, Duration pause) {
    std::vector<AttemptEnd> ends;
    ends.reserve(job.items.size());
    for (store::QueueItem& item : job.items)
        ends.push_back(released_end(std::move(item), route, pause));
    outbound.finisher.push(std::move(ends));
}

/// The message's bytes as they leave; what cannot be read now leaves as it is stored, or fails in the transaction.
Task<smtp_client::Sent> send(Session& session, const smtp_client::Message& message, BlobSource& stored,
                             const OutboundConfig& config) {
    auto head = co_await masqueraded(stored, config.masquerade);
    if (head && *head)
        co_return co_await session.send(message, **head);
    co_return co_await session.send(message, stored);
}

/// False: the session is over.
Task<bool> deliver(Outbound& outbound, Destination& destination, Link& link, Job job, bool kept,
                   const std::shared_ptr<const Route>& route, const OutboundConfig& config) {
    Session& session = *link.session;
    if (outbound.clock.now() > job.start_before) {
        release(outbound, std::move(job), route, Duration::zero());
        co_return true;
    }
    const AttemptWatch watch(outbound.clock);
    const smtp_client::Message message = message_of(job);
    BlobSource source(outbound.store, job.blob, job.items.front().id);
    const WorkJournal::Mark mark(outbound.journal.get(), job.items);
    std::string opening = kept ? std::string() : link.tried + session.transcript();
    auto sent = co_await send(session, message, source, config);
    if (sent.unanswered && kept && job.resent < most_resends) {
        ++job.resent;
        outbound.board.put_back(destination, std::move(job));
        co_return false;
    }
    const std::size_t count = job.items.size();
    const auto log = watch.end(link, kept ? "*: on a connection that was kept open\n" + session.transcript()
                                          : opening + session.transcript());
    push_sent(outbound, destination, std::move(job), std::move(sent), link, route, log);
    if (session.is_usable())
        outbound.board.succeeded(destination, count, outbound.clock.steady());
    else
        outbound.board.failed(destination);
    co_return session.is_usable();
}

Task<void> serve(Outbound& outbound, Seat& seat, Link& link, const std::shared_ptr<const Route>& route,
                 const OutboundConfig& config) {
    const auto waiter = std::make_shared<async::Signal>();
    std::size_t carried = 0;
    bool goes_on = true;
    while (goes_on && carried < outbound.options.messages_per_connection) {
        bool may_linger = false;
        auto job = outbound.board.take(*seat.destination, seat.fresh, waiter, may_linger);
        seat.fresh = false;
        if (job) {
            goes_on = co_await deliver(outbound, *seat.destination, link, std::move(*job), carried > 0, route, config);
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

/// The same for a destination that is a folder.
Task<void> serve_drop(Outbound& outbound, Seat& seat, const std::shared_ptr<const Route>& route) {
    bool may_linger = false;
    for (auto job = outbound.board.take(*seat.destination, seat.fresh, nullptr, may_linger); job;
         job = outbound.board.take(*seat.destination, false, nullptr, may_linger)) {
        seat.fresh = false;
        const AttemptWatch watch(outbound.clock);
        const WorkJournal::Mark mark(outbound.journal.get(), job->items);
        Link link;
        link.outcome = co_await drop(outbound, *job, route->drop);
        link.remote = "drop:" + route->drop;
        if (link.outcome.is_delivered())
            outbound.board.succeeded(*seat.destination, job->items.size(), outbound.clock.steady());
        else
            outbound.board.failed(*seat.destination);
        const auto log = watch.end(link, link.outcome.text + "\n");
        push_all(outbound, std::move(*job), link, route, log);
    }
}

} // namespace

Task<void> run_connection(std::shared_ptr<Outbound> outbound, std::shared_ptr<Destination> destination,
                          std::shared_ptr<const OutboundConfig> config) {
    Seat seat(outbound, destination);
    const auto route = outbound->board.route_of(*destination);
    if (!route->drop.empty()) {
        co_await serve_drop(*outbound, seat, route);
        co_return;
    }
    const AttemptWatch watch(outbound->clock);
    auto link = co_await open_link(*outbound, *config, *route, *destination);
    if (!link.session) {
        outbound->board.failed(*destination);
        auto jobs = outbound->board.take_all_if_last(*destination);
        const auto log = watch.end(link, std::move(link.tried));
        for (Job& job : jobs)
            push_all(*outbound, std::move(job), link, route, log);
        co_return;
    }
    co_await serve(*outbound, seat, link, route, *config);
    co_await link.session->quit();
}

} // namespace mail::queue
