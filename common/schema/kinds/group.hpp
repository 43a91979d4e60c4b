// group: an address whose mail goes to every member.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Group {
    std::string address; ///< the name: address_key form
    std::string display_name;
    std::vector<std::string> members;
    std::string accept_from = "anyone"; ///< anyone inside members listed
    std::vector<std::string> senders;   ///< with `listed`: mailboxes, groups, addresses and domains elsewhere
    std::vector<std::string> send_as;   ///< mailboxes and groups that may send with the group's address
    std::vector<std::string> send_on_behalf; ///< the same, but named in Sender (RFC 5322 §3.6.2)
    bool enabled = true;
};

extern const Kind group_kind;
template <> inline const Kind& kind_of<Group>() {
    return group_kind;
}

} // namespace mail::schema
