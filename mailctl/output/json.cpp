#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr int deepest = 64; ///< the API nests far less; deeper values are written on one line

void append(std::string& out, const json::value& value, std::size_t indent, int depth);

template <class Range, class Each>
void append_block(std::string& out, const Range& range, char open, char close, std::size_t indent, Each each) {
    out += open;
    bool first = true;
    for (const auto& one : range) {
        out += first ? "\n" : ",\n";
        first = false;
        out.append(indent + 2, ' ');
        each(one);
    }
    out += '\n';
    out.append(indent, ' ');
    out += close;
}

void append(std::string& out, const json::value& value, std::size_t indent, int depth) {
    if (const json::object* object = value.if_object(); object != nullptr && !object->empty() && depth < deepest) {
        append_block(out, *object, '{', '}', indent, [&](const json::key_value_pair& member) {
            out += json::serialize(member.key());
            out += ": ";
            append(out, member.value(), indent + 2, depth + 1);
        });
    } else if (const json::array* list = value.if_array(); list != nullptr && !list->empty() && depth < deepest) {
        append_block(out, *list, '[', ']', indent,
                     [&](const json::value& one) { append(out, one, indent + 2, depth + 1); });
    } else {
        out += json::serialize(value);
    }
}

} // namespace

std::string without_terminal_codes(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (byte != 0x7F && !c1) {
            out += text[i];
            continue;
        }
        if (c1)
            byte = static_cast<unsigned char>(text[++i]);
        out += "\\u00";
        out += hex[byte >> 4];
        out += hex[byte & 0xF];
    }
    return out;
}

std::string json_text(const json::value& value) {
    std::string out;
    append(out, value, 0, 0);
    return without_terminal_codes(out) + "\n";
}

std::string json_line(const json::value& value) { return without_terminal_codes(json::serialize(value)) + "\n"; }

} // namespace mail::mailctl
