#include "maild/queue/way.hpp"

#include "common/mail/address.hpp"

namespace mail::queue {
namespace {

std::string problem_text(const smtp_client::Outcome& outcome) { return outcome.status + " " + outcome.text; }

Task<Way::Host> describe(net::Resolver& resolver, const Route& route, const Targets& found, const Target& target,
                         std::string_view domain, const StsPolicy* sts) {
    const auto plan = co_await plan_tls(resolver, route, found, target, domain, sts);
    Way::Host host;
    host.name = target.host;
    host.address = target.address;
    host.port = target.port;
    host.relay = target.relay;
    host.tls = name_of(plan.policy);
    host.why = plan.words;
    if (plan.problem)
        host.problem = problem_text(*plan.problem);
    co_return host;
}

} // namespace

std::string_view name_of(TlsPolicy policy) noexcept {
    switch (policy) {
    case TlsPolicy::none:
        return "none";
    case TlsPolicy::opportunistic:
        return "opportunistic";
    case TlsPolicy::required:
        return "required";
    case TlsPolicy::verified:
        return "verified";
    case TlsPolicy::dane:
        return "dane";
    }
    return "none";
}

Result<store::QueueItem> item_between(std::string_view sender, std::string_view recipient) {
    MAIL_TRY(const Address to, parse_address(recipient));
    store::QueueItem item;
    if (!sender.empty()) {
        MAIL_TRY(const Address from, parse_address(sender));
        item.envelope.sender = from.text();
    }
    item.recipient = to.text();
    item.domain = address_keys(item.recipient).domain;
    return item;
}

Task<Result<Way>> find_way(std::shared_ptr<const OutboundConfig> config, std::shared_ptr<net::Resolver> resolver,
                           StsPolicies* sts, std::string sender, std::string recipient) {
    MAIL_CO_TRY(const store::QueueItem item, item_between(sender, recipient));
    const auto route = config->route_for(item);
    Way way;
    way.route = route->name;
    way.tls = name_of(route->tls);
    if (auto wait = config->wait_of(item, *route))
        way.held = std::move(wait->reason);
    way.suppressed = config->suppression(item).value_or(std::string());
    if (!route->drop.empty()) {
        Way::Host folder;
        folder.name = "drop:" + route->drop;
        folder.tls = "none";
        folder.why = "written to a folder";
        way.hosts.push_back(std::move(folder));
        co_return way;
    }
    const auto found = co_await find_targets(*resolver, *route, item.domain, config->own, 1);
    if (found.problem) {
        way.problem = problem_text(*found.problem);
        co_return way;
    }
    way.validated = found.secure;
    std::shared_ptr<const StsPolicy> policy;
    if (sts != nullptr && route->mta_sts && route->tls != TlsPolicy::none && !found.targets.front().relay)
        policy = co_await sts->find(resolver, item.domain, route->allow_loopback);
    if (policy)
        way.mta_sts = policy->mode == StsPolicy::Mode::enforce   ? "enforce"
                      : policy->mode == StsPolicy::Mode::testing ? "testing"
                                                                 : "none";
    for (const Target& target : found.targets) {
        auto host = co_await describe(*resolver, *route, found, target, item.domain, policy.get());
        way.hosts.push_back(std::move(host));
    }
    co_return way;
}

} // namespace mail::queue
