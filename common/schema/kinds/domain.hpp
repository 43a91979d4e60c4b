// domain: a mail domain this server is the home of.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Domain {
    std::string name;        ///< lower-case A-label
    std::string catch_all;   ///< address that gets mail for unknown local parts; empty: refuse it
    Bytes default_quota = 0; ///< of mailboxes that state none; 0: no limit
    bool enabled = true;     ///< false: mail for it is refused for the time being
};

extern const Kind domain_kind;
template <> inline const Kind& kind_of<Domain>() {
    return domain_kind;
}

} // namespace mail::schema
