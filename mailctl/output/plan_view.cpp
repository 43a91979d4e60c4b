#include "mailctl/output/plan_view.hpp"

#include "mailctl/output/json.hpp"
#include "mailctl/output/value.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

const json::array& list_at(const json::value& from, std::string_view name) {
    static const json::array none;
    const json::value* value = at_path(from, name);
    return value != nullptr && value->is_array() ? value->get_array() : none;
}

/// A field's value on one line: words bare, text in quotes, nothing as (none).
std::string value_text(const json::value* value) {
    if (value == nullptr || value->is_null())
        return "(none)";
    if (const json::string* text = value->if_string()) // the server has written it for people already
        return text->empty() ? "(none)" : clean({text->data(), text->size()});
    std::string line = json_line(*value);
    line.pop_back();
    return clean(line);
}

struct Mark {
    std::string_view sign;
    std::string note;
    Tone tone;
};

Mark mark_of(const json::value& operation) {
    const std::string action = text_at(operation, "action");
    if (action == "reconnect") {
        const std::string was = text_at(operation, "was");
        return {"+", was.empty() || was == text_at(operation, "name") ? " (reconnected)" : " (reconnected, was " + clean(was) + ")", Tone::good};
    }
    if (action == "restore")
        return {"+", " (restored)", Tone::good};
    if (action == "purge")
        return {"-", " (gone for good)", Tone::bad};
    if (action == "create")
        return {"+", "", Tone::good};
    if (action == "delete")
        return {"-", "", Tone::bad};
    if (action == "replace")
        return {"-/+", " (deleted and created again)", Tone::bad};
    if (action == "adopt")
        return {"=", " (joins the set, otherwise unchanged)", Tone::faint};
    return {"~", "", Tone::warn};
}

std::string change_text(const json::value& change, bool is_new) {
    const auto member = [&](const char* name, const char* other) {
        const json::value* value = at_path(change, name);
        return value != nullptr ? value : at_path(change, other);
    };
    const json::value* before = member("before", "old");
    const json::value* after = member("after", "new");
    const bool secret = (after != nullptr && raw_text(after) == "(changed)") || (before != nullptr && raw_text(before) == "(changed)");
    if (secret)
        return is_new ? "(set)" : "(changed)";
    if (is_new)
        return value_text(after);
    return value_text(before) + " -> " + value_text(after);
}

void append_operation(std::string& out, const json::value& operation, const Terminal& terminal) {
    const std::string action = text_at(operation, "action");
    const Mark mark = mark_of(operation);
    const bool is_new = action == "create" || action == "reconnect" || action == "restore" || action == "purge";
    out += toned(mark.sign, mark.tone, terminal.colour);
    out += ' ' + clean(text_at(operation, "kind")) + ' ';
    out += toned(clean(text_at(operation, "name")), Tone::title, terminal.colour);
    out += mark.note + '\n';
    if (action == "delete" || action == "adopt")
        return;
    std::size_t widest = 0;
    for (const json::value& change : list_at(operation, "changes"))
        widest = std::max(widest, display_width(clean(text_at(change, "field"))));
    for (const json::value& change : list_at(operation, "changes"))
        out += "    " + padded(clean(text_at(change, "field")), widest) + "  " + change_text(change, is_new) + '\n';
}

void append_part(std::string& out, std::size_t count, std::string_view words) {
    if (count == 0)
        return;
    if (!out.empty())
        out += ", ";
    out += std::to_string(count) + std::string(words);
}

} // namespace

PlanCounts count_plan(const json::value& plan) {
    PlanCounts counts;
    for (const json::value& operation : list_at(plan, "operations")) {
        const std::string action = text_at(operation, "action");
        counts.create += action == "create" ? 1U : 0U;
        counts.update += action == "update" ? 1U : 0U;
        counts.replace += action == "replace" ? 1U : 0U;
        counts.remove += action == "delete" ? 1U : 0U;
        counts.adopt += action == "adopt" ? 1U : 0U;
        counts.reconnect += action == "reconnect" ? 1U : 0U;
    }
    return counts;
}

std::string plan_summary(const PlanCounts& counts) {
    std::string out;
    append_part(out, counts.create, " to create");
    append_part(out, counts.update, " to change");
    append_part(out, counts.replace, " to replace");
    append_part(out, counts.remove, " to delete");
    append_part(out, counts.reconnect, " to reconnect");
    return out.empty() ? "no changes" : out;
}

std::string done_summary(const PlanCounts& counts) {
    std::string out;
    append_part(out, counts.create, " created");
    append_part(out, counts.update, " changed");
    append_part(out, counts.replace, " replaced");
    append_part(out, counts.remove, " deleted");
    append_part(out, counts.reconnect, " reconnected");
    return out.empty() ? "no changes" : out;
}

std::string operations_text(const json::value& plan, const Terminal& terminal) {
    std::string out;
    for (const json::value& operation : list_at(plan, "operations"))
        if (text_at(operation, "action") != "none")
            append_operation(out, operation, terminal);
    return out;
}

std::string plan_text(const json::value& plan, const Terminal& terminal) {
    const PlanCounts counts = count_plan(plan);
    std::string out = operations_text(plan, terminal);
    if (!counts.has_changes())
        return out + "no changes\n";
    out += '\n';
    for (const json::value& effect : list_at(plan, "effects"))
        out += "effect: " + clean(raw_text(&effect)) + '\n';
    return out + "plan: " + plan_summary(counts) + '\n';
}

std::string plan_warnings(const json::value& plan) {
    std::string out;
    for (const json::value& warning : list_at(plan, "warnings")) {
        std::string message = warning.is_object() ? text_at(warning, "message") : raw_text(&warning);
        if (message.empty())
            message = raw_text(&warning);
        out += "warning: " + clean(message) + '\n';
    }
    return out;
}

} // namespace mail::mailctl
