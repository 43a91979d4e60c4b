// The rule that the stages of a quota keep, in a mailbox and in a domain: a warning, then no sending, then no receiving.
#pragma once

#include "common/schema/issue.hpp"
#include "common/schema/types.hpp"

#include <string_view>

namespace mail::schema {

struct QuotaField {
    std::string_view name;
    Bytes size = 0; ///< 0: not set
};

/// Stages that are set must not come before the ones below them: `warn` <= `send` <= `quota`.
void check_quota_stages(Issues& issues, const QuotaField& quota, const QuotaField& warn, const QuotaField& send);

} // namespace mail::schema
