#include "common/base/limits.hpp"

namespace mail {
namespace {
constexpr LimitInfo table[] = {
#define MAIL_LIMIT(name, value, unit, sentence) {#name, value, unit, sentence},
#include "common/base/limits.def"
#undef MAIL_LIMIT
};
} // namespace
std::span<const LimitInfo> all_limits() noexcept { return table; }
} // namespace mail
