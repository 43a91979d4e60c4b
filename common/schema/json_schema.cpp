#include "common/schema/codec.hpp"
#include "common/schema/describe.hpp"
#include "common/schema/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace mail::schema {

namespace json = boost::json;

namespace {

json::string_view word(std::string_view s) {
    return {s.data(), s.size()};
}

json::object members_schema(const Kind& kind, std::span<const Field> fields);

json::object secret_schema() {
    const auto only = [](const char* member, const char* type) {
        return json::object{{"type", "object"},
                            {"properties", json::object{{member, json::object{{"type", type}}}}},
                            {"required", json::array{member}},
                            {"additionalProperties", false}};
    };
    return json::object{
        {"oneOf", json::array{only("from", "string"), only("hash", "string"), only("keep", "boolean"),
                              only("value", "string"), json::object{{"type", "string"}}}}};
}

/// Of one value, or of one element of a list.
json::object element_schema(const Kind& kind, const Field& field) {
    switch (field.type) {
    case FieldType::boolean:
        return {{"type", "boolean"}};
    case FieldType::integer:
    case FieldType::integer_list: {
        json::object out{{"type", "integer"}, {"minimum", field.least}};
        if (field.most != INT64_MAX)
            out["maximum"] = field.most;
        return out;
    }
    case FieldType::size:
        return {{"type", json::array{"string", "integer"}},
                {"pattern", "^[0-9]+ ?([KMGTkmgt]?([iI]?[bB])?)$"}};
    case FieldType::duration:
    case FieldType::duration_list:
        return {{"type", "string"}, {"pattern", "^(0|([0-9]+[smhdw])+)$"}};
    case FieldType::secret:
        return secret_schema();
    case FieldType::object:
        return members_schema(kind, field.fields());
    case FieldType::text:
    case FieldType::text_list:
        break;
    }
    json::object out{{"type", "string"}};
    if (!field.choices.empty()) {
        json::array choices;
        for (const auto choice : field.choices)
            choices.emplace_back(word(choice));
        out["enum"] = std::move(choices);
    } else {
        out["maxLength"] = field.max_length;
    }
    return out;
}

json::object field_schema(const Kind& kind, const Field& field) {
    json::object out = element_schema(kind, field);
    if (field.is_list()) {
        json::object list{{"type", "array"}, {"maxItems", field.max_items}};
        list["items"] = std::move(out);
        out = std::move(list);
    }
    out["description"] = word(field.doc);
    if (json::value value = default_value(kind, field); !value.is_null())
        out["default"] = std::move(value);
    if (!field.sample.empty() && field.type == FieldType::text)
        out["examples"] = json::array{word(field.sample)};
    return out;
}

json::object members_schema(const Kind& kind, std::span<const Field> fields) {
    json::object properties;
    json::array required;
    for (const auto& field : fields) {
        if (field.is_key)
            continue;
        properties[word(field.name)] = field_schema(kind, field);
        if (field.is_required)
            required.emplace_back(word(field.name));
    }
    json::object out{{"type", "object"}, {"additionalProperties", false}};
    out["properties"] = std::move(properties);
    if (!required.empty())
        out["required"] = std::move(required);
    return out;
}

/// The same without "required": of `defaults`, and of items that `defaults` completes.
json::object partial(json::object schema) {
    schema.erase("required");
    return schema;
}

} // namespace

json::object json_schema(Kinds kinds) {
    json::array names;
    json::array rules;
    json::object definitions;
    for (const Kind* kind : kinds) {
        names.emplace_back(word(kind->name));
        json::object spec = members_schema(*kind, kind->fields);
        spec["description"] = word(kind->doc);
        const std::string path = "#/$defs/" + std::string(kind->name);
        const json::object some{{"$ref", path + "_fields"}};
        definitions[std::string(kind->name) + "_fields"] = partial(spec);
        definitions[word(kind->name)] = std::move(spec);
        json::object then{
            {"spec", json::object{{"$ref", path}}},
            {"defaults", some},
            {"items",
             json::object{{"type", "object"},
                          {"additionalProperties",
                           json::object{{"anyOf", json::array{some, json::object{{"type", "null"}}}}}}}}};
        rules.push_back(json::object{
            {"if",
             json::object{{"properties", json::object{{"kind", json::object{{"const", word(kind->name)}}}}}}},
            {"then", json::object{{"properties", std::move(then)}}}});
    }
    json::object properties{
        {"kind", json::object{{"enum", std::move(names)}, {"description", "What the document describes."}}},
        {"name", json::object{{"type", "string"}, {"description", "Name of the one object."}}},
        {"spec", json::object{{"type", "object"}, {"description", "Its fields."}}},
        {"items", json::object{{"type", "object"}, {"description", "Several objects by name."}}},
        {"defaults",
         json::object{{"type", "object"}, {"description", "Fields of items that do not state them."}}}};
    return json::object{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                        {"title", "Resources of a maild server"},
                        {"type", "object"},
                        {"required", json::array{"kind"}},
                        {"properties", std::move(properties)},
                        {"allOf", std::move(rules)},
                        {"$defs", std::move(definitions)}};
}

} // namespace mail::schema
