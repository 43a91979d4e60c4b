// pickup: a folder whose files are sent as mail, for programs that cannot speak SMTP.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Pickup {
    std::string name;
    std::string directory; ///< where files are placed
    std::string badmail;   ///< where files go that cannot be sent; empty: "badmail" in the data directory
    bool enabled = true;
};

extern const Kind pickup_kind;
template <> inline const Kind& kind_of<Pickup>() {
    return pickup_kind;
}

} // namespace mail::schema
