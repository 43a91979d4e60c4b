// Content transfer encodings of RFC 2045 §6: lenient decoders, strict encoders.
#include "common/mail/encoded.hpp"

#include "common/base/text.hpp"

#include <array>

namespace mail {
namespace {

constexpr std::size_t longest_line = 76; // RFC 2045 §6.7, §6.8

constexpr std::array<signed char, 256> base64_values = [] {
    std::array<signed char, 256> table{};
    table.fill(-1);
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < digits.size(); ++i)
        table[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
    return table;
}();

int hex_value(char c) noexcept {
    if (text::is_digit(c))
        return c - '0';
    const char low = text::lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// Decodes one line without its line end into `out`; true when it ends in a soft line break.
bool decode_quoted_line(std::string_view line, std::string& out) {
    // RFC 2045 §6.7 (3): blanks at the end of a line were added in transport.
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
        line.remove_suffix(1);
    const bool soft = line.ends_with('=');
    if (soft)
        line.remove_suffix(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '=' && i + 2 < line.size() && hex_value(line[i + 1]) >= 0 &&
            hex_value(line[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(line[i + 1]) * 16 + hex_value(line[i + 2]));
            i += 2;
        } else {
            out += line[i];
        }
    }
    return soft;
}

void append_quoted(std::string& out, std::size_t& column, char c, bool literal) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const std::size_t need = literal ? 1 : 3;
    if (column + need > longest_line - 1) {
        out += "=\r\n";
        column = 0;
    }
    if (literal) {
        out += c;
    } else {
        const auto byte = static_cast<unsigned char>(c);
        out += {'=', digits[byte >> 4], digits[byte & 15]};
    }
    column += need;
}

} // namespace

std::string decode_base64(std::string_view encoded, bool* clean) {
    std::string out;
    out.reserve(encoded.size() / 4 * 3 + 3);
    std::uint32_t word = 0;
    unsigned count = 0;
    bool good = true, padded = false;
    for (char c : encoded) {
        const int value = base64_values[static_cast<unsigned char>(c)];
        if (value < 0) {
            if (c == '=') {
                // Padding ends a quantum; some programs join several encoded pieces, so reading goes on.
                good = good && (count >= 2 || padded);
                count = 0;
                word = 0;
                padded = true;
            } else if (c != '\r' && c != '\n') {
                good = false;
            }
            continue;
        }
        good = good && !padded;
        word = word << 6 | static_cast<std::uint32_t>(value);
        ++count;
        if (count >= 2)
            out += static_cast<char>(word >> (count == 2 ? 4 : count == 3 ? 2 : 0) & 0xFF);
        if (count == 4) {
            count = 0;
            word = 0;
        }
    }
    if (clean != nullptr)
        *clean = good && count == 0;
    return out;
}

std::string decode_quoted_printable(std::string_view encoded) {
    std::string out;
    out.reserve(encoded.size());
    std::size_t at = 0;
    while (at < encoded.size()) {
        std::size_t end = encoded.find('\n', at);
        const bool ended = end != std::string_view::npos;
        if (!ended)
            end = encoded.size();
        std::string_view line = encoded.substr(at, end - at);
        const bool crlf = ended && line.ends_with('\r');
        if (crlf)
            line.remove_suffix(1);
        if (!decode_quoted_line(line, out) && ended)
            out += crlf ? "\r\n" : "\n";
        at = end + 1;
    }
    return out;
}

std::string encode_base64_lines(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() / 57 * 78 + 80);
    for (std::size_t at = 0; at < bytes.size(); at += 57) {
        out += text::base64(bytes.substr(at, 57));
        out += "\r\n";
    }
    return out;
}

std::string encode_quoted_printable(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    std::size_t column = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        const bool line_end = c == '\n' || (c == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n');
        if (line_end) {
            i += c == '\r' ? 1U : 0U;
            out += "\r\n";
            column = 0;
            continue;
        }
        const bool before_end = i + 1 == bytes.size() || bytes[i + 1] == '\n' || bytes[i + 1] == '\r';
        const bool blank = c == ' ' || c == '\t';
        // RFC 2045 §6.7 (3): a blank at the end of a line is encoded.
        append_quoted(out, column, c, (c > ' ' && c <= '~' && c != '=') || (blank && !before_end));
    }
    return out;
}

Result<std::string> decode_transfer(std::string_view body, std::string_view encoding) {
    if (encoding.empty() || text::iequals(encoding, "7bit") || text::iequals(encoding, "8bit") ||
        text::iequals(encoding, "binary"))
        return std::string(body);
    if (text::iequals(encoding, "base64"))
        return decode_base64(body);
    if (text::iequals(encoding, "quoted-printable"))
        return decode_quoted_printable(body);
    return fail(ErrorCode::unsupported, "unknown content transfer encoding " + text::escape(encoding, 40));
}

} // namespace mail
