// route: how mail for some domains leaves: through a relay, or to their MX with settings of their own. The
// most specific domain wins; without a route mail goes to the MX of the recipient's domain.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Route {
    std::string name;
    std::vector<std::string> domains;  ///< "example.org", "*.example.org" or "*"
    std::string relay;                 ///< "host", "host:port"; empty: the domain's MX
    std::int64_t port = 25;            ///< where `relay` names none, and for MX
    std::string tls = "opportunistic"; ///< none opportunistic required verified
    std::string user;
    SecretSetting password;      ///< form value when set
    bool allow_loopback = false; ///< an MX may be this machine
    std::string source;          ///< address to connect from; empty: the system's choice
    std::string ehlo;            ///< name to greet with; empty: the server's hostname
    std::vector<Duration> retry; ///< empty: the server's
    Duration expire{};           ///< 0: the server's
};

extern const Kind route_kind;
template <> inline const Kind& kind_of<Route>() {
    return route_kind;
}

} // namespace mail::schema
