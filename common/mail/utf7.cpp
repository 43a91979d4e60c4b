#include "common/mail/utf7.hpp"

#include "common/base/text.hpp"

#include <array>
#include <cstdint>

namespace mail {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr auto make_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return values;
}
constexpr auto values = make_values();

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}

// One UTF-16 unit; keeps a high surrogate until its partner comes. False when the text breaks a rule.
bool take_unit(std::string& out, std::uint32_t unit, std::uint32_t& high) {
    if (high != 0) {
        if (unit < 0xDC00 || unit > 0xDFFF)
            return false;
        append_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
        high = 0;
        return true;
    }
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return false;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        high = unit;
        return true;
    }
    // RFC 3501 §5.1.3: printable ASCII stands for itself and is never encoded.
    if (unit >= 0x20 && unit <= 0x7E)
        return false;
    append_utf8(out, unit);
    return true;
}

// The base64 between "&" and "-".
bool decode_shift(std::string& out, std::string_view base64) {
    std::uint32_t bits = 0, high = 0;
    int held = 0;
    for (char c : base64) {
        const int value = values[static_cast<unsigned char>(c)];
        if (value < 0)
            return false;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 16) {
            held -= 16;
            if (!take_unit(out, (bits >> held) & 0xFFFF, high))
                return false;
            bits &= (1U << held) - 1;
        }
    }
    return held < 6 && bits == 0 && high == 0;
}

// The code point at text[at], moving `at` past it; U+FFFD for one byte that is not UTF-8.
std::uint32_t next_code(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    const auto piece = text.substr(at, size);
    if (piece.size() < size || !text::is_utf8(piece)) {
        ++at;
        return 0xFFFD;
    }
    at += size;
    if (size == 1)
        return lead;
    std::uint32_t code = lead & (0xFFU >> (size + 1));
    for (char c : piece.substr(1))
        code = (code << 6) | (static_cast<unsigned char>(c) & 0x3F);
    return code;
}

class ShiftWriter {
  public:
    explicit ShiftWriter(std::string& out) : out_(out) {}
    void unit(std::uint32_t unit) {
        if (!open_)
            out_ += '&';
        open_ = true;
        bits_ = (bits_ << 16) | unit;
        held_ += 16;
        while (held_ >= 6) {
            held_ -= 6;
            out_ += alphabet[(bits_ >> held_) & 0x3F];
        }
        bits_ &= (1U << held_) - 1;
    }
    void close() {
        if (!open_)
            return;
        if (held_ > 0)
            out_ += alphabet[(bits_ << (6 - held_)) & 0x3F];
        out_ += '-';
        open_ = false;
        bits_ = 0;
        held_ = 0;
    }

  private:
    std::string& out_;
    std::uint32_t bits_ = 0;
    int held_ = 0;
    bool open_ = false;
};

} // namespace

std::optional<std::string> decode_utf7(std::string_view encoded) {
    std::string out;
    bool after_shift = false; // "&AMQ-&AMQ-" is a superfluous shift (RFC 3501 §5.1.3)
    for (std::size_t at = 0; at < encoded.size();) {
        const char c = encoded[at];
        if (c != '&') {
            if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E)
                return std::nullopt;
            out += c;
            ++at;
            after_shift = false;
            continue;
        }
        const auto end = encoded.find('-', at + 1);
        if (end == std::string_view::npos)
            return std::nullopt;
        const auto base64 = encoded.substr(at + 1, end - at - 1);
        if (base64.empty()) {
            out += '&';
            after_shift = false;
        } else {
            if (after_shift || !decode_shift(out, base64))
                return std::nullopt;
            after_shift = true;
        }
        at = end + 1;
    }
    return out;
}

std::string encode_utf7(std::string_view utf8) {
    std::string out;
    ShiftWriter shift(out);
    for (std::size_t at = 0; at < utf8.size();) {
        const auto code = next_code(utf8, at);
        if (code >= 0x20 && code <= 0x7E) {
            shift.close();
            out += static_cast<char>(code);
            if (code == '&')
                out += '-';
        } else if (code >= 0x10000) {
            shift.unit(0xD800 + ((code - 0x10000) >> 10));
            shift.unit(0xDC00 + ((code - 0x10000) & 0x3FF));
        } else {
            shift.unit(code);
        }
    }
    shift.close();
    return out;
}

std::optional<std::string> decode_mailbox_name(std::string_view raw, bool utf8_session) {
    if (utf8_session || (!text::is_ascii(raw) && raw.find('&') == std::string_view::npos)) {
        if (!text::is_utf8(raw))
            return std::nullopt;
        return std::string(raw);
    }
    return decode_utf7(raw);
}

} // namespace mail
