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
    if (!spec.relay.empty()) {
        MAIL_DO(set_relay(route, spec.relay));
    }
    route.tls = tls_policy(spec.tls);
    route.user = spec.user;
    if (spec.password.form == schema::SecretSetting::Form::value)
        route.password = Secret(spec.password.text);
    route.allow_loopback = spec.allow_loopback;
    route.source = spec.source;
    route.ehlo = spec.ehlo;
    route.retry = policy;
    if (!spec.retry.empty())
        route.retry.steps = spec.retry;
    if (spec.expire > Duration::zero())
        route.retry.expire = spec.expire;
    return route;
}

} // namespace

std::shared_ptr<const OutboundConfig> make_outbound_config(const service::ConfigSnapshot& snapshot) {
    auto config = std::make_shared<OutboundConfig>();
    const schema::Server& server = snapshot.server;
    config->hostname = server.hostname;
    config->postmaster = server.postmaster.empty() ? "postmaster@" + server.hostname : server.postmaster;
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
    Route fallback;
    fallback.retry = policy;
    config->routes = RouteTable(std::move(routes), std::move(fallback));
    return config;
}

} // namespace mail::queue
