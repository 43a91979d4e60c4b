#include "common/base/text.hpp"
#include "common/schema/codec.hpp"
#include "common/schema/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <unordered_set>

namespace mail::schema {

namespace json = boost::json;

namespace {

struct Decoder {
    Issues& issues;
    const DecodeOptions& options;

    void fault(std::string_view path, const Error& error) { report(issues, path, error.message, error.hint); }

    template <class T, class F> void scalar(void* member, std::string_view path, F read) {
        auto value = read();
        if (!value)
            return fault(path, value.error());
        *static_cast<T*>(member) = std::move(*value);
    }

    template <class T, class F>
    void list(const Field& field, void* member, const json::value& value, const std::string& path, F read) {
        auto& out = *static_cast<std::vector<T>*>(member);
        out.clear();
        const auto add = [&](const json::value& element, const std::string& where) {
            auto one = read(element);
            if (!one)
                return fault(where, one.error());
            if constexpr (std::is_same_v<T, std::string>) {
                if (one->empty())
                    return fault(where, Error{ErrorCode::invalid, "is empty", {}});
            }
            out.push_back(std::move(*one));
        };
        const auto* array = value.if_array();
        if (array == nullptr) {
            if (value.is_object() || value.is_null())
                return fault(path, Error{ErrorCode::invalid, value.is_null() ? "has no value" : "is no list",
                                         "write it like [a, b]"});
            return add(value, path);
        }
        if (array->size() > field.max_items)
            return fault(path, Error{ErrorCode::invalid,
                                     "has more than " + std::to_string(field.max_items) + " entries",
                                     {}});
        for (std::size_t i = 0; i < array->size() && issues.size() < most_issues; ++i)
            add((*array)[i], path + "[" + std::to_string(i) + "]");
    }

    void value(const Field& field, void* owner, const json::value& given, const std::string& path);
    void members(std::span<const Field> fields, void* owner, const json::object& given,
                 const std::string& prefix, const Kind* kind);
    void required(std::span<const Field> fields, const void* owner, const std::string& prefix);
    void unknown(std::span<const Field> fields, std::string_view key, const std::string& path,
                 const Kind* kind);
};

/// One order and no repeats, so that equal sets are equal lists.
void settle_order(const Field& field, std::vector<std::string>& list) {
    std::vector<std::pair<std::string, std::string>> keyed;
    keyed.reserve(list.size());
    for (auto& item : list)
        keyed.emplace_back(codec::key_of(field, item), std::move(item));
    std::sort(keyed.begin(), keyed.end());
    keyed.erase(std::unique(keyed.begin(), keyed.end(), [](auto& a, auto& b) { return a.first == b.first; }),
                keyed.end());
    list.clear();
    for (auto& [key, item] : keyed)
        list.push_back(std::move(item));
}

void Decoder::value(const Field& field, void* owner, const json::value& given, const std::string& path) {
    void* const member = field.type == FieldType::object ? nullptr : field.open(owner);
    switch (field.type) {
    case FieldType::text:
        return scalar<std::string>(member, path, [&] { return codec::read_text(field, given); });
    case FieldType::boolean:
        return scalar<bool>(member, path, [&] { return codec::read_boolean(given); });
    case FieldType::integer:
        return scalar<std::int64_t>(member, path, [&] { return codec::read_integer(field, given); });
    case FieldType::size:
        return scalar<Bytes>(member, path, [&] { return codec::read_size(field, given); });
    case FieldType::duration:
        return scalar<Duration>(member, path, [&] { return codec::read_duration(field, given); });
    case FieldType::secret:
        return scalar<SecretSetting>(member, path,
                                     [&] { return codec::read_secret(given, options.allow_from); });
    case FieldType::text_list:
        list<std::string>(field, member, given, path,
                          [&](const json::value& v) { return codec::read_text(field, v); });
        if (field.is_unordered)
            settle_order(field, *static_cast<std::vector<std::string>*>(member));
        return;
    case FieldType::integer_list:
        return list<std::int64_t>(field, member, given, path,
                                  [&](const json::value& v) { return codec::read_integer(field, v); });
    case FieldType::duration_list:
        return list<Duration>(field, member, given, path,
                              [&](const json::value& v) { return codec::read_duration(field, v); });
    case FieldType::object:
        if (const auto* object = given.if_object())
            return members(field.fields(), field.open(owner), *object, path + ".", nullptr);
        return fault(path, Error{ErrorCode::invalid, "is no mapping", "write it like {name: value}"});
    }
}

void Decoder::unknown(std::span<const Field> fields, std::string_view key, const std::string& path,
                      const Kind* kind) {
    const std::string shown = "\"" + text::escape(key, 64) + "\"";
    if (kind != nullptr && key == kind->key_field().name) {
        report(issues, path, shown + " is the object's name and stands outside spec").at_key = true;
        return;
    }
    std::vector<std::string> names;
    for (const auto& field : fields)
        if (!field.is_key)
            names.emplace_back(field.name);
    report(issues, path, "unknown field " + shown, codec::suggest(key, names, "fields")).at_key = true;
}

void Decoder::members(std::span<const Field> fields, void* owner, const json::object& given,
                      const std::string& prefix, const Kind* kind) {
    for (const auto& [member, content] : given) {
        if (issues.size() >= most_issues)
            return;
        const std::string_view key{member.data(), member.size()};
        const auto field = std::find_if(fields.begin(), fields.end(),
                                        [&](const Field& f) { return f.name == key && !f.is_key; });
        const std::string path = prefix + std::string(key);
        if (field == fields.end())
            unknown(fields, key, path, kind);
        else
            value(*field, owner, content, path);
    }
    if (options.check_rules)
        required(fields, owner, prefix);
}

void Decoder::required(std::span<const Field> fields, const void* owner, const std::string& prefix) {
    for (const auto& field : fields) {
        if (!field.is_required || field.is_key)
            continue;
        const void* member = field.peek(owner);
        bool missing = member == nullptr;
        if (field.type == FieldType::text)
            missing = static_cast<const std::string*>(member)->empty();
        else if (field.type == FieldType::text_list)
            missing = static_cast<const std::vector<std::string>*>(member)->empty();
        else if (field.type == FieldType::secret)
            missing = static_cast<const SecretSetting*>(member)->form == SecretSetting::Form::absent;
        const std::string path = prefix + std::string(field.name);
        // A value that was given but is wrong has its own message.
        const bool told = std::any_of(issues.begin(), issues.end(),
                                      [&](const Issue& i) { return i.path.starts_with(path); });
        if (missing && !told)
            report(issues, path, "is required",
                   field.sample.empty() ? std::string{} : "for example " + std::string(field.sample));
    }
}

} // namespace

AnyObject decode(const Kind& kind, std::string_view name, const json::object& spec, Issues& issues,
                 const DecodeOptions& options) {
    AnyObject object(kind);
    Issues found;
    auto canonical = kind.canonical_name(name);
    if (canonical)
        *static_cast<std::string*>(kind.key_field().open(object.data())) = std::move(*canonical);
    else
        report(found, {}, canonical.error().message, canonical.error().hint);
    Decoder decoder{found, options};
    decoder.members(kind.fields, object.data(), spec, {}, &kind);
    if (options.check_rules && kind.check != nullptr && !has_errors(found))
        kind.check(object.data(), found);
    for (auto& issue : found) {
        issue.kind = kind.name;
        issue.name = name;
        issues.push_back(std::move(issue));
    }
    return object;
}

Result<AnyObject> decode_text(const Kind& kind, std::string_view name, std::string_view spec_json) {
    boost::system::error_code error;
    const json::value parsed = json::parse({spec_json.data(), spec_json.size()}, error);
    if (error || !parsed.is_object())
        return fail(ErrorCode::invalid,
                    std::string(kind.name) + " " + std::string(name) + ": the spec is no JSON object");
    Issues issues;
    AnyObject object = decode(kind, name, parsed.get_object(), issues);
    if (has_errors(issues))
        return fail(to_error(issues));
    return object;
}

namespace {

/// One value or one element of a list; texts of sizes and durations stay as they are written.
Result<json::value> checked_element(const Field& field, const json::value& one) {
    switch (field.type) {
    case FieldType::boolean: {
        MAIL_TRY(auto v, codec::read_boolean(one));
        return json::value(v);
    }
    case FieldType::integer:
    case FieldType::integer_list: {
        MAIL_TRY(auto v, codec::read_integer(field, one));
        return json::value(v);
    }
    case FieldType::size: {
        MAIL_DO(codec::read_size(field, one));
        return one;
    }
    case FieldType::duration:
    case FieldType::duration_list: {
        MAIL_DO(codec::read_duration(field, one));
        return one;
    }
    default: {
        MAIL_TRY(auto v, codec::read_text(field, one));
        return json::value(v);
    }
    }
}

} // namespace

Result<json::value> value_from_text(const Field& field, std::string_view text) {
    const json::value given(json::string_view{text.data(), text.size()});
    json::array items;
    switch (field.type) {
    case FieldType::secret:
    case FieldType::object:
        return fail(ErrorCode::invalid, std::string(field.name) + " cannot be given as text");
    case FieldType::boolean:
        for (std::string_view word : {"yes", "on"})
            if (text == word)
                return json::value(true);
        for (std::string_view word : {"no", "off"})
            if (text == word)
                return json::value(false);
        break;
    case FieldType::text_list:
    case FieldType::integer_list:
    case FieldType::duration_list:
        for (auto part : text::split(text, ','))
            if (const auto trimmed = text::trim(part); !trimmed.empty())
                items.emplace_back(json::string_view{trimmed.data(), trimmed.size()});
        break;
    default:
        break;
    }
    const auto named = [&](Error error) {
        error.message = std::string(field.name) + ": " + error.message;
        return fail(std::move(error));
    };
    if (!field.is_list()) {
        auto out = checked_element(field, given);
        return out ? std::move(out) : named(std::move(out.error()));
    }
    for (auto& item : items) {
        auto one = checked_element(field, item);
        if (!one)
            return named(std::move(one.error()));
        item = std::move(*one);
    }
    return json::value(std::move(items));
}

} // namespace mail::schema
