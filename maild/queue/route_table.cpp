#include "maild/queue/route_table.hpp"

#include "common/base/text.hpp"

#include <algorithm>

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
            by_domain_.emplace(domain.starts_with('.') ? "*" + domain : domain, shared);
        by_name_.emplace(shared->name, shared);
    }
}

std::shared_ptr<const Route> RouteTable::match(std::string_view domain) const {
    if (const auto exact = by_domain_.find(domain); exact != by_domain_.end())
        return exact->second;
    std::string pattern;
    for (std::size_t dot = domain.find('.'); dot != domain.npos; dot = domain.find('.', dot + 1)) {
        pattern.assign("*").append(domain.substr(dot));
        if (const auto suffix = by_domain_.find(pattern); suffix != by_domain_.end())
            return suffix->second;
    }
    const auto any = by_domain_.find("*");
    return any != by_domain_.end() ? any->second : default_;
}

std::shared_ptr<const Route> RouteTable::named(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

} // namespace mail::queue
