// group: an address whose mail goes to every member.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Group {
    std::string address; ///< the name: address_key form
    std::string display_name;
    std::vector<std::string> members;
    bool enabled = true;
};

extern const Kind group_kind;
template <> inline const Kind& kind_of<Group>() {
    return group_kind;
}

} // namespace mail::schema
