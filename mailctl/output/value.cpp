#include "mailctl/output/value.hpp"

#include "common/schema/units.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdio>
#include <optional>

namespace mail::mailctl {

namespace json = boost::json;

const json::value* at_path(const json::value& from, std::string_view path) {
    const json::value* here = &from;
    while (!path.empty()) {
        if (!here->is_object())
            return nullptr;
        // A member's own name may hold dots (a domain as key): the whole rest is tried first.
        if (const json::value* whole = here->as_object().if_contains(path))
            return whole;
        const std::size_t dot = path.find('.');
        here = here->as_object().if_contains(path.substr(0, dot));
        if (here == nullptr)
            return nullptr;
        path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    }
    return here;
}

namespace {

/// The number behind "2GiB" or "5d"; nullopt when the unit means no number or the text is none.
std::optional<std::int64_t> number_of(std::string_view text, Unit unit) {
    if (unit == Unit::bytes)
        if (const auto size = schema::parse_size(text))
            return static_cast<std::int64_t>(*size);
    if (unit == Unit::seconds)
        if (const auto duration = parse_duration(text))
            return duration->count() / 1000000;
    return std::nullopt;
}

} // namespace

std::string raw_text(const json::value* value, Unit unit) {
    if (value == nullptr || value->is_null())
        return {};
    if (const json::string* text = value->if_string()) {
        const std::string plain(text->begin(), text->end());
        const auto number = number_of(plain, unit);
        return number ? std::to_string(*number) : plain;
    }
    if (const json::array* list = value->if_array()) {
        std::string out;
        for (const json::value& one : *list) {
            if (!out.empty())
                out += ',';
            out += raw_text(&one, unit);
        }
        return out;
    }
    return json::serialize(*value);
}

std::string human_bytes(std::int64_t bytes) {
    constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    while ((amount >= 1024 || amount <= -1024) && unit + 1 < units.size()) {
        amount /= 1024;
        ++unit;
    }
    std::array<char, 40> text{};
    const bool whole = amount == static_cast<double>(static_cast<std::int64_t>(amount));
    std::snprintf(text.data(), text.size(), whole || amount >= 100 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
    return text.data();
}

std::string human_span(std::int64_t seconds) {
    struct Step {
        std::int64_t size;
        char letter;
    };
    constexpr std::array<Step, 4> steps{Step{86400, 'd'}, Step{3600, 'h'}, Step{60, 'm'}, Step{1, 's'}};
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (seconds < steps[i].size)
            continue;
        std::string out = std::to_string(seconds / steps[i].size) + steps[i].letter;
        const std::int64_t rest = seconds % steps[i].size;
        // A second part only where the first is small enough for it to matter.
        if (i + 1 < steps.size() && seconds / steps[i].size < 10 && rest >= steps[i + 1].size)
            out += " " + std::to_string(rest / steps[i + 1].size) + steps[i + 1].letter;
        return out;
    }
    return "0s";
}

std::string human_moment(Time then, Time now) {
    const std::int64_t distance = (to_micros(then) - to_micros(now)) / 1000000;
    const std::int64_t seconds = distance < 0 ? -distance : distance;
    if (seconds == 0)
        return "now";
    // One unit, rounded: what expires in 4 d 23 h expires in 5 d.
    const std::int64_t unit = seconds >= 86400 ? 86400 : seconds >= 3600 ? 3600 : seconds >= 60 ? 60 : 1;
    const std::string span = human_span((seconds + unit / 2) / unit * unit);
    const std::string largest = span.substr(0, span.find(' '));
    return distance < 0 ? largest + " ago" : "in " + largest;
}

std::string human_text(const json::value* value, Unit unit, Time now) {
    if (value == nullptr || value->is_null())
        return "-";
    if (value->is_bool())
        return value->get_bool() ? "yes" : "no";
    if (value->is_int64() || value->is_uint64()) {
        const auto number = value->to_number<std::int64_t>();
        if (unit == Unit::bytes)
            return human_bytes(number);
        if (unit == Unit::seconds)
            return human_span(number);
        return std::to_string(number);
    }
    std::string text = raw_text(value);
    if (const auto number = value->is_string() ? number_of(text, unit) : std::nullopt) { // a setting
        if (*number == 0)
            return "-"; // what holds then, `explain` says: no limit, or the one of the domain or server
        return unit == Unit::bytes ? human_bytes(*number) : human_span(*number);
    }
    if (unit == Unit::time)
        if (const auto moment = parse_rfc3339(text))
            return human_moment(*moment, now);
    if (value->is_array())
        for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
            text.insert(at + 1, 1, ' ');
    return text.empty() ? "-" : text;
}

std::string text_at(const json::value& from, std::string_view path) {
    const json::value* value = at_path(from, path);
    return value != nullptr && value->is_string() ? raw_text(value) : std::string{};
}

std::int64_t number_at(const json::value& from, std::string_view path) {
    const json::value* value = at_path(from, path);
    if (value == nullptr || !value->is_number())
        return 0;
    boost::system::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    return error ? 0 : number;
}

} // namespace mail::mailctl
