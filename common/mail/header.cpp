#include "common/mail/header.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace mail {
namespace {

/// Offset after the line that starts at `at`.
std::size_t line_end(std::string_view s, std::size_t at) noexcept {
    const void* found = std::memchr(s.data() + at, '\n', s.size() - at);
    return found == nullptr ? s.size()
                            : static_cast<std::size_t>(static_cast<const char*>(found) - s.data()) + 1;
}

bool is_empty_line(std::string_view s, std::size_t at, std::size_t end) noexcept {
    return (end - at == 1 && s[at] == '\n') || (end - at == 2 && s[at] == '\r' && s[at + 1] == '\n');
}

bool is_fold(std::string_view s, std::size_t at) noexcept {
    return at < s.size() && (s[at] == ' ' || s[at] == '\t');
}

Field make_view(std::string_view whole) noexcept {
    Field field{{}, {}, whole};
    std::string_view text = whole;
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    const std::size_t colon = text.find(':');
    field.value = text;
    if (colon == std::string_view::npos || colon == 0)
        return field;
    std::size_t length = colon;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        --length; // RFC 5322 §4.5: obsolete syntax has blanks before the colon
    for (char c : text.substr(0, length))
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7F)
            return field;
    if (length == 0)
        return field;
    field.name = text.substr(0, length);
    field.value = text.substr(colon + 1);
    return field;
}

} // namespace

const Field* HeaderView::find(std::string_view name) const noexcept {
    for (const Field& field : fields)
        if (text::iequals(field.name, name))
            return &field;
    return nullptr;
}

std::string_view HeaderView::value(std::string_view name) const noexcept {
    const Field* field = find(name);
    return field == nullptr ? std::string_view{} : field->value;
}

std::size_t HeaderView::count(std::string_view name) const noexcept {
    std::size_t n = 0;
    for (const Field& field : fields)
        n += text::iequals(field.name, name) ? 1U : 0U;
    return n;
}

HeaderView parse_header(std::string_view message) {
    HeaderView view;
    view.fields.reserve(24);
    std::size_t at = 0;
    while (at < message.size()) {
        std::size_t end = line_end(message, at);
        if (is_empty_line(message, at, end)) {
            view.has_separator = true;
            view.section = message.substr(0, at);
            view.body_offset = end;
            return view;
        }
        // RFC 5322 §2.2.3: lines that start with a blank go on with the field before.
        while (is_fold(message, end))
            end = line_end(message, end);
        view.fields.push_back(make_view(message.substr(at, end - at)));
        at = end;
    }
    view.section = message;
    view.body_offset = message.size();
    return view;
}

std::size_t header_size(std::string_view message) noexcept {
    std::size_t at = 0;
    while (at < message.size()) {
        const std::size_t end = line_end(message, at);
        if (is_empty_line(message, at, end))
            return end;
        at = end;
    }
    return at;
}

std::string unfold(std::string_view raw_value) {
    const std::string_view trimmed = text::trim(raw_value);
    if (trimmed.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos)
        return std::string(trimmed);
    std::string out;
    out.reserve(trimmed.size());
    for (char c : trimmed)
        if (c != '\r' && c != '\n' && c != '\0')
            out += c;
    return out;
}

std::string select_fields(std::string_view header, std::span<const std::string> names, bool inverted) {
    std::vector<std::string> wanted;
    wanted.reserve(names.size());
    for (const auto& name : names)
        wanted.push_back(text::to_lower(name));
    std::sort(wanted.begin(), wanted.end());
    const HeaderView view = parse_header(header);
    std::string out;
    for (const Field& field : view.fields) {
        const bool named = !field.name.empty() &&
                           std::binary_search(wanted.begin(), wanted.end(), text::to_lower(field.name));
        if (named != inverted)
            out += field.whole;
    }
    // RFC 9051 §6.4.5.1: the empty line is part of every subset, unless the message has none.
    if (view.has_separator)
        out += "\r\n";
    return out;
}

std::string make_field(std::string_view name, std::string_view raw) {
    constexpr std::size_t width = 78; // RFC 5322 §2.1.1
    std::string value(text::trim(raw));
    for (char& c : value)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            c = ' ';
    std::string out(name);
    out += ": ";
    std::size_t column = out.size();
    std::size_t at = 0;
    bool first = true;
    while (at < value.size()) {
        std::size_t next = value.find(' ', at);
        if (next == std::string::npos)
            next = value.size();
        const std::string_view word = std::string_view(value).substr(at, next - at);
        if (!first) {
            // A fold needs visible text after it: a line of blanks would end the header for some readers.
            if (column + 1 + word.size() > width && !word.empty()) {
                out += "\r\n";
                column = 0;
            }
            out += ' ';
            ++column;
        }
        first = false;
        out += word;
        column += word.size();
        at = next + 1;
    }
    out += "\r\n";
    return out;
}

} // namespace mail
