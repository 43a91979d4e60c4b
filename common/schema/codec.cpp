#include "common/schema/codec.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/schema/units.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

namespace mail::schema::codec {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& s) {
    return {s.data(), s.size()};
}

std::string shown(const json::value& value) {
    if (const auto* s = value.if_string())
        return "\"" + text::escape(view(*s), 80) + "\"";
    if (value.is_null())
        return "nothing";
    if (value.is_object())
        return "a mapping";
    return value.is_array() ? "a list" : value.is_bool() ? (value.get_bool() ? "true" : "false") : "a number";
}

Failure wrong(const json::value& value, std::string_view wanted, std::string hint = {}) {
    if (value.is_null())
        return fail(ErrorCode::invalid, "has no value", "leave it out for the default");
    return fail(ErrorCode::invalid, shown(value) + " is no " + std::string(wanted), std::move(hint));
}

/// Words two names share, cut at '_': finds relay_from for allow_relay_form.
std::size_t shared_words(std::string_view a, std::string_view b) {
    std::size_t count = 0;
    for (auto word : text::split(a, '_'))
        for (auto other : text::split(b, '_'))
            count += word.size() > 2 && word == other ? 1U : 0U;
    return count;
}

Failure out_of_range(std::string value, std::string least, std::string most, bool open_end) {
    std::string hint = open_end ? "at least " + least : "between " + least + " and " + most;
    return fail(ErrorCode::invalid, std::move(value) + " is out of range", std::move(hint));
}

std::optional<std::int64_t> integer_of(std::string_view text) {
    // YAML 1.2 core schema: decimal (leading zeros mean nothing), 0o17, 0x1f.
    if (text.starts_with("0o") || text.starts_with("0x")) {
        std::int64_t out = 0;
        const char* end = text.data() + text.size();
        const auto done = std::from_chars(text.data() + 2, end, out, text[1] == 'o' ? 8 : 16);
        return done.ec == std::errc{} && done.ptr == end && text[2] != '-' ? std::optional(out)
                                                                           : std::nullopt;
    }
    if (text.starts_with('+') && text.size() > 1 && text::is_digit(text[1]))
        text.remove_prefix(1);
    return text::number<std::int64_t>(text);
}

} // namespace

std::string suggest(std::string_view word, const std::vector<std::string>& candidates,
                    std::string_view what) {
    std::string near = text::nearest(word.substr(0, 256), candidates);
    std::size_t best = 0;
    if (near.empty()) {
        for (const auto& candidate : candidates) {
            if (const std::size_t count = shared_words(word.substr(0, 256), candidate); count > best) {
                best = count;
                near = candidate;
            }
        }
    }
    if (!near.empty())
        return "did you mean " + near + "?";
    return std::string(what) + " are " + text::join(candidates, ", ");
}

Result<std::string> read_text(const Field& field, const json::value& value) {
    const auto* given = value.if_string();
    if (given == nullptr)
        return wrong(value, "text", "write it in quotes");
    const std::string_view text = view(*given);
    if (text.size() > field.max_length)
        return fail(ErrorCode::invalid, "is longer than " + std::to_string(field.max_length) + " bytes");
    if (text.empty())
        return std::string{};
    if (!field.choices.empty()) {
        if (std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end())
            return std::string(text);
        const std::vector<std::string> words(field.choices.begin(), field.choices.end());
        const std::string near = text::nearest(text.substr(0, 256), words);
        return fail(ErrorCode::invalid, shown(value) + " is none of " + text::join(words, ", "),
                    near.empty() ? std::string{} : "did you mean " + near + "?");
    }
    return (field.format != nullptr ? *field.format : line_format).canonical(text);
}

Result<bool> read_boolean(const json::value& value) {
    if (const auto* b = value.if_bool())
        return *b;
    if (const auto* s = value.if_string()) {
        // YAML 1.2 core schema; yes, no, on and off are text there.
        for (std::string_view word : {"true", "True", "TRUE"})
            if (view(*s) == word)
                return true;
        for (std::string_view word : {"false", "False", "FALSE"})
            if (view(*s) == word)
                return false;
    }
    return wrong(value, "boolean", "write true or false");
}

Result<std::int64_t> read_integer(const Field& field, const json::value& value) {
    std::optional<std::int64_t> number;
    if (const auto* s = value.if_string())
        number = integer_of(view(*s));
    else if (const auto* i = value.if_int64())
        number = *i;
    if (!number)
        return wrong(value, "whole number");
    if (*number < field.least || *number > field.most)
        return out_of_range(std::to_string(*number), std::to_string(field.least), std::to_string(field.most),
                            field.most == INT64_MAX);
    return *number;
}

Result<std::uint64_t> read_size(const Field& field, const json::value& value) {
    std::optional<std::uint64_t> bytes;
    if (const auto* s = value.if_string())
        bytes = parse_size(view(*s));
    else if (const auto* i = value.if_int64(); i != nullptr && *i >= 0 && *i <= (std::int64_t{1} << 62))
        bytes = static_cast<std::uint64_t>(*i);
    if (!bytes)
        return wrong(value, "size", "write it like 2GiB, 500MB or a number of bytes");
    const auto signed_bytes = static_cast<std::int64_t>(*bytes);
    if (signed_bytes < field.least || signed_bytes > field.most)
        return out_of_range(format_size(*bytes), format_size(static_cast<std::uint64_t>(field.least)),
                            format_size(static_cast<std::uint64_t>(field.most)), field.most == INT64_MAX);
    return *bytes;
}

Result<Duration> read_duration(const Field& field, const json::value& value) {
    std::optional<Duration> duration;
    if (const auto* s = value.if_string()) {
        duration = parse_duration(view(*s));
        if (!duration && view(*s) == "0")
            duration = Duration{};
    } else if (const auto* i = value.if_int64(); i != nullptr && *i == 0) {
        duration = Duration{};
    }
    if (!duration)
        return wrong(value, "duration", "write it like 90s, 15m, 4h, 5d or 1h30m");
    const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
    if (seconds < field.least || seconds > field.most)
        return out_of_range(
            format_duration(*duration), format_duration(std::chrono::seconds{field.least}),
            format_duration(std::chrono::seconds{std::min<std::int64_t>(field.most, 1LL << 40)}),
            field.most == INT64_MAX);
    return *duration;
}

Result<SecretSetting> read_secret(const json::value& value, bool allow_from) {
    using Form = SecretSetting::Form;
    static constexpr std::string_view how =
        "write {from: \"env:NAME\"}, {from: \"file:PATH\"}, {hash: ...} or {keep: true}";
    SecretSetting out;
    if (const auto* s = value.if_string()) {
        out.form = s->empty() ? Form::absent : Form::value;
        out.text = view(*s);
    } else if (const auto* object = value.if_object()) {
        static constexpr std::pair<std::string_view, Form> forms[] = {
            {"value", Form::value}, {"hash", Form::hash}, {"from", Form::from}};
        for (const auto& [member, content] : *object) {
            const std::string_view key{member.data(), member.size()};
            const auto* content_text = content.if_string();
            const auto* known =
                std::find_if(std::begin(forms), std::end(forms), [&](auto& f) { return f.first == key; });
            if (key == "keep" && read_boolean(content).value_or(false) && out.form == Form::absent) {
                out.form = Form::keep;
            } else if (key == "fingerprint" && content_text != nullptr) {
                out.fingerprint = view(*content_text);
            } else if (known != std::end(forms) && content_text != nullptr && !content_text->empty() &&
                       out.form == Form::absent) {
                out.form = known->second;
                out.text = view(*content_text);
            } else {
                return fail(ErrorCode::invalid, "is no secret", std::string(how));
            }
        }
        if (out.form == Form::absent || (!out.fingerprint.empty() && out.form != Form::hash))
            return fail(ErrorCode::invalid, "is no secret", std::string(how));
    } else {
        // The value itself is never shown.
        return fail(ErrorCode::invalid, value.is_null() ? "has no value" : "is no secret", std::string(how));
    }
    if (out.form == Form::from && !allow_from)
        return fail(ErrorCode::invalid, "{from: ...} is resolved by the program that reads the document",
                    "send {\"value\": ...}");
    // A value may still carry the final newline of its file; a hash is a little longer than its parts.
    if (out.text.size() > static_cast<std::size_t>(limit::password_bytes) + 2)
        return fail(ErrorCode::invalid, "is longer than " + std::to_string(limit::password_bytes) + " bytes");
    return out;
}

namespace {

json::value write_secret(const SecretSetting& secret, bool redact) {
    using Form = SecretSetting::Form;
    if (secret.form == Form::absent)
        return nullptr;
    json::object out;
    if (redact || secret.form == Form::keep)
        out["keep"] = true;
    else if (secret.form == Form::value)
        out["value"] = secret.text;
    else if (secret.form == Form::from)
        out["from"] = secret.text;
    else {
        out["hash"] = secret.text;
        if (!secret.fingerprint.empty())
            out["fingerprint"] = secret.fingerprint;
    }
    return out;
}

template <class T, class F> json::value write_list(const void* member, F element) {
    json::array out;
    for (const auto& item : *static_cast<const std::vector<T>*>(member))
        out.push_back(element(item));
    return out;
}

} // namespace

json::value write_value(const Field& field, const void* member, bool redact) {
    const auto text = [](const std::string& s) { return json::value(s); };
    const auto number = [](std::int64_t n) { return json::value(n); };
    const auto duration = [](Duration d) { return json::value(format_duration(d)); };
    switch (field.type) {
    case FieldType::text:
        return text(*static_cast<const std::string*>(member));
    case FieldType::boolean:
        return *static_cast<const bool*>(member);
    case FieldType::integer:
        return number(*static_cast<const std::int64_t*>(member));
    case FieldType::size:
        return text(format_size(*static_cast<const Bytes*>(member)));
    case FieldType::duration:
        return duration(*static_cast<const Duration*>(member));
    case FieldType::secret:
        return write_secret(*static_cast<const SecretSetting*>(member), redact);
    case FieldType::text_list:
        return write_list<std::string>(member, text);
    case FieldType::integer_list:
        return write_list<std::int64_t>(member, number);
    case FieldType::duration_list:
        return write_list<Duration>(member, duration);
    case FieldType::object:
        break; // encode.cpp walks objects
    }
    return nullptr;
}

std::string key_of(const Field& field, std::string_view text) {
    return field.format != nullptr && field.format->key != nullptr ? field.format->key(text)
                                                                   : std::string(text);
}

} // namespace mail::schema::codec
