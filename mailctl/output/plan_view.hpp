// A plan as people review it: one block per object, + ~ - before each, old -> new per field, a one-line total.
// Called by plan, apply and every writing verb with --dry-run; takes the server's JSON (operations, warnings, effects).
#pragma once

#include "mailctl/output/style.hpp"

#include <boost/json/fwd.hpp>

#include <string>

namespace mail::mailctl {

/// How many operations of each action a plan holds.
struct PlanCounts {
    std::size_t create = 0;
    std::size_t update = 0;
    std::size_t replace = 0;
    std::size_t remove = 0;
    std::size_t adopt = 0;
    std::size_t reconnect = 0;
    /// Taking over into a set alone is no change (contract of `apply`).
    [[nodiscard]] bool has_changes() const noexcept { return create + update + replace + remove + reconnect > 0; }
};

[[nodiscard]] PlanCounts count_plan(const boost::json::value& plan);
/// "2 to create, 1 to change, 1 to delete" or "no changes".
[[nodiscard]] std::string plan_summary(const PlanCounts& counts);
/// "created 2, changed 1, deleted 1" after the fact.
[[nodiscard]] std::string done_summary(const PlanCounts& counts);
/// All blocks, effects and the total; "no changes\n" where there are none.
[[nodiscard]] std::string plan_text(const boost::json::value& plan, const Terminal& terminal);
/// The blocks alone, also of what happened to mail: restore and purge.
[[nodiscard]] std::string operations_text(const boost::json::value& plan, const Terminal& terminal);
/// The warnings of a plan, one line each, for stderr.
[[nodiscard]] std::string plan_warnings(const boost::json::value& plan);

} // namespace mail::mailctl
