#include "common/base/text.hpp"
#include "common/schema/yaml.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace mail::schema {

namespace json = boost::json;

namespace {

constexpr std::size_t widest_flow = 96;

std::string_view view(json::string_view s) {
    return {s.data(), s.size()};
}

/// Words and numbers that some YAML reader would not take for text.
bool looks_typed(std::string_view s) {
    for (std::string_view word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
        if (text::iequals(s, word))
            return true;
    const auto numeric = [](char c) {
        return text::is_digit(c) ||
               std::string_view("+-._:eExXoOaAbBcCdDfF").find(c) != std::string_view::npos;
    };
    const std::size_t sign = s.starts_with('-') || s.starts_with('+') || s.starts_with('.') ? 1 : 0;
    return s.size() > sign && text::is_digit(s[sign]) && std::all_of(s.begin(), s.end(), numeric);
}

bool is_plain_safe(std::string_view s) {
    if (s.empty() || s.size() > 200 || s.back() == ' ' || looks_typed(s))
        return false;
    if (!text::is_alnum(s.front()) && s.front() != '/')
        return false;
    return std::all_of(s.begin(), s.end(), [](char c) {
        return text::is_alnum(c) || std::string_view(" ._/@+-'").find(c) != std::string_view::npos;
    });
}

/// Double-quoted wherever plain text could be misread.
std::string scalar(std::string_view s) {
    if (is_plain_safe(s))
        return std::string(s);
    static constexpr std::string_view digits = "0123456789abcdef";
    // Line and paragraph separators and the byte order mark would be breaks or nothing to some readers.
    static constexpr std::pair<std::string_view, std::string_view> special[] = {{"\xc2\x85", "\\u0085"},
                                                                                {"\xe2\x80\xa8", "\\u2028"},
                                                                                {"\xe2\x80\xa9", "\\u2029"},
                                                                                {"\xef\xbb\xbf", "\\uFEFF"}};
    std::string out = "\"";
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto byte = static_cast<unsigned char>(s[i]);
        const auto found = std::find_if(std::begin(special), std::end(special), [&](const auto& entry) {
            return s.substr(i).starts_with(entry.first);
        });
        if (found != std::end(special)) {
            out += found->second;
            i += found->first.size() - 1;
        } else if (byte == '"' || byte == '\\') {
            out += '\\';
            out += s[i];
        } else if (byte < 32 || byte == 127) {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += s[i];
        }
    }
    return out + "\"";
}

std::string flow(const json::value& value) {
    if (const auto* s = value.if_string())
        return scalar(view(*s));
    std::string out;
    if (const auto* array = value.if_array()) {
        for (const auto& item : *array)
            out += (out.empty() ? "" : ", ") + flow(item);
        return "[" + out + "]";
    }
    if (const auto* object = value.if_object()) {
        for (const auto& [key, item] : *object)
            out += (out.empty() ? "" : ", ") + scalar(view(key)) + ": " + flow(item);
        return "{" + out + "}";
    }
    return json::serialize(value);
}

struct Writer {
    std::string out;

    /// After "key:" or "-": the value on the same line when it is short, else as a block below.
    void value(const json::value& v, std::size_t indent, std::size_t used) {
        const std::string line = flow(v);
        const bool is_empty =
            (v.is_object() && v.get_object().empty()) || (v.is_array() && v.get_array().empty());
        if (!(v.is_object() || v.is_array()) || is_empty || line.size() + used + 1 <= widest_flow) {
            out += " " + line + "\n";
            return;
        }
        out += "\n";
        block(v, indent + 2);
    }

    void block(const json::value& v, std::size_t indent) {
        const std::string pad(indent, ' ');
        if (const auto* object = v.if_object()) {
            for (const auto& [key, item] : *object) {
                const std::string head = pad + scalar(view(key)) + ":";
                out += head;
                value(item, indent, head.size());
            }
        } else if (const auto* array = v.if_array()) {
            for (const auto& item : *array) {
                out += pad + "-";
                value(item, indent, indent + 1);
            }
        }
    }

    void commented(const Kind& kind, const json::object& spec, std::size_t indent) {
        const std::string pad(indent, ' ');
        for (const auto& [key, item] : spec) {
            if (const Field* field = kind.find(view(key)))
                out += pad + "# " + std::string(field->doc) + "\n";
            const std::string head = pad + scalar(view(key)) + ":";
            out += head;
            value(item, indent, head.size());
        }
    }

    void spec(const Kind& kind, const json::object& spec_object, std::size_t indent, std::size_t used,
              bool comments) {
        if (spec_object.empty() || !comments)
            return value(json::value(spec_object), indent, used);
        out += "\n";
        commented(kind, spec_object, indent + 2);
    }
};

} // namespace

std::string json_to_yaml(const json::value& value) {
    Writer writer;
    const bool is_empty =
        (value.is_object() && value.get_object().empty()) || (value.is_array() && value.get_array().empty());
    if (is_empty || !(value.is_object() || value.is_array()))
        return flow(value) + "\n";
    writer.block(value, 0);
    return std::move(writer.out);
}

std::string write_yaml(std::span<const Document> documents, const YamlOptions& options, Kinds kinds) {
    Writer writer;
    if (!options.schema_url.empty())
        writer.out += "# yaml-language-server: $schema=" + options.schema_url + "\n";
    bool is_first = true;
    for (const Kind* kind : kinds) {
        std::vector<const Document*> own;
        for (const auto& document : documents)
            if (document.kind == kind->name)
                own.push_back(&document);
        std::sort(own.begin(), own.end(), [](auto* a, auto* b) { return a->name < b->name; });
        const auto head = [&] {
            writer.out += is_first ? "" : "---\n";
            is_first = false;
            if (options.comments)
                writer.out += "# " + std::string(kind->doc) + "\n";
            writer.out += "kind: " + std::string(kind->name) + "\n";
        };
        const bool bulk = options.bulk && own.size() > 1;
        if (bulk) {
            head();
            writer.out += "items:\n";
        }
        for (const Document* document : own) {
            if (bulk) {
                const std::string line = "  " + scalar(document->name) + ":";
                writer.out += line;
                writer.spec(*kind, *document->spec, 2, line.size(), options.comments);
            } else {
                head();
                writer.out += "name: " + scalar(document->name) + "\nspec:";
                writer.spec(*kind, *document->spec, 0, 5, options.comments);
            }
        }
    }
    return std::move(writer.out);
}

} // namespace mail::schema
