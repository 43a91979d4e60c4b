// Queue filters as an administrator may give them: understood or refused, never misread. A pattern of '*'
// alone must match whatever was given; a condition and its opposite never hold both.
#include "maild/store/rules.hpp"

#include <cstdlib>

using namespace mail;
using namespace mail::store;

namespace {
std::string_view take(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const std::string_view piece = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return piece;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    QueueItem item;
    item.id = 7;
    item.recipient = take(rest, '\n');
    item.domain = take(rest, '\n');
    item.created = from_micros(1'000'000);
    QueueFilter filter;
    while (!rest.empty() && filter.conditions.size() < 16) {
        std::string_view line = take(rest, '\n');
        const std::string field(take(line, ' '));
        const std::string_view operation = take(line, ' ');
        filter.conditions.push_back({field, operation.empty() ? '=' : operation[0], std::string(line)});
    }
    const Time now = from_micros(std::int64_t{1} << 50);
    const auto checked = check_filter(filter, now);
    if (checked)
        (void)matches(*checked, item);
    for (const auto& condition : filter.conditions) {
        if (condition.operation != '=')
            continue;
        QueueFilter one;
        one.conditions = {condition};
        QueueFilter other = one;
        other.conditions[0].operation = '!';
        const auto yes = check_filter(one, now);
        const auto no = check_filter(other, now);
        if (yes.has_value() != no.has_value() || (yes && matches(*yes, item) == matches(*no, item)))
            std::abort();
    }
    if (!matches_pattern(item.recipient, "*"))
        std::abort();
    return 0;
}
