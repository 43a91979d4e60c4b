// policy: rules for all mailboxes that state none of their own; exists once.
#pragma once

#include "common/schema/kind.hpp"
#include "common/schema/kinds/sending.hpp"

namespace mail::schema {

struct Policy {
    std::string name = "policy";
    std::optional<SendingLimits> sending;
    Duration recoverable_keep = std::chrono::hours(24 * 14); ///< expunged messages can be restored so long
    Bytes recoverable_size = std::uint64_t{30} << 30; ///< most they may take in one mailbox; then its oldest go
    Duration removed_keep = std::chrono::hours(24 * 30); ///< removed mailboxes can be restored so long
};

extern const Kind policy_kind;
template <> inline const Kind& kind_of<Policy>() {
    return policy_kind;
}

} // namespace mail::schema
