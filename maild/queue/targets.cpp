#include "maild/queue/targets.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/bind.hpp"

#include <algorithm>
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <random>

namespace mail::queue {
namespace {
using smtp_client::Outcome;
using smtp_client::own_outcome;

constexpr std::size_t most = std::size_t{limit::mx_hosts};

Targets none(std::string_view status, std::string text) {
    Targets result;
    result.problem = own_outcome(status, std::move(text));
    return result;
}

bool leads_here(const Route& route, const OwnNames& own, std::string_view address) {
    if (route.allow_loopback)
        return false;
    return net::is_unroutable(address) || own.addresses.contains(net::canonical_address(address));
}

/// RFC 5321 §5.1: sorted by preference, equals in random order, and when this server is among the exchangers, only
/// those that are preferred to it.
std::vector<net::MxRecord> choose_exchangers(std::vector<net::MxRecord> records, const Route& route, const OwnNames& own,
                                             std::uint64_t seed) {
    std::erase_if(records, [](const net::MxRecord& r) { return r.host.empty(); });
    std::minstd_rand random(static_cast<std::minstd_rand::result_type>(seed | 1));
    std::shuffle(records.begin(), records.end(), random);
    std::stable_sort(records.begin(), records.end(),
                     [](const net::MxRecord& a, const net::MxRecord& b) { return a.preference < b.preference; });
    if (!route.allow_loopback) {
        const auto self = std::find_if(records.begin(), records.end(),
                                       [&](const net::MxRecord& r) { return own.hosts.contains(r.host); });
        if (self != records.end()) {
            const auto preference = self->preference;
            std::erase_if(records, [&](const net::MxRecord& r) { return r.preference >= preference; });
        }
    }
    if (records.size() > most)
        records.resize(most);
    return records;
}

/// What the look-ups of the exchangers' addresses came to.
struct Gathered {
    Targets found;
    bool refused = false;   ///< some address leads here
    bool temporary = false; ///< some look-up had no answer
    std::string words;      ///< of the last look-up that failed
};

std::uint16_t mx_port(const Route& route) {
    if (route.mx_port != 0)
        return route.mx_port;
    return route.has_relay() ? std::uint16_t{25} : route.port;
}

/// Leaves out what cannot be reached from here: IPv6 without any, and the other family of a given source address. When
/// nothing would be left, everything is, for its error to be seen.
void keep_reachable(std::vector<std::string>& addresses, const Route& route, const OwnNames& own) {
    const auto out_of_reach = [&](const std::string& address) {
        const bool six = net::is_ipv6(address);
        if (!route.source.empty())
            return six != net::is_ipv6(route.source);
        return six && !own.has_ipv6 && !net::is_unroutable(address);
    };
    if (!std::all_of(addresses.begin(), addresses.end(), out_of_reach))
        std::erase_if(addresses, out_of_reach);
}

/// IPv6 and IPv4 in turn, IPv6 first (RFC 8305 §4): a family that is broken on the way costs one time-out, not all of them.
void take_turns(std::vector<std::string>& addresses) {
    std::vector<std::string> families[2];
    for (std::string& address : addresses)
        families[net::is_ipv6(address) ? 0 : 1].push_back(std::move(address));
    addresses.clear();
    for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i)
        for (auto& family : families)
            if (i < family.size())
                addresses.push_back(std::move(family[i]));
}

Task<void> add_host(net::Resolver& resolver, const Route& route, std::string host, const OwnNames& own, Gathered& gathered) {
    // Some publish addresses where a name belongs; nobody is helped by refusing them.
    std::vector<std::string> addresses;
    bool secure = false;
    std::string canonical;
    if (!net::canonical_address(host).empty()) {
        addresses.push_back(host);
    } else {
        auto answer = co_await resolver.addresses(host);
        if (!answer) {
            gathered.temporary = gathered.temporary || answer.error().code != ErrorCode::not_found;
            gathered.words = host + ": " + answer.error().message;
            co_return;
        }
        addresses = std::move(answer->records);
        secure = answer->secure;
        canonical = std::move(answer->canonical);
    }
    keep_reachable(addresses, route, own);
    take_turns(addresses);
    for (std::string& address : addresses) {
        if (leads_here(route, own, address)) {
            gathered.refused = true;
            gathered.words = host + " is " + address;
        } else if (gathered.found.targets.size() < most) {
            gathered.found.targets.push_back({host, std::move(address), mx_port(route), false, secure, canonical});
        }
    }
}

Targets conclude(Gathered gathered, std::string_view domain, std::string_view missing_status) {
    if (!gathered.found.targets.empty())
        return std::move(gathered.found);
    const std::string of = " (" + std::string(domain) + ")";
    if (gathered.temporary)
        return none("4.4.3", "the name server has no answer now: " + gathered.words + of);
    // RFC 3463 §3.5, 5.4.6: routing loop.
    if (gathered.refused)
        return none("5.4.6", "mail for this domain leads back to this server: " + gathered.words + of);
    return none(missing_status, "no mail server has an address: " + gathered.words + of);
}

Task<Targets> find_relay(net::Resolver& resolver, const Route& route) {
    Targets result;
    if (!net::canonical_address(route.relay_host).empty()) {
        result.targets.push_back({route.relay_host, route.relay_host, route.port, true, false, {}});
        co_return result;
    }
    auto answer = co_await resolver.addresses(route.relay_host);
    // A relay that does not resolve is the administrator's to mend: the mail waits.
    if (!answer || answer->records.empty())
        co_return none("4.4.3", "the relay " + route.relay_host + " does not resolve: " +
                                    (answer ? std::string("no address") : answer.error().message));
    take_turns(answer->records);
    for (std::string& address : answer->records)
        if (result.targets.size() < most)
            result.targets.push_back({route.relay_host, std::move(address), route.port, true, answer->secure, answer->canonical});
    co_return result;
}

/// "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
Targets find_literal(const Route& route, std::string_view domain, const OwnNames& own) {
    std::string_view inside = domain.substr(1, domain.size() - 2);
    if (text::istarts_with(inside, "ipv6:"))
        inside.remove_prefix(5);
    const std::string address = net::canonical_address(inside);
    if (address.empty())
        return none("5.1.2", "the address literal " + std::string(domain) + " is none");
    if (leads_here(route, own, address))
        return none("5.4.6", "mail for " + std::string(domain) + " leads back to this server");
    Targets result;
    result.targets.push_back({address, address, mx_port(route), false, false, {}});
    return result;
}

Task<Targets> find_direct(net::Resolver& resolver, const Route& route, std::string_view domain, const OwnNames& own,
                          std::uint64_t seed) {
    if (domain.starts_with('[') && domain.ends_with(']'))
        co_return find_literal(route, domain, own);
    const std::string name(domain);
    Gathered gathered;
    auto answer = co_await resolver.mx(name);
    if (!answer && answer.error().code == ErrorCode::invalid)
        co_return none("5.1.2", "the domain " + name + " is no domain name");
    if (!answer && answer.error().code != ErrorCode::not_found)
        co_return none("4.4.3", "the name server has no answer now: " + answer.error().message + " (" + name + ")");
    if (!answer || answer->records.empty()) {
        // RFC 5321 §5.1: no MX, so the domain's own address counts as one.
        co_await add_host(resolver, route, name, own, gathered);
        for (const Target& target : gathered.found.targets)
            gathered.found.secure = target.secure;
        co_return conclude(std::move(gathered), domain, "5.1.2");
    }
    gathered.found.secure = answer->secure;
    gathered.found.exchangers = true;
    // RFC 7505 §3: a single "." says that the domain takes no mail at all.
    const auto is_null = [](const net::MxRecord& r) { return r.host.empty(); };
    if (std::all_of(answer->records.begin(), answer->records.end(), is_null))
        co_return none("5.1.10", "the domain " + name + " accepts no mail (null MX)");
    const auto exchangers = choose_exchangers(std::move(answer->records), route, own, seed);
    if (exchangers.empty())
        co_return none("5.4.6", "this server is itself the best mail exchanger of " + name + ", yet the domain is not set up here");
    for (const net::MxRecord& exchanger : exchangers)
        if (gathered.found.targets.size() < most)
            co_await add_host(resolver, route, exchanger.host, own, gathered);
    // RFC 3463 §3.5, 5.4.4: unable to route.
    co_return conclude(std::move(gathered), domain, "5.4.4");
}

} // namespace

Task<Targets> find_targets(net::Resolver& resolver, const Route& route, std::string_view domain, const OwnNames& own,
                           std::uint64_t seed) {
    if (route.is_relay())
        co_return co_await find_relay(resolver, route);
    auto direct = co_await find_direct(resolver, route, domain, own, seed);
    // A domain that does not exist or takes no mail does not get better by a detour.
    if (!route.has_relay() || (direct.problem && direct.problem->is_permanent()))
        co_return direct;
    auto relay = co_await find_relay(resolver, route);
    if (direct.targets.empty())
        co_return relay;
    // The relay has its place however many exchangers there are.
    if (!relay.targets.empty() && direct.targets.size() >= most)
        direct.targets.resize(most - 1);
    for (Target& target : relay.targets)
        if (direct.targets.size() < most)
            direct.targets.push_back(std::move(target));
    co_return direct;
}

OwnNames own_names(const std::vector<std::string>& hosts) {
    OwnNames own;
    for (const std::string& host : hosts)
        own.hosts.insert(text::to_lower(host));
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0)
        return own;
    own.has_ipv6 = false;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr)
            continue;
        char buffer[INET6_ADDRSTRLEN] = {};
        const void* raw = nullptr;
        if (at->ifa_addr->sa_family == AF_INET)
            raw = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
        else if (at->ifa_addr->sa_family == AF_INET6)
            raw = &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
        if (raw == nullptr || inet_ntop(at->ifa_addr->sa_family, raw, buffer, sizeof buffer) == nullptr)
            continue;
        if (const std::string address = net::canonical_address(buffer); !net::is_unroutable(address)) {
            own.addresses.insert(address);
            own.has_ipv6 = own.has_ipv6 || net::is_ipv6(address);
        }
    }
    freeifaddrs(list);
    return own;
}

} // namespace mail::queue
