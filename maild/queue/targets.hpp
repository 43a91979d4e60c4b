// Where a destination's mail goes: the addresses to try, in order (RFC 5321 §5.1, RFC 7505). MX look-up with shuffle
// among equals, IPv4 and IPv6, null MX, no MX, loops; a relay's own name or address. Called once for every connection
// that the queue opens; the resolver has the cache.
// Promises: at most limit::mx_hosts targets and host look-ups; nothing that leads to this machine or to no machine
// unless the route allows it (faults O10); NXDOMAIN is permanent, a resolver without an answer temporary (O12).
#pragma once

#include "common/net/dns.hpp"
#include "maild/queue/route_table.hpp"
#include "maild/smtp_client/outcome.hpp"

#include <optional>
#include <set>

namespace mail::queue {

struct Target {
    std::string host;    ///< name for TLS and for people; the address itself where there is no name
    std::string address; ///< numeric, without brackets
    std::uint16_t port = 25;
    bool relay = false;    ///< the route's smart host
    bool secure = false;   ///< the host's addresses were validated by DNSSEC
    std::string canonical; ///< name of the host after CNAMEs; empty: the same
    bool operator==(const Target&) const = default;
};

struct Targets {
    std::vector<Target> targets;                   ///< never empty without a problem
    std::optional<smtp_client::Outcome> problem;   ///< why there is none
    bool secure = false; ///< which hosts they are was validated by DNSSEC
    bool exchangers = false; ///< the hosts come from MX records
};

/// This machine, as MX records might name it.
struct OwnNames {
    std::set<std::string, std::less<>> hosts;     ///< lower case
    std::set<std::string, std::less<>> addresses; ///< canonical (net::canonical_address)
    bool has_ipv6 = true; ///< some interface has a routable IPv6 address
};
/// With the addresses of this machine's interfaces, loopback and link-local left out.
[[nodiscard]] OwnNames own_names(const std::vector<std::string>& hosts);

/// `domain` is a domain key or an address literal in brackets. `seed` decides the order among equal preferences.
/// With Route::direct_first the relay's addresses come last; then a problem is one of the relay, unless mail for the
/// domain is refused for good. Arguments outlive the call.
[[nodiscard]] Task<Targets> find_targets(net::Resolver& resolver, const Route& route, std::string_view domain,
                                         const OwnNames& own, std::uint64_t seed);

} // namespace mail::queue
