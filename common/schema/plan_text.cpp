#include "common/schema/fingerprint.hpp"
#include "common/schema/json.hpp"
#include "common/schema/plan.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace mail::schema {

namespace json = boost::json;

namespace {

json::object operation_json(const Operation& operation) {
    json::array changes;
    for (const auto& change : operation.changes)
        changes.push_back(
            json::object{{"field", change.field}, {"before", change.before}, {"after", change.after}});
    json::object out{{"action", action_name(operation.action).data()},
                     {"kind", operation.kind},
                     {"name", operation.name},
                     {"changes", std::move(changes)}};
    if (operation.action == Action::reconnect)
        out["was"] = operation.was;
    return out;
}

constexpr Action shown_actions[] = {Action::create, Action::update, Action::replace, Action::remove,
                                    Action::adopt, Action::reconnect};

} // namespace

std::string hash_of(const Plan& plan, Kinds kinds) {
    std::string all = std::to_string(plan.base_revision);
    for (const auto& operation : plan.operations) {
        if (operation.action == Action::none)
            continue;
        all += json::serialize(operation_json(operation)) + operation.set;
        const Kind* kind = find_kind(operation.kind, kinds);
        // Texts for people may be equal where values are not.
        if (kind != nullptr && operation.after)
            all += json::serialize(redact(*kind, *operation.after));
    }
    return fingerprint(all);
}

json::object to_json(const Plan& plan) {
    json::array operations;
    json::array warnings;
    json::array effects;
    json::object summary;
    for (const auto& operation : plan.operations)
        if (operation.action != Action::none)
            operations.push_back(operation_json(operation));
    for (const auto& issue : plan.issues)
        if (issue.severity == Issue::Severity::warning)
            warnings.push_back(json::string(to_text(issue)));
    for (const auto& effect : plan.effects)
        effects.push_back(json::string(effect));
    for (const Action action : shown_actions)
        summary[action_name(action).data()] = plan.count(action);
    return json::object{{"plan_hash", plan.hash},          {"base_revision", plan.base_revision},
                        {"changed", plan.has_changes()},   {"operations", std::move(operations)},
                        {"warnings", std::move(warnings)}, {"effects", std::move(effects)},
                        {"summary", std::move(summary)}};
}

std::string to_text(const Plan& plan) {
    if (!plan.has_changes())
        return "no changes\n";
    std::string out;
    for (const auto& operation : plan.operations) {
        const char* sign = nullptr;
        switch (operation.action) {
        case Action::create:
        case Action::reconnect:
            sign = "+ ";
            break;
        case Action::update:
            sign = "~ ";
            break;
        case Action::replace:
            sign = "-/+ ";
            break;
        case Action::remove:
            sign = "- ";
            break;
        case Action::none:
        case Action::adopt:
            break;
        }
        if (sign == nullptr)
            continue;
        out += sign + operation.kind + (operation.name == operation.kind ? "" : " " + operation.name) + "\n";
        for (const auto& change : operation.changes) {
            const bool is_new = operation.action == Action::create || operation.action == Action::reconnect;
            out += "    " + change.field + ": ";
            if (change.secret)
                out += is_new ? "(set)" : "(changed)";
            else if (is_new)
                out += change.after;
            else
                out += (change.before.empty() ? "(none)" : change.before) + " -> " +
                       (change.after.empty() ? "(none)" : change.after);
            out += "\n";
        }
    }
    for (const auto& effect : plan.effects)
        out += "! " + effect + "\n";
    std::string summary;
    for (const Action action : shown_actions)
        if (const auto count = plan.count(action); count > 0)
            summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " to " +
                       std::string(action_name(action));
    return out + summary + "\n";
}

} // namespace mail::schema
