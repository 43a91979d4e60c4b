#include "maild/queue/outbound_config.hpp"

#include "common/mail/address.hpp"
#include "maild/service/snapshot.hpp"

#include <algorithm>

namespace mail::queue {
namespace {

TlsPolicy tls_policy(std::string_view word) noexcept {
    return word == "none"       ? TlsPolicy::none
           : word == "required" ? TlsPolicy::required
           : word == "verified" ? TlsPolicy::verified
                                : TlsPolicy::opportunistic;
}

RetryPolicy server_policy(const schema::Server& server) {
    RetryPolicy policy;
    policy.steps = server.retry;
    policy.warn_after = server.delay_warning;
    if (server.expire > Duration::zero())
        policy.expire = server.expire;
    return policy;
}

/// "*.bücher.example" -> "*.xn--bcher-kva.example"
std::string pattern_key(const std::string& pattern) {
    if (pattern == "*")
        return pattern;
    const bool below = pattern.starts_with("*.");
    const auto key = domain_key(below ? pattern.substr(2) : pattern);
    return (below ? "*." : "") + (key ? *key : pattern);
}

Result<Route> make_route(const std::string& name, const schema::Route& spec, const RetryPolicy& policy) {
    Route route;
    route.name = name;
    std::transform(spec.domains.begin(), spec.domains.end(), std::back_inserter(route.domains), pattern_key);
    route.port = static_cast<std::uint16_t>(spec.port);
    route.mx_port = route.port;
    if (!spec.relay.empty()) {
        MAIL_DO(set_relay(route, spec.relay));
    }
    route.drop = spec.drop;
    route.tls = tls_policy(spec.tls);
    route.user = spec.user;
    if (spec.password.form == schema::SecretSetting::Form::value)
        route.password = Secret(spec.password.text);
    route.senders = AddressPatterns(spec.senders);
    route.direct_first = spec.direct_first && route.has_relay();
    route.dane = spec.dane;
    route.mta_sts = spec.mta_sts;
    route.connections = static_cast<unsigned>(spec.connections);
    route.rate = static_cast<unsigned>(spec.rate);
    route.sender_rate = static_cast<unsigned>(spec.sender_rate);
    route.allow_loopback = spec.allow_loopback;
    route.source = spec.source;
    route.ehlo = spec.ehlo;
    route.retry = policy;
    if (!spec.retry.empty())
        route.retry.steps = spec.retry;
    if (spec.expire > Duration::zero())
        route.retry.expire = spec.expire;
    if (spec.delay_warning > Duration::zero())
        route.retry.warn_after = spec.delay_warning;
    return route;
}

/// What a domain drops goes a way of its own; its name is none that a route resource may have.
Route drop_route(const std::string& domain, const schema::Domain& spec, const RetryPolicy& policy) {
    Route route;
    route.name = "drop:" + domain;
    route.domains = {domain};
    route.drop = spec.drop;
    route.retry = policy;
    return route;
}

OutboundConfig::HoldRule make_hold(const std::string& name, const schema::Hold& spec) {
    OutboundConfig::HoldRule rule;
    rule.name = name;
    rule.reason = spec.reason;
    rule.recipients = AddressPatterns(spec.recipients);
    rule.senders = AddressPatterns(spec.senders);
    rule.routes.insert(spec.routes.begin(), spec.routes.end());
    rule.is_pause = spec.action == "pause";
    return rule;
}

void add_suppressions(OutboundConfig& config, const service::ConfigSnapshot& snapshot) {
    std::vector<std::string> patterns;
    for (const auto& [recipient, spec] : snapshot.suppressions) {
        if (!spec.enabled)
            continue;
        patterns.push_back(recipient);
        config.suppressions.emplace(recipient, spec.reason);
    }
    config.suppressed = AddressPatterns(patterns);
}

bool fits(const AddressPatterns& patterns, std::string_view address) {
    return patterns.empty() || patterns.fit(address_keys(address)) != AddressPatterns::Fit::none;
}

} // namespace

std::shared_ptr<const Route> OutboundConfig::route_for(const store::QueueItem& item) const {
    if (item.route_chosen)
        if (auto chosen = routes.named(item.route))
            return chosen;
    return routes.match(item.domain, item.envelope.sender);
}

std::optional<OutboundConfig::Wait> OutboundConfig::wait_of(const store::QueueItem& item, const Route& route) const {
    std::optional<Wait> pause;
    for (const HoldRule& rule : holds) {
        if (item.released || (pause && rule.is_pause) || (!rule.routes.empty() && !rule.routes.contains(route.name)))
            continue;
        if (!fits(rule.recipients, item.recipient) || !fits(rule.senders, item.envelope.sender))
            continue;
        Wait wait{(rule.is_pause ? "paused by rule " : "held by rule ") + rule.name, rule.is_pause};
        if (!rule.reason.empty())
            wait.reason += ": " + rule.reason;
        if (!rule.is_pause)
            return wait;
        pause = std::move(wait);
    }
    return pause;
}

std::optional<std::string> OutboundConfig::suppression(const store::QueueItem& item) const {
    if (suppressed.empty())
        return std::nullopt;
    const AddressKeys keys = address_keys(item.recipient);
    if (suppressed.fit(keys) == AddressPatterns::Fit::none)
        return std::nullopt;
    auto reason = suppressions.find(keys.address);
    if (reason == suppressions.end())
        reason = suppressions.find(keys.domain);
    std::string why = "nothing is sent to this recipient any more";
    if (reason != suppressions.end() && !reason->second.empty())
        why += ": " + reason->second;
    return why;
}

std::shared_ptr<const OutboundConfig> make_outbound_config(const service::ConfigSnapshot& snapshot) {
    auto config = std::make_shared<OutboundConfig>();
    const schema::Server& server = snapshot.server;
    config->hostname = server.hostname;
    config->postmaster = server.postmaster.empty() ? "postmaster@" + server.hostname : server.postmaster;
    config->masquerade = snapshot.masquerade;
    config->own = own_names({server.hostname});
    config->connections = static_cast<unsigned>(std::max<std::int64_t>(server.outbound_connections, 1));
    config->per_destination = static_cast<unsigned>(std::max<std::int64_t>(server.per_destination, 1));
    const RetryPolicy policy = server_policy(server);
    std::vector<Route> routes;
    for (const auto& [name, spec] : snapshot.routes) {
        auto route = make_route(name, spec, policy);
        if (route)
            routes.push_back(std::move(*route));
    }
    for (const auto& [name, spec] : snapshot.domains)
        if (!spec.drop.empty())
            routes.push_back(drop_route(name, spec, policy));
    for (const auto& [name, spec] : snapshot.holds)
        if (spec.enabled)
            config->holds.push_back(make_hold(name, spec));
    add_suppressions(*config, snapshot);
    Route fallback;
    fallback.retry = policy;
    config->routes = RouteTable(std::move(routes), std::move(fallback));
    return config;
}

} // namespace mail::queue
