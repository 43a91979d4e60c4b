// Differences of two specs, field by field, in the words a person reads; equality as the schema sees it (case
// of own addresses, order of unordered lists). Pure; expects normalised specs.
#pragma once

#include "common/schema/kind.hpp"
#include "common/schema/plan.hpp"

#include <boost/json/fwd.hpp>
#include <vector>

namespace mail::schema {

/// In the order of the table; empty when the specs mean the same. Null stands for no spec at all.
[[nodiscard]] std::vector<FieldChange> diff(const Kind& kind, const boost::json::object* before,
                                            const boost::json::object* after);
/// Whether one of the fields that differ is immutable.
[[nodiscard]] bool touches_immutable(const Kind& kind, const std::vector<FieldChange>& changes) noexcept;

} // namespace mail::schema
