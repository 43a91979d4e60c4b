#include "common/mail/xtext.hpp"

#include "common/base/text.hpp"

#include <charconv>

namespace mail {

std::string encode_xtext(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && c != '+' && c != '=') {
            out += c;
        } else {
            out += '+';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
    // RFC 3461 §4: xchar = "!" to "~" except "+" and "="; hexchar = "+" and two upper case hexadecimal digits.
    const auto digit = [](char c) { return text::is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '+') {
            if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return std::nullopt;
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else if (c < '!' || c > '~' || c == '=') {
            return std::nullopt;
        } else {
            out += c;
        }
    }
    return out;
}

std::string from_xtext(std::string_view text) { return decode_xtext(text).value_or(std::string()); }

namespace {

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6U);
        put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12U);
        put(0x80 | (point >> 6U & 0x3F));
        put(0x80 | (point & 0x3F));
    } else {
        put(0xF0 | point >> 18U);
        put(0x80 | (point >> 12U & 0x3F));
        put(0x80 | (point >> 6U & 0x3F));
        put(0x80 | (point & 0x3F));
    }
}

/// RFC 6533 §3: EmbeddedUnicodeChar = "\x{" HEXPOINT "}".
std::optional<std::string> decode_embedded(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (!text.starts_with('\\')) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        const std::size_t end = text.find('}');
        if (!text.starts_with("\\x{") || end == text.npos || end < 4 || end > 9)
            return std::nullopt;
        const std::string_view digits = text.substr(3, end - 3);
        std::uint32_t point = 0;
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
        const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (error != std::errc() || stop != digits.data() + digits.size() || point < 0x20 || point > 0x10FFFF || is_surrogate)
            return std::nullopt;
        append_utf8(out, point);
        text.remove_prefix(end + 1);
    }
    return text::is_utf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

} // namespace

std::string original_recipient(std::string_view orcpt) {
    const std::size_t semicolon = orcpt.find(';');
    if (semicolon == 0 || semicolon == orcpt.npos)
        return {};
    const std::string_view type = orcpt.substr(0, semicolon);
    const std::string_view address = orcpt.substr(semicolon + 1);
    const auto decoded = text::iequals(type, "utf-8") ? decode_embedded(address) : decode_xtext(address);
    return decoded ? std::string(type) + ";" + *decoded : std::string();
}

} // namespace mail
