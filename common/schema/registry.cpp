#include "common/schema/registry.hpp"

#include "common/base/text.hpp"
#include "common/schema/kinds/alias.hpp"
#include "common/schema/kinds/certificate.hpp"
#include "common/schema/kinds/domain.hpp"
#include "common/schema/kinds/group.hpp"
#include "common/schema/kinds/hold.hpp"
#include "common/schema/kinds/listener.hpp"
#include "common/schema/kinds/mailbox.hpp"
#include "common/schema/kinds/pickup.hpp"
#include "common/schema/kinds/policy.hpp"
#include "common/schema/kinds/resolver.hpp"
#include "common/schema/kinds/retention.hpp"
#include "common/schema/kinds/route.hpp"
#include "common/schema/kinds/server.hpp"
#include "common/schema/kinds/suppression.hpp"

#include <algorithm>

namespace mail::schema {

namespace {

/// In the order in which a person sets up a server; export follows it.
constexpr const Kind* registered[] = {
    &server_kind, &certificate_kind, &listener_kind, &domain_kind,   &mailbox_kind,
    &alias_kind,  &group_kind,       &route_kind,    &resolver_kind,
    &hold_kind,   &suppression_kind, &policy_kind, &pickup_kind, &retention_kind,
};

/// Whether objects with this field come after those of `kind`. Recipients do not count: they may lead
/// anywhere, in rings.
bool refers_to(const Field& field, std::string_view kind) {
    if (field.reference == kind && field.refers_by != Field::RefersBy::recipient)
        return true;
    const auto members = field.fields();
    return std::any_of(members.begin(), members.end(), [&](const Field& f) { return refers_to(f, kind); });
}

} // namespace

Kinds all_kinds() noexcept {
    return registered;
}

const Kind* find_kind(std::string_view name_or_plural, Kinds kinds) noexcept {
    for (const Kind* kind : kinds)
        if (kind->name == name_or_plural || kind->plural == name_or_plural)
            return kind;
    return nullptr;
}

Result<const Kind*> need_kind(std::string_view name_or_plural, Kinds kinds) {
    if (const Kind* kind = find_kind(name_or_plural, kinds))
        return kind;
    std::vector<std::string> names;
    for (const Kind* kind : kinds)
        names.emplace_back(kind->name);
    const std::string near = text::nearest(name_or_plural.substr(0, 64), names);
    return fail(ErrorCode::not_found, "there is no kind \"" + text::escape(name_or_plural, 64) + "\"",
                near.empty() ? "kinds are " + text::join(names, ", ") : "did you mean " + near + "?");
}

std::vector<const Kind*> in_reference_order(Kinds kinds) {
    std::vector<const Kind*> out;
    std::vector<const Kind*> waiting(kinds.begin(), kinds.end());
    while (!waiting.empty()) {
        // The first kind that refers to no other waiting kind; among kinds that refer to each other, the
        // first of all.
        auto next = std::find_if(waiting.begin(), waiting.end(), [&](const Kind* kind) {
            return std::none_of(waiting.begin(), waiting.end(), [&](const Kind* other) {
                return other != kind &&
                       std::any_of(kind->fields.begin(), kind->fields.end(),
                                   [&](const Field& f) { return refers_to(f, other->name); });
            });
        });
        if (next == waiting.end())
            next = waiting.begin();
        out.push_back(*next);
        waiting.erase(next);
    }
    return out;
}

} // namespace mail::schema
