// policy: rules for all mailboxes that state none of their own; exists once.
#pragma once

#include "common/schema/kind.hpp"
#include "common/schema/kinds/sending.hpp"

namespace mail::schema {

struct Policy {
    std::string name = "policy";
    std::optional<SendingLimits> sending;
};

extern const Kind policy_kind;
template <> inline const Kind& kind_of<Policy>() {
    return policy_kind;
}

} // namespace mail::schema
