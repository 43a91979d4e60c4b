#include "common/schema/diff.hpp"

#include "common/schema/codec.hpp"
#include "common/schema/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

namespace mail::schema {

namespace json = boost::json;

namespace {

bool same_text(const Field& field, const json::value& a, const json::value& b) {
    const auto* x = a.if_string();
    const auto* y = b.if_string();
    if (x == nullptr || y == nullptr)
        return a == b;
    return *x == *y ||
           codec::key_of(field, {x->data(), x->size()}) == codec::key_of(field, {y->data(), y->size()});
}

bool same(const Field& field, const json::value& a, const json::value& b) {
    const auto* x = a.if_array();
    const auto* y = b.if_array();
    if (x == nullptr || y == nullptr)
        return same_text(field, a, b);
    return std::equal(x->begin(), x->end(), y->begin(), y->end(),
                      [&](const json::value& u, const json::value& v) { return same_text(field, u, v); });
}

struct Differ {
    const Kind& kind;
    std::vector<FieldChange> out{};

    void field(const Field& row, const json::object* before, const json::object* after,
               const std::string& prefix, bool nested) {
        const json::string_view name{row.name.data(), row.name.size()};
        const auto* old_value = before != nullptr ? before->if_contains(name) : nullptr;
        const auto* new_value = after != nullptr ? after->if_contains(name) : nullptr;
        if (old_value == nullptr && new_value == nullptr)
            return;
        const std::string path = prefix + std::string(row.name);
        if (row.type == FieldType::object) {
            const auto* inner_before = old_value != nullptr ? old_value->if_object() : nullptr;
            const auto* inner_after = new_value != nullptr ? new_value->if_object() : nullptr;
            if ((inner_before == nullptr) != (inner_after == nullptr))
                out.push_back(
                    {path, inner_before != nullptr ? "set" : "", inner_after != nullptr ? "set" : "", false});
            for (const auto& member : row.fields())
                field(member, inner_before, inner_after, path + ".", true);
            return;
        }
        if (row.type == FieldType::secret) {
            if (old_value == nullptr || new_value == nullptr || *old_value != *new_value)
                out.push_back({path, old_value != nullptr ? "(changed)" : "",
                               new_value != nullptr ? "(changed)" : "", true});
            return;
        }
        // What is not written has its default; beside no spec at all there is nothing.
        const json::value fallback = nested ? json::value(nullptr) : default_value(kind, row);
        const json::value absent(nullptr);
        const auto& x = old_value != nullptr ? *old_value : before != nullptr ? fallback : absent;
        const auto& y = new_value != nullptr ? *new_value : after != nullptr ? fallback : absent;
        if (!same(row, x, y))
            out.push_back({path, value_to_text(row, x), value_to_text(row, y), false});
    }
};

} // namespace

std::vector<FieldChange> diff(const Kind& kind, const json::object* before, const json::object* after) {
    Differ differ{kind};
    for (const auto& row : kind.fields)
        if (!row.is_key)
            differ.field(row, before, after, {}, false);
    return std::move(differ.out);
}

bool touches_immutable(const Kind& kind, const std::vector<FieldChange>& changes) noexcept {
    return std::any_of(changes.begin(), changes.end(), [&](const FieldChange& change) {
        const Field* row = kind.find(std::string_view(change.field).substr(0, change.field.find('.')));
        return row != nullptr && row->is_immutable;
    });
}

} // namespace mail::schema
