#include "maild/queue/route_table.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <optional>

namespace mail::queue {

Result<void> set_relay(Route& route, std::string_view relay) {
    std::string_view host = relay;
    std::string_view port;
    if (relay.starts_with('[')) {
        const std::size_t end = relay.find(']');
        if (end == relay.npos)
            return fail(ErrorCode::invalid, "a relay's \"[\" has no \"]\"", "write [2001:db8::1]:25");
        host = relay.substr(1, end - 1);
        port = relay.substr(end + 1);
        if (!port.empty() && !port.starts_with(':'))
            return fail(ErrorCode::invalid, "a relay has something after \"]\"", "write [2001:db8::1]:25");
    } else if (const std::size_t colon = relay.rfind(':'); colon != relay.npos && relay.find(':') == colon) {
        host = relay.substr(0, colon);
        port = relay.substr(colon);
    }
    if (host.empty())
        return fail(ErrorCode::invalid, "a relay needs a host", "write host:port");
    if (!port.empty()) {
        const auto number = text::number<std::uint16_t>(port.substr(1));
        if (!number || *number == 0)
            return fail(ErrorCode::invalid, "a relay's port is no port", "use a number from 1 to 65535");
        route.port = *number;
    }
    route.relay_host = text::to_lower(host);
    if (route.relay_host.ends_with('.'))
        route.relay_host.pop_back();
    return {};
}

RouteTable::RouteTable(std::vector<Route> routes, Route fallback)
    : default_(std::make_shared<const Route>(std::move(fallback))) {
    std::sort(routes.begin(), routes.end(), [](const Route& a, const Route& b) { return a.name < b.name; });
    for (Route& route : routes) {
        auto shared = std::make_shared<const Route>(std::move(route));
        for (const std::string& domain : shared->domains)
            by_domain_[domain.starts_with('.') ? "*" + domain : domain].push_back(shared);
        by_name_.emplace(shared->name, shared);
    }
}

/// Null: none of the pattern's routes is for this sender.
std::shared_ptr<const Route> RouteTable::choose(std::string_view pattern, std::string_view sender) const {
    const auto found = by_domain_.find(pattern);
    if (found == by_domain_.end())
        return nullptr;
    std::shared_ptr<const Route> best;
    AddressPatterns::Fit best_fit = AddressPatterns::Fit::none;
    std::optional<AddressKeys> keys;
    for (const auto& route : found->second) {
        AddressPatterns::Fit fit = AddressPatterns::Fit::none;
        if (!route->senders.empty()) {
            if (!keys)
                keys = address_keys(sender);
            fit = route->senders.fit(*keys);
            if (fit == AddressPatterns::Fit::none)
                continue;
        }
        if (!best || fit > best_fit) {
            best = route;
            best_fit = fit;
        }
    }
    return best;
}

std::shared_ptr<const Route> RouteTable::match(std::string_view domain, std::string_view sender) const {
    if (auto exact = choose(domain, sender))
        return exact;
    std::string pattern;
    for (std::size_t dot = domain.find('.'); dot != domain.npos; dot = domain.find('.', dot + 1)) {
        pattern.assign("*").append(domain.substr(dot));
        if (auto suffix = choose(pattern, sender))
            return suffix;
    }
    auto any = choose("*", sender);
    return any ? any : default_;
}

std::shared_ptr<const Route> RouteTable::named(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

} // namespace mail::queue
