// ASCII-only text helpers. Protocol words are ASCII: nothing here looks at the locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mail::text {

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
[[nodiscard]] constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
[[nodiscard]] constexpr bool is_ascii(std::string_view s) noexcept {
    std::size_t at = 0;
    // Eight bytes at a time: whole messages are asked about.
    if (!std::is_constant_evaluated()) {
        for (std::uint64_t word = 0; s.size() - at >= sizeof word; at += sizeof word) {
            std::memcpy(&word, s.data() + at, sizeof word);
            if ((word & 0x8080808080808080ULL) != 0)
                return false;
        }
    }
    for (; at < s.size(); ++at)
        if (static_cast<unsigned char>(s[at]) >= 128)
            return false;
    return true;
}
[[nodiscard]] std::string to_lower(std::string_view s);
[[nodiscard]] std::string to_upper(std::string_view s);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool istarts_with(std::string_view s, std::string_view prefix) noexcept;
/// Position of `needle` in `s` ignoring ASCII case, or npos.
[[nodiscard]] std::size_t ifind(std::string_view s, std::string_view needle) noexcept;
/// Without leading and trailing spaces, tabs, CR and LF.
[[nodiscard]] std::string_view trim(std::string_view s) noexcept;
[[nodiscard]] std::vector<std::string_view> split(std::string_view s, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view s) noexcept;
/// Control characters, quotes, backslashes and bytes that are not UTF-8 become \xNN, for logs and terminals.
[[nodiscard]] std::string escape(std::string_view s, std::size_t max_bytes = 1024);
/// The nearest candidate within a third of its length in edits, or empty: "did you mean".
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The whole of `s` as an unsigned or signed decimal number without sign tricks; nullopt on anything else or overflow.
template <class T = std::uint64_t> [[nodiscard]] std::optional<T> number(std::string_view s) noexcept {
    T value{};
    if (s.empty() || !(is_digit(s[0]) || (s[0] == '-' && std::is_signed_v<T>)))
        return std::nullopt;
    auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (error != std::errc{} || end != s.data() + s.size())
        return std::nullopt;
    return value;
}

[[nodiscard]] std::string hex(std::string_view bytes);
[[nodiscard]] std::optional<std::string> unhex(std::string_view digits);
[[nodiscard]] std::string base64(std::string_view bytes);
/// Strict RFC 4648 §4: padding required, no white space.
[[nodiscard]] std::optional<std::string> unbase64(std::string_view encoded);

} // namespace mail::text
