// Routes as the queue uses them: which way a recipient's domain goes. A plain value built from the configuration
// (routes_from_config.hpp) or by a test, shared read-only between threads.
// The most specific domain wins: "mail.example.org", then "*.example.org" (any depth, the longest suffix first), then "*".
// No route: the MX of the recipient's domain with the default route.
#pragma once

#include "common/base/result.hpp"
#include "common/base/secret.hpp"
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
    std::string relay_host;           ///< numeric address (no brackets) or name; empty: MX delivery
    std::uint16_t port = 25;          ///< of the relay, or of the mail exchangers
    TlsPolicy tls = TlsPolicy::opportunistic;
    std::string user;
    Secret password;
    bool allow_loopback = false; ///< own, loopback and link-local addresses are no loop here
    std::string source;          ///< own address to connect from; empty: the system's choice
    std::string ehlo;            ///< name to greet with; empty: the server's host name
    RetryPolicy retry;
    [[nodiscard]] bool is_relay() const noexcept { return !relay_host.empty(); }
};

/// "host:port", "host", "[::1]:port", "192.0.2.1:25" into relay_host and port. Errors: invalid.
Result<void> set_relay(Route& route, std::string_view relay);

class RouteTable {
  public:
    /// `fallback` serves what no route names: delivery to the MX. Of two routes that name one domain the one whose name
    /// sorts first wins.
    explicit RouteTable(std::vector<Route> routes = {}, Route fallback = {});
    /// Never null; the default route when nothing fits. `domain` is a domain key.
    [[nodiscard]] std::shared_ptr<const Route> match(std::string_view domain) const;
    /// By name; null when there is none.
    [[nodiscard]] std::shared_ptr<const Route> named(std::string_view name) const;

  private:
    std::map<std::string, std::shared_ptr<const Route>, std::less<>> by_name_;
    std::map<std::string, std::shared_ptr<const Route>, std::less<>> by_domain_; ///< exact, "*.suffix" and "*"
    std::shared_ptr<const Route> default_;
};

} // namespace mail::queue
