#include "common/schema/kinds/quota.hpp"

#include "common/schema/units.hpp"

#include <string>

namespace mail::schema {

namespace {

void check_order(Issues& issues, const QuotaField& lower, const QuotaField& upper) {
    if (lower.size == 0 || upper.size == 0 || lower.size <= upper.size)
        return;
    report(issues, std::string(lower.name), "is more than " + std::string(upper.name) + " (" + format_size(upper.size) + ")",
           "warn first, then stop sending, then stop receiving");
}

} // namespace

void check_quota_stages(Issues& issues, const QuotaField& quota, const QuotaField& warn, const QuotaField& send) {
    check_order(issues, warn, send);
    check_order(issues, warn, quota);
    check_order(issues, send, quota);
}

} // namespace mail::schema
