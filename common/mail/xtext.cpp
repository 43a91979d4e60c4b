#include "common/mail/xtext.hpp"

#include "common/base/text.hpp"

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

} // namespace mail
