// alias: an address that stands for other addresses, here or elsewhere.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Alias {
    std::string address; ///< the name: address_key form
    std::vector<std::string> targets;
    bool enabled = true;
};

extern const Kind alias_kind;
template <> inline const Kind& kind_of<Alias>() {
    return alias_kind;
}

} // namespace mail::schema
