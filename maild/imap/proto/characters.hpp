// Character classes of RFC 9051 §9, for the framer and the parsers.
#pragma once

namespace mail::imap {

[[nodiscard]] constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
}
[[nodiscard]] constexpr bool is_8bit(char c) noexcept { return static_cast<unsigned char>(c) >= 0x80; }
[[nodiscard]] constexpr bool is_atom_char(char c) noexcept {
    return !is_control(c) && !is_8bit(c) && c != '(' && c != ')' && c != '{' && c != ' ' && c != '%' && c != '*' &&
           c != '"' && c != '\\' && c != ']';
}
[[nodiscard]] constexpr bool is_astring_char(char c) noexcept { return is_atom_char(c) || c == ']'; }
[[nodiscard]] constexpr bool is_list_char(char c) noexcept { return is_astring_char(c) || c == '%' || c == '*'; }

} // namespace mail::imap
