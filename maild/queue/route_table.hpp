// Routes as the queue uses them: which way mail to a domain, or of a sender, goes. A plain value built from the
// configuration (outbound_config.hpp) or by a test, shared read-only between threads.
// The most specific recipient domain wins: "mail.example.org", then "*.example.org" (any depth, the longest suffix first),
// then "*". Among the routes of one domain the one whose senders fit closest wins; one without senders fits every sender,
// least closely. No route: the MX of the recipient's domain with the default route.
#pragma once

#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "maild/queue/address_patterns.hpp"
#include "maild/queue/schedule.hpp"
#include "maild/smtp_client/tls_policy.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mail::queue {

using smtp_client::TlsPolicy;

struct Route {
    std::string name;                 ///< empty: the default route
    std::vector<std::string> domains; ///< domain keys, "*.domain" and "*"
    AddressPatterns senders;          ///< empty: every sender
    std::string drop;                 ///< folder that gets the mail as files; empty: it is sent
    std::string relay_host;           ///< numeric address (no brackets) or name; empty: MX delivery
    std::uint16_t port = 25;          ///< of the relay, or of the mail exchangers where mx_port is 0
    std::uint16_t mx_port = 0;        ///< of the mail exchangers, with direct_first
    TlsPolicy tls = TlsPolicy::opportunistic;
    std::string user;
    Secret password;
    bool direct_first = false; ///< the exchangers first, the relay when none of them can be reached
    bool dane = true;          ///< RFC 7672, for exchangers
    bool mta_sts = true;       ///< RFC 8461, for exchangers
    unsigned connections = 0;  ///< at a time to one destination; 0: OutboundConfig::per_destination
    unsigned rate = 0;         ///< recipients a minute to one destination; 0: no limit
    unsigned sender_rate = 0;  ///< recipients a minute of one sender; 0: no limit
    bool allow_loopback = false; ///< own, loopback and link-local addresses are no loop here
    std::string source;          ///< own address to connect from; empty: the system's choice
    std::string ehlo;            ///< name to greet with; empty: the server's host name
    RetryPolicy retry;
    [[nodiscard]] bool has_relay() const noexcept { return !relay_host.empty(); }
    /// Everything goes to the relay, so that it is one destination whatever the domain.
    [[nodiscard]] bool is_relay() const noexcept { return has_relay() && !direct_first; }
};

/// "host:port", "host", "[::1]:port", "192.0.2.1:25" into relay_host and port. Errors: invalid.
Result<void> set_relay(Route& route, std::string_view relay);

class RouteTable {
  public:
    /// `fallback` serves what no route names: delivery to the MX. Of two routes that fit alike the one whose name sorts
    /// first wins.
    explicit RouteTable(std::vector<Route> routes = {}, Route fallback = {});
    /// Never null; the default route when nothing fits. `domain` is a domain key, `sender` an envelope's.
    [[nodiscard]] std::shared_ptr<const Route> match(std::string_view domain, std::string_view sender = {}) const;
    /// By name; null when there is none.
    [[nodiscard]] std::shared_ptr<const Route> named(std::string_view name) const;

  private:
    using Candidates = std::vector<std::shared_ptr<const Route>>; ///< by name
    [[nodiscard]] std::shared_ptr<const Route> choose(std::string_view pattern, std::string_view sender) const;
    std::map<std::string, std::shared_ptr<const Route>, std::less<>> by_name_;
    std::map<std::string, Candidates, std::less<>> by_domain_; ///< exact, "*.suffix" and "*"
    std::shared_ptr<const Route> default_;
};

} // namespace mail::queue
