#include "maild/queue/link.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/net/tls_context.hpp"
#include "maild/queue/tls_plan.hpp"
#include "maild/queue/way.hpp"

#include <atomic>

namespace mail::queue {
namespace {
using smtp_client::Session;
using smtp_client::own_outcome;

constexpr std::uint16_t submissions_port = 465; // RFC 8314 §7.3: TLS from the first byte
constexpr std::size_t most_tried = 16 * 1024;   ///< bytes of transcript of the hosts that did not do

void note(std::string& tried, std::string_view text) {
    if (tried.size() + text.size() < most_tried)
        tried.append(text);
}

std::string tls_words(const net::TlsInfo* info) {
    if (info == nullptr)
        return {};
    return info->version + " " + info->cipher +
           (info->by_dane ? ", verified by DANE" : info->verified ? ", verified" : ", not verified");
}

/// Everything that is the same for all hosts of one destination.
struct Search {
    Outbound& outbound;
    const OutboundConfig& config;
    const Route& route;
    std::string_view domain;
    std::shared_ptr<net::Resolver> resolver;
    Targets found;
    std::shared_ptr<const StsPolicy> sts;
    StageWatcher* watcher; ///< null for the queue's own deliveries
};

/// Somebody looks on: long enough for a slow server, too short for a person to give up.
smtp_client::Timeouts watched_timeouts() {
    smtp_client::Timeouts timeouts;
    timeouts.greeting = timeouts.ehlo = timeouts.tls = timeouts.auth = timeouts.mail = timeouts.rcpt = std::chrono::seconds(30);
    return timeouts;
}

Task<void> tell(const Search& search, std::string_view name, bool good, std::string host, std::string words,
                std::string dialogue = std::string()) {
    Stage stage{name, good, std::move(host), std::move(words), std::move(dialogue)};
    co_await search.watcher->reached(std::move(stage));
}

std::string words_of(const Targets& found) {
    std::string words = found.secure ? "validated by DNSSEC: " : "";
    for (const Target& target : found.targets)
        words += (&target == &found.targets.front() ? "" : ", ") + target.host + "[" + target.address + "]:" + std::to_string(target.port);
    return words;
}

std::string words_of(const StsPolicy* policy) {
    if (policy == nullptr)
        return "no policy";
    return policy->mode == StsPolicy::Mode::enforce   ? "enforced"
           : policy->mode == StsPolicy::Mode::testing ? "testing"
                                                      : "mode none";
}

smtp_client::SessionOptions session_options(const Search& search, const Target& target, const TlsPlan& plan, TlsPolicy tls) {
    const Outbound& outbound = search.outbound;
    const Route& route = search.route;
    smtp_client::SessionOptions options;
    options.ehlo = route.ehlo.empty() ? search.config.hostname : route.ehlo;
    options.tls = tls;
    options.implicit_tls = target.relay && target.port == submissions_port;
    options.tls_client = outbound.tls;
    options.server_name = plan.server_name;
    options.further_names = plan.further_names;
    options.tlsa = plan.tlsa;
    options.trusted_host = target.relay || search.found.secure ||
                           (search.sts && search.sts->mode == StsPolicy::Mode::enforce && search.sts->allows(target.host));
    if (target.relay) {
        options.user = route.user;
        options.password = route.password;
    }
    options.pool = outbound.pool;
    options.timeouts = search.watcher != nullptr ? watched_timeouts() : outbound.options.timeouts;
    return options;
}

/// For the report to the domain (RFC 8460). Without a policy or a wish for TLS there is nothing to tell.
void count_tls(const Search& search, const Target& target, const TlsPlan& plan, std::string failure) {
    if (target.relay || search.route.tls == TlsPolicy::none || search.domain.starts_with('['))
        return;
    TlsSession session;
    session.domain = search.domain;
    session.host = target.host;
    session.address = target.address;
    session.failure = std::move(failure);
    if (plan.rule == TlsPlan::Rule::dane) {
        session.policy = TlsSession::Policy::tlsa;
        for (const net::TlsaRecord& record : plan.tlsa)
            session.policy_text.push_back(std::to_string(record.usage) + " " + std::to_string(record.selector) + " " +
                                          std::to_string(record.matching) + " " + text::hex(record.data));
    } else if (search.sts && search.sts->mode != StsPolicy::Mode::none) {
        session.policy = TlsSession::Policy::sts;
        for (const std::string_view line : text::split(search.sts->text, '\n'))
            if (!text::trim(line).empty())
                session.policy_text.emplace_back(text::trim(line));
    }
    search.outbound.tls_reports.count(session, search.outbound.clock.now());
}

Task<Link> try_target(const Search& search, const Target& target) {
    Outbound& outbound = search.outbound;
    const Route& route = search.route;
    Link link;
    link.remote = target.host + "[" + target.address + "]:" + std::to_string(target.port);
    const auto plan = co_await plan_tls(*search.resolver, route, search.found, target, search.domain, search.sts.get());
    if (!plan.words.empty())
        note(link.tried, "*: " + target.host + ": " + plan.words + "\n");
    if (search.watcher != nullptr) {
        std::string words = plan.problem ? plan.problem->text : "TLS " + std::string(name_of(plan.policy));
        if (!plan.problem && !plan.words.empty())
            words += ", " + plan.words;
        co_await tell(search, "tlsa", !plan.problem.has_value(), link.remote, std::move(words));
    }
    if (plan.problem) {
        link.outcome = *plan.problem;
        note(link.tried, "*: " + link.outcome.text + "\n");
        count_tls(search, target, plan, plan.rule == TlsPlan::Rule::dane ? "dnssec-invalid" : "validation-failure");
        co_return link;
    }
    TlsPolicy tls = plan.policy;
    for (;;) {
        note(link.tried, "*: connecting to " + link.remote + "\n");
        auto stream = co_await outbound.connect(target.address, target.port, outbound.options.connect, route.source);
        if (!stream) {
            // RFC 3463 §3.5, 4.4.1: no answer from host.
            link.outcome = own_outcome("4.4.1", "connect: " + stream.error().message);
            note(link.tried, "*: " + stream.error().message + "\n");
            if (search.watcher != nullptr)
                co_await tell(search, "connect", false, link.remote, stream.error().message);
            co_return link;
        }
        if (search.watcher != nullptr)
            co_await tell(search, "connect", true, link.remote, "connected");
        auto options = session_options(search, target, plan, tls);
        auto session = std::make_unique<Session>(std::move(*stream), std::move(options));
        auto opened = co_await session->open();
        link.outcome = std::move(opened.outcome);
        const bool is_open = link.outcome.is_delivered();
        if (is_open)
            link.tls = tls_words(session->tls());
        if (search.watcher != nullptr) {
            const std::string words = !is_open ? link.outcome.text : link.tls.empty() ? "open, not encrypted" : "open, " + link.tls;
            co_await tell(search, "session", is_open, link.remote, words, session->transcript());
        }
        if (is_open) {
            if (tls == plan.policy)
                count_tls(search, target, plan, session->tls() != nullptr ? std::string() : tls_failure_of({}, false));
            link.session = std::move(session);
            co_return link;
        }
        note(link.tried, session->transcript());
        note(link.tried, "*: " + link.outcome.text + "\n");
        if (opened.tls_failed || opened.tls_missing)
            count_tls(search, target, plan, tls_failure_of(link.outcome.text, opened.tls_failed));
        if (!opened.tls_failed)
            co_return link;
        log(Event::tls_failed, {{"remote", link.remote}, {"reason", link.outcome.text}});
        // RFC 7435 §3: opportunistic means plain where encrypted does not work, on a new connection.
        if (tls != TlsPolicy::opportunistic || (target.relay && target.port == submissions_port))
            co_return link;
        tls = TlsPolicy::none;
        if (target.relay && !route.user.empty())
            co_return link; // no password without the encryption that was there to be had
    }
}

std::uint64_t next_seed(const Clock& clock) {
    static std::atomic<std::uint64_t> turn{1};
    return static_cast<std::uint64_t>(to_micros(clock.now())) * 31 + turn.fetch_add(0x9E3779B97F4A7C15ULL);
}

} // namespace

Task<Link> open_link(Outbound& outbound, const OutboundConfig& config, const Route& route, const Destination& destination,
                     StageWatcher* watcher) {
    Link link;
    Search search{outbound, config, route, destination.domain, outbound.resolver(), {}, nullptr, watcher};
    search.found = co_await find_targets(*search.resolver, route, destination.domain, config.own, next_seed(outbound.clock));
    if (watcher != nullptr) {
        std::string words = search.found.problem ? search.found.problem->text : words_of(search.found);
        co_await tell(search, "hosts", !search.found.problem.has_value(), std::string(), std::move(words));
    }
    if (search.found.problem) {
        link.outcome = *search.found.problem;
        note(link.tried, "*: " + link.outcome.text + "\n");
        co_return link;
    }
    if (outbound.sts && route.mta_sts && route.tls != TlsPolicy::none && !search.found.targets.front().relay)
        search.sts = co_await outbound.sts->find(search.resolver, destination.domain, route.allow_loopback);
    if (watcher != nullptr && !search.found.targets.front().relay)
        co_await tell(search, "mta-sts", true, std::string(), words_of(search.sts.get()));
    const SteadyTime end = outbound.clock.steady() + outbound.options.connect_all;
    std::string tried;
    bool first = true;
    for (const Target& target : search.found.targets) {
        if (!first && (outbound.clock.steady() >= end || outbound.board.is_closed()))
            break;
        auto next = co_await try_target(search, target);
        note(tried, next.tried);
        next.tried.clear();
        // One host that never takes mail does not speak for the others.
        if (first || next.session || link.outcome.is_permanent() || !next.outcome.is_permanent())
            link = std::move(next);
        if (link.session)
            break;
        first = false;
    }
    link.tried = std::move(tried);
    co_return link;
}

} // namespace mail::queue
