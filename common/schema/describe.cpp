#include "common/schema/describe.hpp"

#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/schema/codec.hpp"
#include "common/schema/fingerprint.hpp"
#include "common/schema/json.hpp"
#include "common/schema/units.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace mail::schema {

namespace json = boost::json;

namespace {

json::string_view word(std::string_view s) {
    return {s.data(), s.size()};
}

std::vector<std::string> words_of(std::span<const std::string_view> words) {
    return {words.begin(), words.end()};
}

/// "at least 1 KiB", "1 to 65535"; empty when every value goes.
std::string range_text(const Field& field) {
    const bool is_duration = field.type == FieldType::duration || field.type == FieldType::duration_list;
    const auto shown = [&](std::int64_t n) {
        if (field.type == FieldType::size)
            return format_size(static_cast<std::uint64_t>(n));
        return is_duration ? format_duration(std::chrono::seconds{n}) : std::to_string(n);
    };
    const bool has_range = field.type == FieldType::integer || field.type == FieldType::size || is_duration ||
                           field.type == FieldType::integer_list;
    if (!has_range || (field.least == 0 && field.most == INT64_MAX))
        return {};
    return field.most == INT64_MAX ? "at least " + shown(field.least)
                                   : shown(field.least) + " to " + shown(field.most);
}

std::string reference_text(const Field& field) {
    switch (field.refers_by) {
    case Field::RefersBy::name:
        return "name of a " + std::string(field.reference);
    case Field::RefersBy::domain:
        return "its domain is a " + std::string(field.reference) + " of this server";
    case Field::RefersBy::recipient:
        return "must exist when its domain is one of this server";
    }
    return {};
}

void line(std::string& out, std::string_view label, std::string_view text) {
    if (text.empty())
        return;
    std::string head = "  " + std::string(label) + ":";
    head.resize(std::max<std::size_t>(head.size() + 1, 14), ' ');
    out += head.append(text) + "\n";
}

std::string explain_field(const std::string& path, const Kind& kind, const Field& field) {
    std::string out =
        path + " (" + std::string(type_name(field.type)) + ")\n  " + std::string(field.doc) + "\n\n";
    line(out, "values", text::join(words_of(field.choices), ", "));
    if (field.format != nullptr)
        line(out, "form", field.format->explanation);
    line(out, "range", range_text(field));
    if (!field.reference.empty())
        line(out, "refers to", reference_text(field));
    line(out, "default",
         field.is_required ? "none: it is required" : value_to_text(field, default_value(kind, field)));
    line(out, "example", field.sample);
    if (field.is_key)
        line(out, "note", "the name of the object; stands outside spec");
    else if (field.is_immutable)
        line(out, "note", "a change replaces the object");
    if (field.is_unmanaged)
        line(out, "note", "left alone when a document does not mention it");
    if (field.type == FieldType::secret)
        line(out, "in files", "{from: \"env:NAME\"}, {from: \"file:PATH\"}, {hash: ...} or {keep: true}");
    else if (!field.is_key)
        line(out, "flag", flag_name(field) + " " + value_hint(field));
    line(out, "since", field.since_version);
    for (const auto& member : field.fields())
        out += "\n" + explain_field(path + "." + std::string(member.name), kind, member);
    return out;
}

std::string explain_kind(const Kind& kind) {
    std::string out = std::string(kind.name) + "\n  " + std::string(kind.doc) +
                      (kind.is_singleton ? " It exists once.\n\n" : "\n\n");
    std::size_t widest = 0;
    for (const auto& field : kind.fields)
        widest = std::max(widest, field.name.size());
    for (const auto& field : kind.fields) {
        std::string row = "  " + std::string(field.name);
        row.resize(widest + 4, ' ');
        out += row + std::string(field.doc) + (field.is_required && !field.is_key ? " Required." : "") + "\n";
    }
    return out + "\nMore: mailctl explain " + std::string(kind.name) + "." +
           std::string(kind.fields.back().name) + "\n";
}

json::array strings(std::span<const std::string_view> words) {
    json::array out;
    for (const auto w : words)
        out.emplace_back(word(w));
    return out;
}

json::object field_json(const Kind& kind, const Field& field) {
    json::object out{
        {"name", word(field.name)}, {"type", word(type_name(field.type))}, {"doc", word(field.doc)}};
    const auto flag = [&](const char* name, bool value) {
        if (value)
            out[name] = true;
    };
    const auto text = [&](const char* name, std::string_view value) {
        if (!value.empty())
            out[name] = word(value);
    };
    flag("key", field.is_key);
    flag("required", field.is_required);
    flag("immutable", field.is_immutable);
    flag("unmanaged_when_absent", field.is_unmanaged);
    flag("unordered", field.is_unordered);
    flag("wide", field.is_wide);
    if (field.column_order != 0)
        out["column"] = field.column_order;
    if (!field.choices.empty())
        out["choices"] = strings(field.choices);
    if (field.format != nullptr)
        text("format", field.format->name);
    text("range", range_text(field));
    text("refers_to", field.reference);
    text("example", field.sample);
    text("since", field.since_version);
    if (json::value value = default_value(kind, field); !value.is_null() && !field.is_key)
        out["default"] = std::move(value);
    if (field.member_count > 0) {
        json::array members;
        for (const auto& member : field.fields())
            members.push_back(field_json(kind, member));
        out["fields"] = std::move(members);
    }
    return out;
}

json::array kinds_json(Kinds kinds) {
    json::array out;
    for (const Kind* kind : kinds) {
        json::array fields;
        for (const auto& field : kind->fields)
            fields.push_back(field_json(*kind, field));
        json::object entry{
            {"name", word(kind->name)}, {"plural", word(kind->plural)}, {"doc", word(kind->doc)}};
        if (kind->is_singleton)
            entry["singleton"] = true;
        entry["fields"] = std::move(fields);
        out.push_back(std::move(entry));
    }
    return out;
}

} // namespace

Result<std::string> explain(std::string_view topic, Kinds kinds) {
    const auto dot = topic.find('.');
    MAIL_TRY(const Kind* kind, need_kind(topic.substr(0, dot), kinds));
    if (dot == std::string_view::npos)
        return explain_kind(*kind);
    std::span<const Field> fields = kind->fields;
    std::string_view rest = topic.substr(dot + 1);
    for (;;) {
        const auto cut = rest.find('.');
        const auto name = rest.substr(0, cut);
        const auto found =
            std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
        if (found == fields.end()) {
            std::vector<std::string> names;
            for (const auto& field : fields)
                names.emplace_back(field.name);
            return fail(ErrorCode::not_found,
                        std::string(kind->name) + " has no field \"" + text::escape(name, 64) + "\"",
                        codec::suggest(name, names, "fields"));
        }
        if (cut == std::string_view::npos)
            return explain_field(std::string(kind->name) + std::string(topic.substr(dot)), *kind, *found);
        fields = found->fields();
        rest = rest.substr(cut + 1);
    }
}

std::string schema_hash(Kinds kinds) {
    return fingerprint(json::serialize(kinds_json(kinds)));
}

json::object schema_json(Kinds kinds) {
    json::array described = kinds_json(kinds);
    std::string hash = fingerprint(json::serialize(described));
    return json::object{{"schema_hash", std::move(hash)}, {"kinds", std::move(described)}};
}

std::string flag_name(const Field& field) {
    std::string out = "--" + std::string(field.name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

std::string value_hint(const Field& field) {
    std::string word_hint;
    switch (field.type) {
    case FieldType::boolean:
        return "{true | false}";
    case FieldType::size:
        return "<size>";
    case FieldType::duration:
        return "<duration>";
    case FieldType::duration_list:
        return "<duration>,...";
    case FieldType::integer:
        return "<number>";
    case FieldType::integer_list:
        return "<number>,...";
    case FieldType::object:
        return "<fields>";
    case FieldType::secret:
        return "<secret>";
    case FieldType::text:
    case FieldType::text_list:
        break;
    }
    if (!field.choices.empty())
        word_hint = "{" + text::join(words_of(field.choices), " | ") + "}";
    else
        word_hint = "<" + std::string(field.format != nullptr ? field.format->name : "text") + ">";
    return field.is_list() ? word_hint + ",..." : word_hint;
}

std::vector<std::string> complete_value(const Field& field) {
    if (field.type == FieldType::boolean)
        return {"true", "false"};
    return words_of(field.choices);
}

std::vector<const Field*> columns(const Kind& kind, bool wide) {
    std::vector<const Field*> out;
    for (const auto& field : kind.fields)
        if (field.column_order != 0 && (wide || !field.is_wide))
            out.push_back(&field);
    std::stable_sort(out.begin(), out.end(),
                     [](auto* a, auto* b) { return a->column_order < b->column_order; });
    return out;
}

} // namespace mail::schema
