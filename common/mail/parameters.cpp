// MIME parameters: the syntax of RFC 2045 §5.1 read leniently, and RFC 2231 continuations and charsets.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/mime.hpp"
#include "common/mail/scanner.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace mail {
namespace {

/// An unquoted value: up to ';', a line end, or a comment after a blank. Blanks inside stay, as file names
/// without quotes have them.
std::string read_plain_value(Scanner& scan) {
    const std::string_view rest = scan.rest();
    std::size_t end = 0;
    while (end < rest.size() && rest[end] != ';' && rest[end] != '\r' && rest[end] != '\n' &&
           !(rest[end] == '(' && end > 0 && Scanner::is_blank(rest[end - 1])))
        ++end;
    scan.skip(end);
    std::string value(text::trim(rest.substr(0, end)));
    std::erase(value, '\0');
    return value;
}

/// Moves to the next parameter: after ';', or on a new line, where some programs (and the examples of RFC
/// 2231 §3) forget it. False at the end.
bool next_parameter(Scanner& scan) {
    std::string ignored;
    while (!scan.done()) {
        const char c = scan.peek();
        if (scan.take(';'))
            return true;
        if (c == '"') {
            ignored.clear();
            scan.read_quoted(ignored);
        } else if (scan.skip_blanks()) {
            if ((c == '\r' || c == '\n') && text::is_alnum(scan.peek()))
                return true;
        } else {
            scan.skip();
        }
    }
    return false;
}

void read_parameters(Scanner& scan, std::vector<Parameter>& out) {
    while (out.size() < limit::mime_parameters && next_parameter(scan)) {
        scan.skip_blanks();
        Parameter parameter;
        parameter.name = text::to_lower(scan.read_until("=;\"("));
        if (scan.peek() != '\r' && scan.peek() != '\n')
            scan.skip_blanks();
        if (parameter.name.empty() || !scan.take('='))
            continue;
        scan.skip_blanks();
        if (scan.peek() == '"')
            scan.read_quoted(parameter.value);
        else
            parameter.value = read_plain_value(scan);
        // The first of two equal names counts: a later one is a way to show two readers two things.
        const bool known =
            std::any_of(out.begin(), out.end(), [&](const Parameter& p) { return p.name == parameter.name; });
        if (!known)
            out.push_back(std::move(parameter));
    }
}

/// "name*2*" taken apart (RFC 2231 §3, §4).
struct ExtendedName {
    std::string_view base;
    int section = -1; ///< -1: not a continuation
    bool encoded = false;
};

ExtendedName split_name(std::string_view name) {
    ExtendedName out{name};
    if (name.size() > 1 && name.back() == '*') {
        out.encoded = true;
        out.base = name = name.substr(0, name.size() - 1);
    }
    const auto star = name.rfind('*');
    if (star == std::string_view::npos || star == 0)
        return out;
    const std::string_view digits = name.substr(star + 1);
    // RFC 2231 §3: no leading zeros.
    const auto section = digits.size() <= 4 && (digits == "0" || !digits.starts_with('0'))
                             ? text::number<unsigned>(digits)
                             : std::nullopt;
    if (section) {
        out.section = static_cast<int>(*section);
        out.base = name.substr(0, star);
    }
    return out;
}

std::string undo_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = text[i] == '%' ? text::unhex(text.substr(i + 1, 2)) : std::nullopt;
        if (byte && byte->size() == 1) {
            out += *byte;
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

struct Pieces {
    std::map<int, std::pair<std::string_view, bool>> sections; ///< number -> value, percent-encoded
    std::size_t first = 0;                                     ///< position of the first appearance
};

/// Sections in a row up to the first gap; the charset stands before the first value (RFC 2231 §4).
std::string join_sections(const Pieces& pieces) {
    std::string_view charset;
    std::string bytes;
    int expected = pieces.sections.begin()->first;
    bool first_section = true;
    for (const auto& [number, section] : pieces.sections) {
        if (number != expected)
            break;
        auto [value, encoded] = section;
        if (encoded && std::exchange(first_section, false)) {
            const auto first = value.find('\'');
            const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
            if (second != std::string_view::npos) {
                charset = value.substr(0, first);
                value.remove_prefix(second + 1);
            }
        }
        bytes += encoded ? undo_percent(value) : std::string(value);
        if (expected++ == -1)
            break;
    }
    return to_utf8_lenient(bytes, charset);
}

} // namespace

ParameterizedValue parse_parameterized(std::string_view raw_value) {
    ParameterizedValue out;
    Scanner scan(raw_value);
    scan.skip_blanks();
    out.value = text::to_lower(scan.read_until(";/(\""));
    scan.skip_blanks();
    if (scan.take('/')) {
        scan.skip_blanks();
        out.value += '/';
        out.value += text::to_lower(scan.read_until(";/(\""));
    }
    read_parameters(scan, out.parameters);
    return out;
}

std::vector<Parameter> decode_parameters(const std::vector<Parameter>& raw) {
    std::map<std::string_view, Pieces> extended;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const ExtendedName name = split_name(raw[i].name);
        if (name.section < 0 && !name.encoded)
            continue;
        auto& pieces = extended.try_emplace(name.base, Pieces{{}, i}).first->second;
        pieces.sections.try_emplace(name.section, raw[i].value, name.encoded);
    }
    std::vector<Parameter> out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const ExtendedName name = split_name(raw[i].name);
        const auto found = extended.find(name.base);
        if (found == extended.end()) {
            out.push_back({raw[i].name, decode_header(raw[i].value)});
        } else if (found->second.first == i) {
            // RFC 2231 over a plain value of the same name: the plain one is for old readers.
            std::string value = join_sections(found->second);
            std::erase(value, '\0');
            out.push_back({std::string(name.base), std::move(value)});
        }
    }
    return out;
}

} // namespace mail
