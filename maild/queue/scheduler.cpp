#include "maild/queue/scheduler.hpp"

#include "common/base/log.hpp"
#include "common/net/connect.hpp"
#include "maild/queue/probe.hpp"

#include <algorithm>

namespace mail::queue {
namespace {

constexpr Duration look_again = std::chrono::minutes(1);  ///< when nothing is known to be due
constexpr Duration when_congested = std::chrono::milliseconds(200); ///< or when woken by relief
constexpr Duration after_trouble = std::chrono::seconds(1);
constexpr Duration under_load = std::chrono::milliseconds(100); ///< a lease so short ago
constexpr Duration gather = std::chrono::milliseconds(4);
constexpr Duration grace_after_cancel = std::chrono::seconds(2);
constexpr Duration grace_of_finisher = std::chrono::seconds(10);
constexpr Duration paused_look = std::chrono::minutes(2); ///< between looks at what a rule pauses, and spread over half of it

} // namespace

Scheduler::Scheduler(SchedulerServices services, SchedulerOptions options)
    : services_(std::move(services)), options_(std::move(options)), wake_(std::make_shared<async::Signal>()) {
    if (!services_.connect)
        services_.connect = &net::connect_tcp;
    outbound_ = std::make_shared<Outbound>(services_.store, services_.clock, wake_, services_.config,
                                           services_.plan_report);
    outbound_->resolver = services_.resolver;
    outbound_->tls = services_.tls;
    outbound_->pool = services_.pool;
    outbound_->connect = services_.connect;
    outbound_->finisher.set_observer(services_.observer);
    outbound_->options = options_.delivery;
    if (!services_.journal.empty()) {
        auto journal = WorkJournal::open(services_.journal);
        if (journal)
            outbound_->journal = std::move(*journal);
        else
            log(Event::store_error, {{"reason", journal.error().message}, {"what", "the journal of running deliveries"}});
    }
    if (services_.fetch_sts)
        outbound_->sts = std::make_unique<StsPolicies>(services_.clock, services_.fetch_sts, services_.sts_file);
}

Scheduler::~Scheduler() {
    if (started_ && !stopping_)
        stop(Duration::zero());
}

void Scheduler::start() {
    started_ = true;
    services_.store.on_commit([wake = wake_](const store::Changes& changes) {
        if (changes.queue)
            wake->fire();
    });
    own_.spawn(services_.home, outbound_->finisher.run());
    own_.spawn(services_.home, run());
}

Task<Result<Way>> Scheduler::way(std::string sender, std::string recipient) {
    const auto outbound = outbound_; // outlives this scheduler if need be
    auto config = services_.config();
    auto resolver = services_.resolver();
    co_return co_await find_way(std::move(config), std::move(resolver), outbound->sts.get(), std::move(sender), std::move(recipient));
}

Task<Result<void>> Scheduler::probe(std::string sender, std::string recipient, StageWatcher& watcher) {
    auto config = services_.config();
    co_return co_await probe_delivery(outbound_, std::move(config), std::move(sender), std::move(recipient), watcher);
}

void Scheduler::wake() { wake_->fire(); }

Scheduler::Stats Scheduler::stats() const { return {outbound_->board.in_hand(), outbound_->board.connections()}; }

bool Scheduler::stop(Duration at_most) {
    stopping_ = true;
    outbound_->board.close();
    wake_->fire();
    connections_.close();
    const bool clean = connections_.wait(at_most);
    if (!clean) {
        connections_.cancel();
        connections_.wait(grace_after_cancel);
    }
    reports_.close();
    reports_.cancel();
    reports_.wait(grace_after_cancel);
    outbound_->finisher.close();
    own_.close();
    own_.wait(grace_of_finisher);
    return clean;
}

Task<bool> Scheduler::recover() {
    std::vector<store::QueueId> suspects;
    if (outbound_->journal)
        suspects = outbound_->journal->take_left();
    auto count = co_await services_.store.queue().recover_leases(std::move(suspects));
    if (!count)
        log(Event::store_error, {{"reason", count.error().message}, {"what", "recovering the queue"}});
    co_return count.has_value();
}

Task<void> Scheduler::run() {
    bool recovered = false;
    while (!stopping_) {
        Duration pause = after_trouble;
        if (!recovered)
            recovered = co_await recover();
        if (recovered)
            pause = co_await turn();
        if (stopping_)
            break;
        if (pause <= Duration::zero()) {
            co_await async::sleep_for(Duration::zero()); // lets the connections on this thread have their turn
            continue;
        }
        const bool fired = co_await wake_->wait_for(pause);
        // Under load: one lease for the messages of several commits, not one for each.
        if (fired && services_.clock.steady() - last_lease_ < under_load)
            co_await async::sleep_for(gather);
    }
}

/// One look at the queue. Returns how long to sleep unless woken; zero: there is more to do at once.
Task<Duration> Scheduler::turn() {
    const Time now = services_.clock.now();
    const std::size_t limit = std::min(options_.batch, outbound_->board.room());
    Duration pause = look_again;
    if (limit > 0) {
        auto due = co_await services_.store.queue().next_due();
        if (!due)
            co_return after_trouble;
        if (due->has_value() && **due > now) {
            pause = std::min(look_again, **due - now);
        } else if (due->has_value()) {
            auto leased = co_await services_.store.queue().lease(now, now + options_.lease, limit, options_.per_domain);
            if (!leased)
                co_return after_trouble;
            // Due and yet not to be had: held by another lease.
            const bool none = leased->empty();
            if (!none)
                last_lease_ = services_.clock.steady();
            // Asked after the lease: a rule that stood before an item came must hold it.
            const auto config = services_.config();
            const bool congested = take_in_hand(std::move(*leased), now, *config);
            pause = none ? after_trouble : congested ? when_congested : Duration::zero();
        }
    }
    start_connections(services_.config());
    if (auto day = outbound_->tls_reports.take(now))
        reports_.spawn(services_.home, send_tls_reports(std::move(*day)));
    co_return pause;
}

Task<void> Scheduler::send_tls_reports(TlsReports::Day day) {
    const auto config = services_.config();
    const auto resolver = services_.resolver();
    TlsReportInput input;
    input.hostname = config->hostname;
    input.contact = config->postmaster;
    input.begin = day.begin;
    for (const auto& [domain, policies] : day.domains) {
        if (stopping_)
            co_return;
        auto records = co_await resolver->txt("_smtp._tls." + domain);
        if (!records)
            continue;
        for (const std::string& target : tls_report_targets(records->records)) {
            input.domain = domain;
            input.policies = &policies;
            co_await report_tls_to(target, input);
        }
    }
}

Task<void> Scheduler::report_tls_to(std::string target, TlsReportInput input) {
    const auto address = parse_address(target);
    if (!address)
        co_return;
    input.to = target;
    input.now = services_.clock.now();
    auto plan = services_.plan_report(*address, tls_report_message(input));
    if (!plan)
        co_return;
    auto sent = co_await services_.store.mail().accept(std::move(*plan));
    if (sent)
        log(Event::tls_report_sent, {{"domain", input.domain}, {"rcpt", target}});
}

std::optional<AttemptEnd> Scheduler::end_untried(store::QueueItem& item, Time now, const OutboundConfig& config) {
    auto route = config.route_for(item);
    if (is_expired(item, *route, now))
        return expired_end(std::move(item), std::move(route));
    if (auto wait = config.wait_of(item, *route)) {
        if (!wait->is_pause)
            return held_end(std::move(item), std::move(route), std::move(wait->reason));
        const Duration pause = paused_look + paused_look / 120 * (item.id % 60);
        return released_end(std::move(item), std::move(route), pause, std::move(wait->reason));
    }
    if (auto why = config.suppression(item)) {
        AttemptEnd end;
        // RFC 3463 §3.8, 5.7.1: delivery not authorized, message refused.
        end.outcome = smtp_client::own_outcome("5.7.1", std::move(*why));
        end.item = std::move(item);
        end.route = std::move(route);
        return end;
    }
    if (route->rate == 0 && route->sender_rate == 0)
        return std::nullopt;
    const SteadyTime moment = services_.clock.steady();
    Duration pause = pacer_.admit("s" + route->name + "/" + item.envelope.sender, route->sender_rate, moment);
    if (pause <= Duration::zero())
        pause = pacer_.admit("d" + route->name + "/" + (route->is_relay() ? std::string() : item.domain), route->rate, moment);
    if (pause <= Duration::zero())
        return std::nullopt;
    return released_end(std::move(item), std::move(route), pause);
}

bool Scheduler::take_in_hand(std::vector<store::QueueItem> leased, Time now, const OutboundConfig& config) {
    std::vector<AttemptEnd> ends, here;
    std::vector<store::QueueItem> live;
    live.reserve(leased.size());
    for (store::QueueItem& item : leased) {
        if (auto end = end_untried(item, now, config)) {
            ends.push_back(std::move(*end));
        } else if (services_.is_here && services_.is_here(item)) {
            auto route = config.route_for(item);
            here.push_back(AttemptEnd{std::move(item), {}, {}, std::move(route), false, nullptr, AttemptEnd::Kind::tried, {}, nullptr});
        } else {
            live.push_back(std::move(item));
        }
    }
    if (!here.empty())
        own_.spawn(services_.home, deliver_here(std::move(here)));
    const Time start_before = now + options_.lease - options_.lease_margin;
    auto added = outbound_->board.add(std::move(live), config, start_before);
    for (Board::Added::TooMany& one : added.too_many) {
        auto route = config.route_for(one.item);
        ends.push_back(released_end(std::move(one.item), std::move(route), one.pause));
    }
    outbound_->finisher.push(std::move(ends));
    return added.congested;
}

void Scheduler::start_connections(const std::shared_ptr<const OutboundConfig>& config) {
    for (auto& destination : outbound_->board.start(config->connections))
        if (!connections_.spawn(services_.executor(), run_connection(outbound_, destination, config)))
            outbound_->board.ended(destination, true);
}

} // namespace mail::queue
