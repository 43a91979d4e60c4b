#include "common/base/text.hpp"
#include "common/schema/codec.hpp"
#include "common/schema/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace mail::schema {

namespace json = boost::json;

namespace {

/// `defaults` is a fresh object of the same struct; its optional members are opened as the walk needs them.
json::object write_members(std::span<const Field> fields, const void* owner, void* defaults,
                           const EncodeOptions& options) {
    json::object out;
    for (const auto& field : fields) {
        if (field.is_key)
            continue;
        const json::string_view name{field.name.data(), field.name.size()};
        const void* member = field.peek(owner);
        if (member == nullptr)
            continue;
        if (field.type == FieldType::object) {
            out[name] = write_members(field.fields(), member, field.open(defaults), options);
            continue;
        }
        json::value value = codec::write_value(field, member, options.redact);
        if (value.is_null() ||
            (options.omit_defaults && value == codec::write_value(field, field.peek(defaults), false)))
            continue;
        out[name] = std::move(value);
    }
    return out;
}

void redact_members(std::span<const Field> fields, json::object& spec) {
    for (const auto& field : fields) {
        auto* value = spec.if_contains(json::string_view{field.name.data(), field.name.size()});
        if (value == nullptr)
            continue;
        if (field.type == FieldType::secret)
            *value = json::object{{"keep", true}};
        else if (auto* nested = value->if_object(); nested != nullptr && field.type == FieldType::object)
            redact_members(field.fields(), *nested);
    }
}

} // namespace

json::object encode(const Kind& kind, const void* object, const EncodeOptions& options) {
    AnyObject defaults(kind);
    return write_members(kind.fields, object, defaults.data(), options);
}

json::object encode(const AnyObject& object, const EncodeOptions& options) {
    return encode(object.kind(), object.data(), options);
}

json::object normalise(const Kind& kind, std::string_view name, const json::object& spec, Issues& issues,
                       const DecodeOptions& options) {
    return encode(decode(kind, name, spec, issues, options));
}

json::object complete(const Kind& kind, std::string_view name, const json::object& spec) {
    Issues ignored;
    const AnyObject object = decode(kind, name, spec, ignored, DecodeOptions{true, false});
    return encode(object, EncodeOptions{false, true});
}

json::object redact(const Kind& kind, const json::object& spec) {
    json::object out = spec;
    redact_members(kind.fields, out);
    return out;
}

namespace {

json::object merged(std::span<const Field> fields, const json::object& spec, const json::object& patch) {
    json::object out = spec;
    for (const auto& [name, change] : patch) {
        const std::string_view word{name.data(), name.size()};
        const auto field =
            std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == word; });
        const auto* old = out.if_contains(name);
        if (change.is_null()) {
            out.erase(name);
        } else if (field != fields.end() && field->type == FieldType::object && change.is_object() &&
                   old != nullptr && old->is_object()) {
            json::object next = merged(field->fields(), old->get_object(), change.get_object());
            out[name] = std::move(next);
        } else {
            out[name] = change;
        }
    }
    return out;
}

} // namespace

json::object merge_patch(const Kind& kind, const json::object& spec, const json::object& patch) {
    return merged(kind.fields, spec, patch);
}

std::string encode_text(const Kind& kind, const void* object) {
    return json::serialize(encode(kind, object, EncodeOptions{true, false}));
}

std::string value_to_text(const Field& field, const json::value& value) {
    if (value.is_null())
        return {};
    if (field.type == FieldType::secret)
        return "(set)";
    if (const auto* b = value.if_bool())
        return *b ? "yes" : "no";
    if (const auto* s = value.if_string())
        return {s->data(), s->size()};
    if (const auto* array = value.if_array()) {
        std::string out;
        Field element = field;
        for (const auto& item : *array)
            out += (out.empty() ? "" : ", ") + value_to_text(element, item);
        return out;
    }
    return json::serialize(value);
}

json::value default_value(const Kind& kind, const Field& field) {
    AnyObject defaults(kind);
    if (field.type == FieldType::object)
        return nullptr;
    for (const auto& own : kind.fields)
        if (&own == &field)
            return codec::write_value(field, field.peek(defaults.data()), true);
    return nullptr;
}

} // namespace mail::schema
