// hold: which queued mail waits: until an administrator releases it, or as long as the rule stands, so that a destination, a
// sender or a route can be paused.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Hold {
    std::string name;
    std::vector<std::string> recipients; ///< addresses and domains; empty: all
    std::vector<std::string> senders;    ///< the same
    std::vector<std::string> routes;     ///< names; empty: all
    std::string action = "hold"; ///< hold pause
    std::string reason;
    bool enabled = true;
};

extern const Kind hold_kind;
template <> inline const Kind& kind_of<Hold>() {
    return hold_kind;
}

} // namespace mail::schema
