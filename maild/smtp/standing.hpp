// Who a session's peer is and what it may do for that. Worked out anew when the peer changes: after TLS (certificates) and
// after XCLIENT (another address).
#pragma once

#include <string>

namespace mail::smtp {

struct Standing {
    bool relays = false; ///< its address or certificate may relay without signing in
    bool may_etrn = false;
    bool may_xclient = false;    ///< of the real peer, once and for all
    bool is_spoken_for = false;  ///< XCLIENT was used
    std::string name, helo;      ///< said by XCLIENT; helo stands above that of EHLO
};

} // namespace mail::smtp
