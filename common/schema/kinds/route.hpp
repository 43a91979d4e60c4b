// route: how mail for some domains leaves: through a relay, or to their MX with settings of their own. The
// most specific domain wins; without a route mail goes to the MX of the recipient's domain.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Route {
    std::string name;
    std::vector<std::string> domains;  ///< of recipients: "example.org", "*.example.org" or "*"
    std::vector<std::string> senders;  ///< addresses and domains; empty: every sender
    std::string relay;                 ///< "host", "host:port"; empty: the domain's MX
    std::string drop;                  ///< folder that gets the mail as files instead; empty: it is sent
    std::int64_t port = 25;            ///< where `relay` names none, and for MX
    std::string tls = "opportunistic"; ///< none opportunistic required verified
    std::string user;
    SecretSetting password;      ///< form value when set
    bool direct_first = false;   ///< try the domain's MX, and `relay` only when none of them can be reached
    bool dane = true;            ///< RFC 7672, where the MX is used
    bool mta_sts = true;         ///< RFC 8461, the same
    bool allow_loopback = false; ///< an MX may be this machine
    std::string source;          ///< address to connect from; empty: the system's choice
    std::string ehlo;            ///< name to greet with; empty: the server's hostname
    std::vector<Duration> retry; ///< empty: the server's
    Duration expire{};           ///< 0: the server's
    Duration delay_warning{};    ///< 0: the server's
    std::int64_t connections = 0; ///< at a time to one destination; 0: the server's per_destination
    std::int64_t rate = 0;        ///< recipients a minute to one destination; 0: no limit
    std::int64_t sender_rate = 0; ///< recipients a minute of one sender; 0: no limit
};

extern const Kind route_kind;
template <> inline const Kind& kind_of<Route>() {
    return route_kind;
}

} // namespace mail::schema
