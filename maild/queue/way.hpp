// Way: where mail from one address to another would go now, without connecting anywhere: the route, the hosts in the order
// they would be tried, and how each must be encrypted. The same look-ups as a delivery makes. For `route test` and whoever
// explains deliveries.
#pragma once

#include "maild/queue/outbound_config.hpp"
#include "maild/queue/tls_plan.hpp"

namespace mail::queue {

struct Way {
    std::string route; ///< name; empty: the default way
    std::string tls;   ///< the route's word: "opportunistic"
    bool validated = false; ///< DNSSEC vouches for which hosts these are
    struct Host {
        std::string name;
        std::string address;
        std::uint16_t port = 25;
        bool relay = false;
        std::string tls;     ///< what it comes to: "dane"
        std::string why;     ///< "DANE: 1 TLSA record at mx.example.org"; empty: the route says so
        std::string problem; ///< why it would not be tried; empty: it would
    };
    std::vector<Host> hosts;
    std::string problem;     ///< why there are none: "5.1.10 the domain accepts no mail (null MX)"
    std::string held;        ///< by which rule; empty: by none
    std::string suppressed;  ///< why nothing is sent there; empty: something is
    std::string mta_sts;     ///< mode of the domain's policy; empty: it has none
};

/// An item as mail between these addresses would be, for asking the configuration about. Errors: invalid (an address is
/// malformed; `sender` may be empty).
[[nodiscard]] Result<store::QueueItem> item_between(std::string_view sender, std::string_view recipient);
/// `sts` may be null. Errors: invalid (an address is malformed).
[[nodiscard]] Task<Result<Way>> find_way(std::shared_ptr<const OutboundConfig> config, std::shared_ptr<net::Resolver> resolver,
                                         StsPolicies* sts, std::string sender, std::string recipient);
[[nodiscard]] std::string_view name_of(TlsPolicy policy) noexcept;

} // namespace mail::queue
