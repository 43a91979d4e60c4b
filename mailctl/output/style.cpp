#include "mailctl/output/style.hpp"

#include <array>
#include <clocale>
#include <cwchar>
#include <locale.h>

namespace mail::mailctl {
namespace {

struct Decoded {
    char32_t code = 0;
    std::size_t size = 1;
    bool valid = false;
};

/// The character at `at`; not valid for overlong forms, surrogates and broken sequences (size is then 1).
Decoded decode(std::string_view s, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(at);
    if (lead < 0x80)
        return {lead, 1, true};
    const std::size_t size = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC2 && lead < 0xE0 ? 2 : 0;
    if (size == 0 || at + size > s.size())
        return {};
    char32_t code = lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80)
            return {};
        code = (code << 6) | (byte(at + i) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return {};
    return {code, size, true};
}

/// Characters that change how the rest of a line reads: C0, DEL, C1, line separators, direction marks and overrides.
bool is_dangerous(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F ||
           c == 0x061C || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

/// wcwidth with a UTF-8 locale of its own; made on the first character that is not ASCII.
std::size_t width_of(char32_t c) {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 == nullptr)
        return 1;
    const locale_t before = uselocale(utf8);
    const int width = wcwidth(static_cast<wchar_t>(c));
    uselocale(before);
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

void append_hex(std::string& out, std::uint32_t value, int digits) {
    constexpr std::string_view hex = "0123456789abcdef";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        out += hex[(value >> shift) & 0xF];
}

void append_escaped(std::string& out, char32_t c) {
    switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    out += c < 0x80 ? "\\x" : "\\u";
    append_hex(out, c, c < 0x80 ? 2 : 4);
}

} // namespace

std::size_t display_width(std::string_view utf8) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < utf8.size();) {
        const Decoded one = decode(utf8, at);
        width += !one.valid || one.code < 0x80 ? 1 : width_of(one.code);
        at += one.size;
    }
    return width;
}

std::string clean(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Decoded one = decode(text, at);
        if (!one.valid) {
            out += "\\x";
            append_hex(out, static_cast<unsigned char>(text[at]), 2);
        } else if (is_dangerous(one.code)) {
            append_escaped(out, one.code);
        } else {
            out += text.substr(at, one.size);
        }
        at += one.size;
    }
    return out;
}

std::string clipped(std::string_view text, std::size_t width) {
    if (text.size() <= width || display_width(text) <= width)
        return std::string(text);
    if (width == 0)
        return {};
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const Decoded one = decode(text, at);
        const std::size_t more = !one.valid || one.code < 0x80 ? 1 : width_of(one.code);
        if (used + more > width - 1)
            break;
        used += more;
        at += one.size;
    }
    return std::string(text.substr(0, at)) + "…";
}

std::string padded(std::string_view text, std::size_t width, bool right) {
    const std::size_t have = display_width(text);
    const std::string fill(have < width ? width - have : 0, ' ');
    return right ? fill + std::string(text) : std::string(text) + fill;
}

std::string toned(std::string_view text, Tone tone, bool colour) {
    if (!colour || tone == Tone::plain || text.empty())
        return std::string(text);
    constexpr std::array<std::string_view, 6> codes{"", "1", "32", "33", "31", "2"};
    return "\x1b[" + std::string(codes[static_cast<std::size_t>(tone)]) + "m" + std::string(text) + "\x1b[0m";
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    std::size_t used = indent;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        const std::size_t size = display_width(word);
        if (used > indent && used + 1 + size > width) {
            out += '\n';
            out.append(indent, ' ');
            used = indent;
        } else if (used > indent) {
            out += ' ';
            ++used;
        }
        out += word;
        used += size;
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    }
    return out;
}

} // namespace mail::mailctl
