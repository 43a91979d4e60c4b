// The meaning of a QueueFilter, in one place for all engines.
#include "common/base/text.hpp"
#include "maild/store/rules.hpp"

#include <algorithm>
#include <array>

namespace mail::store {
namespace {
using Field = CheckedFilter::Field;

constexpr std::size_t most_conditions = 100;
constexpr std::size_t most_ids = 100'000;
constexpr std::size_t most_value_bytes = 1024;

struct FieldName {
    std::string_view name;
    Field field;
};
constexpr std::array<FieldName, 19> field_names{{{"id", Field::id},
                                                 {"message", Field::message},
                                                 {"sender", Field::sender},
                                                 {"recipient", Field::recipient},
                                                 {"domain", Field::domain},
                                                 {"status", Field::status},
                                                 {"attempts", Field::attempts},
                                                 {"route", Field::route},
                                                 {"message_id", Field::message_id},
                                                 {"error", Field::error},
                                                 {"last_error", Field::error},
                                                 {"error_code", Field::error_code},
                                                 {"remote", Field::remote},
                                                 {"priority", Field::priority},
                                                 {"size", Field::size},
                                                 {"age", Field::created},
                                                 {"created", Field::created},
                                                 {"next_attempt", Field::next_attempt},
                                                 {"expires", Field::expires}}};

const FieldName* field_named(std::string_view name) {
    const auto* row = std::find_if(field_names.begin(), field_names.end(), [&](const FieldName& f) { return f.name == name; });
    return row == field_names.end() ? nullptr : row;
}

Failure not_understood(const QueueFilter::Condition& given, std::string_view why) {
    return fail(ErrorCode::invalid,
                "queue filter \"" + text::escape(given.field, 64) + "\": " + std::string(why));
}

/// 10, 10K, 10M, 10G.
std::optional<std::int64_t> size_value(std::string_view value) {
    std::int64_t unit = 1;
    if (!value.empty()) {
        switch (text::upper(value.back())) {
        case 'K':
            unit = 1 << 10;
            break;
        case 'M':
            unit = 1 << 20;
            break;
        case 'G':
            unit = 1 << 30;
            break;
        default:
            break;
        }
        if (unit != 1)
            value.remove_suffix(1);
    }
    const auto count = text::number<std::int64_t>(value);
    constexpr std::int64_t most = std::int64_t{1} << 40;
    if (!count || *count < 0 || *count > most / unit)
        return std::nullopt;
    return *count * unit;
}

Result<CheckedFilter::Condition> number_condition(const QueueFilter::Condition& given, Field field,
                                                  std::optional<std::int64_t> value) {
    if (!value)
        return not_understood(given, "the value is not a number");
    if (given.operation == '~')
        return not_understood(given, "~ fits text only");
    return CheckedFilter::Condition{field, given.operation, {}, *value};
}

Result<CheckedFilter::Condition> status_condition(const QueueFilter::Condition& given) {
    if (given.operation != '=' && given.operation != '!')
        return not_understood(given, "status takes = and !");
    for (const auto status :
         {QueueStatus::ready, QueueStatus::active, QueueStatus::deferred, QueueStatus::held})
        if (text::iequals(given.value, name_of(status)))
            return CheckedFilter::Condition{
                Field::status, given.operation, {}, static_cast<std::int64_t>(status)};
    return not_understood(given, "the status is one of ready, active, deferred, held");
}

Result<CheckedFilter::Condition> age_condition(const QueueFilter::Condition& given, Time now) {
    const auto age = parse_duration(given.value);
    if (!age || (given.operation != '<' && given.operation != '>'))
        return not_understood(given, "age takes < or > and a duration such as 4h");
    // Older than an age means created before a moment.
    return CheckedFilter::Condition{Field::created, given.operation == '<' ? '>' : '<', {}, to_micros(now - *age)};
}

/// A moment, or for what lies ahead how far from now.
Result<CheckedFilter::Condition> time_condition(const QueueFilter::Condition& given, Field field, Time now) {
    if (given.operation != '<' && given.operation != '>')
        return not_understood(given, "a time takes < or >");
    if (const auto moment = parse_rfc3339(given.value))
        return CheckedFilter::Condition{field, given.operation, {}, to_micros(*moment)};
    const auto ahead = parse_duration(given.value);
    if (!ahead || field == Field::created)
        return not_understood(given, "the value is no time such as 2026-01-31T12:00:00Z");
    return CheckedFilter::Condition{field, given.operation, {}, to_micros(now + *ahead)};
}

Result<CheckedFilter::Condition> check_condition(const QueueFilter::Condition& given, Time now) {
    const FieldName* row = field_named(given.field);
    if (row == nullptr)
        return not_understood(given, "no such field");
    if (std::string_view("=!~<>").find(given.operation) == std::string_view::npos)
        return not_understood(given, "the operation is one of = ! ~ < >");
    if (given.value.size() > most_value_bytes)
        return not_understood(given, "the value is too long");
    switch (row->field) {
    case Field::id:
        if (const auto id = Id::parse(given.value); id && (given.operation == '=' || given.operation == '!'))
            return CheckedFilter::Condition{Field::message, given.operation, std::string(id->raw()), 0};
        return number_condition(given, Field::id, text::number<std::int64_t>(given.value));
    case Field::message: {
        const auto id = Id::parse(given.value);
        if (!id || (given.operation != '=' && given.operation != '!'))
            return not_understood(given, "message takes = or ! and the id of a message");
        return CheckedFilter::Condition{Field::message, given.operation, std::string(id->raw()), 0};
    }
    case Field::attempts:
    case Field::priority:
    case Field::error_code:
        return number_condition(given, row->field, text::number<std::int64_t>(given.value));
    case Field::size:
        return number_condition(given, Field::size, size_value(given.value));
    case Field::status:
        return status_condition(given);
    case Field::created:
        return row->name == "age" ? age_condition(given, now) : time_condition(given, row->field, now);
    case Field::next_attempt:
    case Field::expires:
        return time_condition(given, row->field, now);
    case Field::error:
        if (const auto code = text::number<std::int64_t>(given.value); code && given.operation != '~')
            return CheckedFilter::Condition{Field::error_code, given.operation, {}, *code};
        break;
    default:
        break;
    }
    if (given.operation == '<' || given.operation == '>')
        return not_understood(given, "< and > fit numbers only");
    return CheckedFilter::Condition{row->field, given.operation, given.value, 0};
}

bool compare(std::int64_t value, const CheckedFilter::Condition& condition) {
    switch (condition.operation) {
    case '=':
        return value == condition.number;
    case '!':
        return value != condition.number;
    case '<':
        return value < condition.number;
    default:
        return value > condition.number;
    }
}

bool compare(std::string_view value, const CheckedFilter::Condition& condition) {
    if (condition.operation == '~')
        return matches_pattern(value, condition.text);
    return text::iequals(value, condition.text) == (condition.operation == '=');
}

bool matches(const CheckedFilter::Condition& condition, const QueueItem& item) {
    switch (condition.field) {
    case Field::id:
        return compare(item.id, condition);
    case Field::message:
        return (item.message.raw() == condition.text) == (condition.operation == '=');
    case Field::sender:
        return compare(item.envelope.sender, condition);
    case Field::recipient:
        return compare(item.recipient, condition);
    case Field::domain:
        return compare(item.domain, condition);
    case Field::status:
        return compare(static_cast<std::int64_t>(item.status), condition);
    case Field::attempts:
        return compare(static_cast<std::int64_t>(item.attempts), condition);
    case Field::route:
        return compare(item.route, condition);
    case Field::message_id:
        return compare(item.envelope.message_id, condition);
    case Field::error:
        return compare(item.last_error ? std::string_view(item.last_error->text) : "", condition);
    case Field::error_code:
        return compare(item.last_error ? item.last_error->code : 0, condition);
    case Field::remote:
        return compare(item.last_error ? std::string_view(item.last_error->remote) : "", condition);
    case Field::priority:
        return compare(std::int64_t{item.priority}, condition);
    case Field::size:
        return compare(static_cast<std::int64_t>(item.blob.length), condition);
    case Field::created:
        return compare(to_micros(item.created), condition);
    case Field::next_attempt:
        return compare(to_micros(item.next_attempt), condition);
    case Field::expires:
        return compare(to_micros(item.expires), condition);
    }
    return false;
}

/// What an item is sorted by where that is a number.
std::int64_t number_of(const QueueItem& item, Field field) {
    switch (field) {
    case Field::status:
        return static_cast<std::int64_t>(item.status);
    case Field::attempts:
        return item.attempts;
    case Field::error_code:
        return item.last_error ? item.last_error->code : 0;
    case Field::priority:
        return item.priority;
    case Field::size:
        return static_cast<std::int64_t>(item.blob.length);
    case Field::created:
        return to_micros(item.created);
    case Field::next_attempt:
        return to_micros(item.next_attempt);
    case Field::expires:
        return to_micros(item.expires);
    default:
        return item.id;
    }
}

std::string text_of(const QueueItem& item, Field field) {
    switch (field) {
    case Field::message:
        return std::string(item.message.raw());
    case Field::sender:
        return text::to_lower(item.envelope.sender);
    case Field::recipient:
        return text::to_lower(item.recipient);
    case Field::domain:
        return item.domain;
    case Field::route:
        return text::to_lower(item.route);
    case Field::message_id:
        return text::to_lower(item.envelope.message_id);
    case Field::error:
        return item.last_error ? text::to_lower(item.last_error->text) : std::string();
    case Field::remote:
        return item.last_error ? text::to_lower(item.last_error->remote) : std::string();
    default:
        return {};
    }
}
} // namespace

std::string_view name_of(QueueStatus status) noexcept {
    switch (status) {
    case QueueStatus::ready:
        return "ready";
    case QueueStatus::active:
        return "active";
    case QueueStatus::deferred:
        return "deferred";
    case QueueStatus::held:
        return "held";
    }
    return "ready";
}

std::string group_key(const QueueItem& item, QueueGroup group, Time now) {
    switch (group) {
    case QueueGroup::domain:
        return item.domain;
    case QueueGroup::sender:
        return item.envelope.sender;
    case QueueGroup::route:
        return item.route;
    case QueueGroup::status:
        return std::string(name_of(item.status));
    case QueueGroup::error:
        return item.last_error ? item.last_error->text : std::string();
    case QueueGroup::age:
        return std::string(age_name(age_place(now - item.created)));
    }
    return {};
}

std::string_view age_name(std::size_t place) noexcept {
    constexpr std::string_view names[queue_ages] = {"5m", "10m", "20m", "40m", "80m", "160m", "320m", "640m", "1280m", "older"};
    return names[std::min(place, queue_ages - 1)];
}

bool is_before(const CheckedFilter& filter, const QueueItem& a, const QueueItem& b) {
    const QueueItem& first = filter.descending ? b : a;
    const QueueItem& second = filter.descending ? a : b;
    if (is_text(filter.sort) || filter.sort == Field::message) {
        const std::string left = text_of(first, filter.sort);
        const std::string right = text_of(second, filter.sort);
        return left != right ? left < right : a.id < b.id;
    }
    const std::int64_t left = number_of(first, filter.sort);
    const std::int64_t right = number_of(second, filter.sort);
    return left != right ? left < right : a.id < b.id;
}

std::size_t age_place(Duration age) noexcept {
    Duration bound = std::chrono::minutes(5);
    for (std::size_t i = 0; i + 1 < queue_ages; ++i, bound *= 2)
        if (age < bound)
            return i;
    return queue_ages - 1;
}

Result<std::int8_t> priority_value(std::string_view text) {
    const auto value = text::number<int>(text);
    if (!value || *value < -1 || *value > 1)
        return fail(ErrorCode::invalid, "the priority is -1, 0 or 1");
    return static_cast<std::int8_t>(*value);
}

bool is_text(Field field) noexcept {
    switch (field) {
    case Field::sender:
    case Field::recipient:
    case Field::domain:
    case Field::route:
    case Field::message_id:
    case Field::error:
    case Field::remote:
        return true;
    default:
        return false;
    }
}

bool matches_pattern(std::string_view text, std::string_view pattern) noexcept {
    if (pattern.find('*') == std::string_view::npos)
        return pattern.empty() || text::ifind(text, pattern) != std::string_view::npos;
    // Greedy with one point to go back to: linear in practice, text times pattern at worst, both bounded.
    std::size_t t = 0;
    std::size_t p = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && text::lower(pattern[p]) == text::lower(text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

Result<CheckedFilter> check_filter(const QueueFilter& filter, Time now) {
    if (filter.conditions.size() > most_conditions || filter.ids.size() > most_ids)
        return fail(ErrorCode::too_large, "the queue filter has too many conditions or ids");
    CheckedFilter checked;
    for (const auto& given : filter.conditions) {
        MAIL_TRY(auto condition, check_condition(given, now));
        checked.conditions.push_back(std::move(condition));
    }
    checked.ids = filter.ids;
    std::sort(checked.ids.begin(), checked.ids.end());
    checked.ids.erase(std::unique(checked.ids.begin(), checked.ids.end()), checked.ids.end());
    checked.after = filter.after;
    checked.limit = filter.limit;
    if (!filter.sort.empty()) {
        const FieldName* row = field_named(filter.sort);
        if (row == nullptr)
            return fail(ErrorCode::invalid, "the queue has no field \"" + text::escape(filter.sort, 64) + "\" to sort by");
        checked.sort = row->field;
        // Younger is the smaller age and the later time.
        checked.descending = filter.descending != (row->name == "age");
    }
    return checked;
}

bool matches(const CheckedFilter& filter, const QueueItem& item) {
    if (item.id <= filter.after)
        return false;
    if (!filter.ids.empty() && !std::binary_search(filter.ids.begin(), filter.ids.end(), item.id))
        return false;
    return std::all_of(filter.conditions.begin(), filter.conditions.end(),
                       [&](const auto& condition) { return matches(condition, item); });
}

} // namespace mail::store
