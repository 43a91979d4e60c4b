// The limits of the whole house as constants; limits.def is the one table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mail {

namespace limit {
#define MAIL_LIMIT(name, value, unit, sentence) inline constexpr std::int64_t name = value;
#include "common/base/limits.def"
#undef MAIL_LIMIT
} // namespace limit

struct LimitInfo {
    std::string_view name;
    std::int64_t value;
    std::string_view unit;
    std::string_view sentence;
};
/// All limits in the order of the table.
[[nodiscard]] std::span<const LimitInfo> all_limits() noexcept;

} // namespace mail
