// Charsets and Unicode forms through ICU. Converters are opened per call; the common charsets do not need
// one.
#include "common/mail/encoded.hpp"

#include "common/base/text.hpp"

#include <array>
#include <memory>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

namespace mail {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct CloseConverter {
    void operator()(UConverter* converter) const noexcept { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

/// Names go to ICU only when they look like a charset: it would search data files for anything else.
Converter open_converter(std::string_view charset) {
    if (charset.empty() || charset.size() > 60)
        return nullptr;
    for (char c : charset)
        if (!text::is_alnum(c) && std::string_view("-_.:+()").find(c) == std::string_view::npos)
            return nullptr;
    UErrorCode status = U_ZERO_ERROR;
    Converter converter{ucnv_open(std::string(charset).c_str(), &status)};
    return U_SUCCESS(status) ? std::move(converter) : nullptr;
}

enum class Common { utf8, latin, other };

Common classify(std::string_view charset) noexcept {
    if (charset.empty() || text::iequals(charset, "utf-8") || text::iequals(charset, "utf8") ||
        text::iequals(charset, "us-ascii") || text::iequals(charset, "ascii"))
        return Common::utf8;
    // Programs that say iso-8859-1 mean windows-1252: what differs are control characters nobody sends.
    if (text::iequals(charset, "iso-8859-1") || text::iequals(charset, "windows-1252") ||
        text::iequals(charset, "latin1") || text::iequals(charset, "cp1252"))
        return Common::latin;
    return Common::other;
}

void append_code_point(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0x10000) {
        out += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                static_cast<char>(0x80 | (c & 63))};
    } else {
        out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
                static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    }
}

/// windows-1252 0x80 to 0x9F.
constexpr std::array<std::uint16_t, 32> latin_high{
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

std::string from_latin(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 4);
    for (char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        append_code_point(out, byte >= 0x80 && byte < 0xA0 ? latin_high[byte - 0x80U] : byte);
    }
    return out;
}

/// ICU works in pieces, so that memory stays near the size of the result.
std::string convert(UConverter* converter, std::string_view bytes) {
    std::string out;
    std::array<UChar, 2048> wide{};
    std::array<char, 3 * 2048 + 8> narrow{};
    const char* source = bytes.data();
    const char* const end = source + bytes.size();
    UChar held = 0; // a leading surrogate whose other half comes with the next piece
    for (bool more = true; more;) {
        UErrorCode status = U_ZERO_ERROR;
        UChar* target = wide.data();
        if (held != 0)
            *target++ = held;
        held = 0;
        ucnv_toUnicode(converter, &target, wide.data() + wide.size(), &source, end, nullptr, true, &status);
        more = status == U_BUFFER_OVERFLOW_ERROR;
        auto count = static_cast<int32_t>(target - wide.data());
        if (more && count > 1 && U16_IS_LEAD(wide[static_cast<std::size_t>(count) - 1]))
            held = wide[static_cast<std::size_t>(--count)];
        int32_t length = 0;
        UErrorCode narrow_status = U_ZERO_ERROR;
        u_strToUTF8WithSub(narrow.data(), static_cast<int32_t>(narrow.size()), &length, wide.data(), count,
                           0xFFFD, nullptr, &narrow_status);
        if (U_SUCCESS(narrow_status))
            out.append(narrow.data(), static_cast<std::size_t>(length));
        if (U_FAILURE(status) && !more)
            break;
    }
    return out;
}

std::u16string widen(std::string_view utf8) {
    // UTF-16 never has more units than UTF-8 has bytes.
    std::u16string out(utf8.size() + 1, u'\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(out.data(), static_cast<int32_t>(out.size()), &length, utf8.data(),
                         static_cast<int32_t>(utf8.size()), 0xFFFD, nullptr, &status);
    out.resize(U_SUCCESS(status) ? static_cast<std::size_t>(length) : 0);
    return out;
}

std::string narrow(std::u16string_view wide) {
    std::string out(wide.size() * 3 + 1, '\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(out.data(), static_cast<int32_t>(out.size()), &length, wide.data(),
                       static_cast<int32_t>(wide.size()), 0xFFFD, nullptr, &status);
    out.resize(U_SUCCESS(status) ? static_cast<std::size_t>(length) : 0);
    return out;
}

std::u16string normalize(const UNormalizer2* form, std::u16string_view wide) {
    std::u16string out(wide.size() + 16, u'\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
        UErrorCode status = U_ZERO_ERROR;
        const int32_t n = unorm2_normalize(form, wide.data(), static_cast<int32_t>(wide.size()), out.data(),
                                           static_cast<int32_t>(out.size()), &status);
        out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        if (U_SUCCESS(status))
            return out;
    }
    return std::u16string(wide);
}

} // namespace

std::string scrub_utf8(std::string_view bytes) {
    if (text::is_utf8(bytes))
        return std::string(bytes);
    std::string out;
    out.reserve(bytes.size() + 16);
    for (std::size_t at = 0; at < bytes.size();) {
        const auto first = static_cast<unsigned char>(bytes[at]);
        const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        const std::string_view candidate = bytes.substr(at, length);
        if (candidate.size() == length && text::is_utf8(candidate)) {
            out += candidate;
            at += length;
        } else {
            out += replacement;
            ++at;
        }
    }
    return out;
}

std::string_view truncate_utf8(std::string_view utf8, std::size_t max_bytes) noexcept {
    if (utf8.size() <= max_bytes)
        return utf8;
    std::size_t end = max_bytes;
    for (int back = 0; back < 3 && end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80; ++back)
        --end;
    return utf8.substr(0, end);
}

bool is_known_charset(std::string_view charset) {
    return !charset.empty() && (classify(charset) != Common::other || open_converter(charset) != nullptr);
}

Result<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
    switch (classify(charset)) {
    case Common::utf8:
        return scrub_utf8(bytes);
    case Common::latin:
        return from_latin(bytes);
    case Common::other:
        break;
    }
    const Converter converter = open_converter(charset);
    if (!converter)
        return fail(ErrorCode::unsupported, "unknown charset " + text::escape(charset, 60));
    return convert(converter.get(), bytes);
}

std::string to_utf8_lenient(std::string_view bytes, std::string_view charset) {
    // Text that claims to be ASCII or says nothing, yet is not valid UTF-8, is most likely western.
    if (classify(charset) == Common::utf8)
        return text::is_utf8(bytes)              ? std::string(bytes)
               : text::iequals(charset, "utf-8") ? scrub_utf8(bytes)
                                                 : from_latin(bytes);
    auto converted = to_utf8(bytes, charset);
    if (converted)
        return std::move(converted).value();
    return text::is_utf8(bytes) ? std::string(bytes) : from_latin(bytes);
}

std::string casemap(std::string_view utf8) {
    if (text::is_ascii(utf8))
        return text::to_upper(utf8);
    const std::u16string wide = widen(utf8);
    std::u16string titled;
    titled.reserve(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
        UChar32 c = wide[i];
        if (U16_IS_LEAD(wide[i]) && i + 1 < wide.size() && U16_IS_TRAIL(wide[i + 1])) {
            c = U16_GET_SUPPLEMENTARY(wide[i], wide[i + 1]);
            ++i;
        }
        // RFC 5051 §2 (2): title case of single characters, then (3) decomposition as often as possible.
        c = u_totitle(c);
        if (U_IS_BMP(c)) {
            titled += static_cast<char16_t>(c);
        } else {
            titled += static_cast<char16_t>(U16_LEAD(c));
            titled += static_cast<char16_t>(U16_TRAIL(c));
        }
    }
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* form = unorm2_getNFKDInstance(&status);
    return U_SUCCESS(status) ? narrow(normalize(form, titled)) : text::to_upper(utf8);
}

std::string to_nfc(std::string_view utf8) {
    if (text::is_ascii(utf8) || !text::is_utf8(utf8))
        return std::string(utf8);
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* form = unorm2_getNFCInstance(&status);
    return U_SUCCESS(status) ? narrow(normalize(form, widen(utf8))) : std::string(utf8);
}

} // namespace mail
