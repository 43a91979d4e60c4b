// RFC 2047 encoded-words: reading what others write, in all its variants, and writing our own by the book.
#include "common/mail/encoded.hpp"

#include "common/base/text.hpp"
#include "common/mail/header.hpp"

#include <optional>

namespace mail {
namespace {

constexpr std::size_t longest_word = 75; // RFC 2047 §2
constexpr std::string_view blanks = " \t\r\n";

struct EncodedWord {
    std::string_view charset;
    std::string bytes;
    std::size_t length = 0; ///< of the whole word in the source
};

std::string decode_q(std::string_view text) {
    std::string spaced(text);
    for (char& c : spaced)
        if (c == '_')
            c = ' '; // RFC 2047 §4.2 (2)
    // A blank at the end is data here, not transport padding: keep it from the line rule.
    std::string out;
    for (std::size_t i = 0; i < spaced.size(); ++i) {
        const auto pair =
            spaced[i] == '=' ? text::unhex(std::string_view(spaced).substr(i + 1, 2)) : std::nullopt;
        if (pair && pair->size() == 1) {
            out += *pair;
            i += 2;
        } else {
            out += spaced[i];
        }
    }
    return out;
}

/// The encoded-word at the front of `s`, which starts with "=?".
std::optional<EncodedWord> read_word(std::string_view s) {
    constexpr std::size_t longest_charset = 64;
    const std::size_t charset_end = s.substr(0, longest_charset + 3).find('?', 2);
    if (charset_end == std::string_view::npos || charset_end == 2 || charset_end + 2 >= s.size() ||
        s[charset_end + 2] != '?')
        return std::nullopt;
    const char encoding = text::lower(s[charset_end + 1]);
    if (encoding != 'b' && encoding != 'q')
        return std::nullopt;
    const std::size_t begin = charset_end + 3;
    const std::size_t end = s.find('?', begin);
    if (end == std::string_view::npos || end + 1 >= s.size() || s[end + 1] != '=')
        return std::nullopt;
    EncodedWord word;
    word.charset = s.substr(2, charset_end - 2);
    word.charset = word.charset.substr(0, word.charset.find('*')); // RFC 2231 §5: language
    if (word.charset.find_first_of(blanks) != std::string_view::npos)
        return std::nullopt;
    const std::string_view text = s.substr(begin, end - begin);
    word.bytes = encoding == 'b' ? decode_base64(text) : decode_q(text);
    word.length = end + 2;
    return word;
}

/// Collects text and bytes of one charset until another follows: characters may be split between
/// encoded-words.
class Collector {
  public:
    void plain(std::string_view text) {
        flush();
        out_ += to_utf8_lenient(text, {});
    }
    void encoded(const EncodedWord& word) {
        if (!text::iequals(word.charset, charset_))
            flush();
        charset_ = word.charset;
        pending_ += word.bytes;
    }
    std::string finish() {
        flush();
        // Line ends and NUL can hide in encoded text; a header value for people has none.
        std::string clean;
        clean.reserve(out_.size());
        for (char c : out_)
            if (c != '\0')
                clean += c == '\r' || c == '\n' ? ' ' : c;
        return clean;
    }

  private:
    void flush() {
        if (!pending_.empty())
            out_ += to_utf8_lenient(pending_, charset_);
        pending_.clear();
    }
    std::string out_, pending_;
    std::string_view charset_;
};

bool needs_encoding(std::string_view utf8) noexcept {
    for (char c : utf8)
        if (static_cast<unsigned char>(c) >= 0x7F || (static_cast<unsigned char>(c) < 0x20 && c != '\t'))
            return true;
    // Plain text that looks like an encoded-word would be decoded by its reader.
    return utf8.find("=?") != std::string_view::npos;
}

std::string encode_q(std::string_view utf8) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ')
            out += '_';
        else if (text::is_alnum(c)) // RFC 2047 §5 (3): safe in a phrase, too
            out += c;
        else
            out += {'=', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

} // namespace

std::string decode_header(std::string_view raw_value) {
    const std::string value = unfold(raw_value);
    if (text::is_ascii(value) && value.find("=?") == std::string::npos)
        return value;
    Collector collector;
    const std::string_view s = value;
    std::size_t plain_from = 0;
    bool after_word = false;
    for (std::size_t at = s.find("=?"); at != std::string_view::npos;) {
        const auto word = read_word(s.substr(at));
        if (!word) {
            at = s.find("=?", at + 2);
            continue;
        }
        const std::string_view between = s.substr(plain_from, at - plain_from);
        // RFC 2047 §6.2: blanks between two encoded-words are not shown.
        if (!between.empty() && !(after_word && between.find_first_not_of(blanks) == std::string_view::npos))
            collector.plain(between);
        collector.encoded(*word);
        after_word = true;
        plain_from = at + word->length;
        at = s.find("=?", plain_from);
    }
    if (plain_from < s.size())
        collector.plain(s.substr(plain_from));
    return collector.finish();
}

std::string encode_header(std::string_view utf8) {
    if (!needs_encoding(utf8))
        return std::string(utf8);
    constexpr std::string_view open = "=?utf-8?Q?", shut = "?=";
    constexpr std::size_t room = longest_word - open.size() - shut.size();
    const std::string clean = scrub_utf8(utf8);
    std::string out, word;
    for (std::size_t at = 0; at < clean.size();) {
        // RFC 2047 §5 (3): every encoded-word holds whole characters.
        std::size_t next = at + 1;
        while (next < clean.size() && (static_cast<unsigned char>(clean[next]) & 0xC0) == 0x80)
            ++next;
        const std::string piece = encode_q(std::string_view(clean).substr(at, next - at));
        if (word.size() + piece.size() > room) {
            out += std::string(open) + word + std::string(shut) + ' ';
            word.clear();
        }
        word += piece;
        at = next;
    }
    return out + std::string(open) + word + std::string(shut);
}

} // namespace mail
