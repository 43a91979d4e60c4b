#include "common/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace mail::text {

namespace {

// Eight characters at a time: the text of whole messages goes through here. Flips the case bit of every ASCII letter from
// `first` to `first` + 25; bytes above 127 stay as they are.
std::string flip_case(std::string_view s, char first) {
    constexpr std::uint64_t ones = 0x0101010101010101U, tops = 0x80 * ones;
    const auto from = static_cast<std::uint64_t>(first);
    std::string out(s);
    std::size_t at = 0;
    for (std::uint64_t eight = 0; at + sizeof eight <= out.size(); at += sizeof eight) {
        std::memcpy(&eight, out.data() + at, sizeof eight);
        const std::uint64_t low = eight & ~tops;
        const std::uint64_t reached = low + ones * (0x80 - from), passed = low + ones * (0x80 - from - 26);
        eight ^= (reached & ~passed & ~eight & tops) >> 2;
        std::memcpy(out.data() + at, &eight, sizeof eight);
    }
    for (; at < out.size(); ++at)
        out[at] = first == 'a' ? upper(out[at]) : lower(out[at]);
    return out;
}

} // namespace

std::string to_lower(std::string_view s) { return flip_case(s, 'A'); }
std::string to_upper(std::string_view s) { return flip_case(s, 'a'); }

bool iequals(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool istarts_with(std::string_view s, std::string_view prefix) noexcept {
    return s.size() >= prefix.size() && iequals(s.substr(0, prefix.size()), prefix);
}

std::size_t ifind(std::string_view s, std::string_view needle) noexcept {
    auto it = std::search(s.begin(), s.end(), needle.begin(), needle.end(),
                          [](char x, char y) { return lower(x) == lower(y); });
    return it == s.end() && !needle.empty() ? std::string_view::npos : static_cast<std::size_t>(it - s.begin());
}

std::string_view trim(std::string_view s) noexcept {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = s.find_first_not_of(blank);
    if (first == std::string_view::npos)
        return {};
    return s.substr(first, s.find_last_not_of(blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view s, char separator) {
    std::vector<std::string_view> out;
    for (;;) {
        const auto at = s.find(separator);
        out.push_back(s.substr(0, at));
        if (at == std::string_view::npos)
            return out;
        s.remove_prefix(at + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const auto& part : parts) {
        if (&part != parts.data())
            out += separator;
        out += part;
    }
    return out;
}

namespace {

/// Length of the valid UTF-8 character at the front of `s`, or 0.
std::size_t utf8_length(std::string_view s) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || s.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) || (first == 0xF0 && byte(1) < 0x90) ||
        (first == 0xF4 && byte(1) > 0x8F))
        return 0;
    return length;
}

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> reverse_base64 = [] {
    std::array<signed char, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < base64_digits.size(); ++i)
        table[static_cast<unsigned char>(base64_digits[i])] = static_cast<signed char>(i);
    return table;
}();

} // namespace

bool is_utf8(std::string_view s) noexcept {
    while (!s.empty()) {
        // Most mail is ASCII: eight bytes at a time.
        std::uint64_t eight = 0;
        while (s.size() >= sizeof eight) {
            std::memcpy(&eight, s.data(), sizeof eight);
            if ((eight & 0x8080808080808080U) != 0)
                break;
            s.remove_prefix(sizeof eight);
        }
        if (s.empty())
            break;
        const std::size_t length = utf8_length(s);
        if (length == 0)
            return false;
        s.remove_prefix(length);
    }
    return true;
}

std::string escape(std::string_view s, std::size_t max_bytes) {
    std::string out;
    const bool cut = s.size() > max_bytes;
    s = s.substr(0, max_bytes);
    while (!s.empty()) {
        const auto c = static_cast<unsigned char>(s[0]);
        const std::size_t length = utf8_length(s);
        // C1 controls (U+0080..U+009F) steer terminals as much as C0 ones do.
        const bool control = c < 0x20 || c == 0x7F || (length == 2 && c == 0xC2 && static_cast<unsigned char>(s[1]) < 0xA0);
        if (length == 0 || control || c == '"' || c == '\\') {
            for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i) {
                const auto b = static_cast<unsigned char>(s[i]);
                out += {'\\', 'x', hex_digits[b >> 4], hex_digits[b & 15]};
            }
        } else {
            out += s.substr(0, length);
        }
        s.remove_prefix(std::max<std::size_t>(length, 1));
    }
    if (cut)
        out += "...";
    return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1);
        for (std::size_t j = 0; j < row.size(); ++j)
            row[j] = j;
        std::vector<std::size_t> above = row;
        std::vector<std::size_t> second = row;
        for (std::size_t i = 1; i <= word.size(); ++i) {
            std::swap(second, above);
            std::swap(above, row);
            row[0] = i;
            for (std::size_t j = 1; j < row.size(); ++j) {
                const char mine = lower(word[i - 1]);
                const char theirs = lower(candidate[j - 1]);
                row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (mine == theirs ? 0U : 1U)});
                // Two neighbours swapped are one slip of the fingers.
                if (i > 1 && j > 1 && mine == lower(candidate[j - 2]) && lower(word[i - 2]) == theirs)
                    row[j] = std::min(row[j], second[j - 2] + 1);
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (char c : bytes) {
        const auto b = static_cast<unsigned char>(c);
        out += hex_digits[b >> 4];
        out += hex_digits[b & 15];
    }
    return out;
}

std::optional<std::string> unhex(std::string_view digits) {
    if (digits.size() % 2 != 0)
        return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = hex_digits.find(lower(digits[i]));
        const auto low = hex_digits.find(lower(digits[i + 1]));
        if (high == std::string_view::npos || low == std::string_view::npos)
            return std::nullopt;
        out += static_cast<char>(high << 4 | low);
    }
    return out;
}

std::string base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t word = 0;
        for (std::size_t j = 0; j < 3; ++j)
            word = word << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out += j <= left ? base64_digits[word >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

std::optional<std::string> unbase64(std::string_view encoded) {
    if (encoded.size() % 4 != 0)
        return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < encoded.size() && encoded[encoded.size() - 1 - padding] == '=')
        ++padding;
    std::string out;
    out.reserve(encoded.size() / 4 * 3);
    const std::size_t digits = encoded.size() - padding;
    std::uint32_t word = 0;
    unsigned bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const signed char value = reverse_base64[static_cast<unsigned char>(encoded[i])];
        if (value < 0)
            return std::nullopt;
        word = word << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(word >> bits & 255);
        }
    }
    // RFC 4648 §3.5: pad bits must be zero, so that one value has one encoding.
    if ((word & ((1U << bits) - 1)) != 0)
        return std::nullopt;
    return out;
}

} // namespace mail::text
