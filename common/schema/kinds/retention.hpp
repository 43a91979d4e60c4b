// retention: after how long messages of some folders go by themselves. Read through the ConfigSnapshot; service/housekeeping
// makes it true.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Retention {
    std::string name;
    Duration after{};                     ///< this old; required
    std::vector<std::string> special_use; ///< words such as trash; with the folders below
    std::vector<std::string> folders;     ///< names, with the folders below; both empty: every folder
    std::vector<std::string> mailboxes;   ///< addresses of mailboxes and groups, domains; empty: all
    std::vector<std::string> except;      ///< the same; what the rule leaves alone
    std::string age = "saved";            ///< saved received
    std::string action = "recoverable";   ///< recoverable delete
    std::string comment;
    bool enabled = true;
};

extern const Kind retention_kind;
template <> inline const Kind& kind_of<Retention>() {
    return retention_kind;
}

} // namespace mail::schema
