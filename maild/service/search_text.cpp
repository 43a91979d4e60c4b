#include "maild/service/search_text.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::uint64_t all_bits = ~std::uint64_t{0};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// In upper case and without blanks, so that neither case nor folding matters.
std::string squeezed(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text)
        if (!is_blank(c))
            out += upper(c);
    return out;
}

/// Printable ASCII and line ends, no encoded-words: what stands there is what a search sees.
bool is_plain(std::string_view text) {
    const auto plain = [](char c) { return (c >= ' ' && c <= '~') || is_blank(c); };
    return std::all_of(text.begin(), text.end(), plain) && text.find("=?") == std::string_view::npos;
}

/// Begins with "Name:", so that a prefix before it leaves its reading alone: not the continuation of the prefix's last
/// field, and no body that begins at once.
bool starts_with_field(std::string_view bytes) {
    const auto end = bytes.find(':');
    if (end == std::string_view::npos || end == 0)
        return false;
    const auto name = bytes.substr(0, end);
    return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

} // namespace

std::string header_search_text(std::string_view message, const MimeTree& tree) {
    std::string text;
    for (const auto& part : tree.parts)
        for (const auto& field : parse_header(part.header.of(message)).fields) {
            text += field.name;
            text += ": ";
            text += decode_header(field.value);
            text += '\n';
        }
    return casemap(text);
}

std::vector<std::string> body_search_texts(std::string_view message, const MimeTree& tree) {
    std::vector<std::string> out;
    for (const auto& part : tree.parts)
        if (part.is_text())
            out.push_back(casemap(decoded_text(message, part)));
    return out;
}

store::IndexedText index_text(store::BlobId blob, std::string_view bytes) {
    const auto most = static_cast<std::size_t>(limit::text_index_message);
    store::IndexedText out{blob, {}, true};
    if (bytes.size() > most * 2 || !starts_with_field(bytes)) {
        out.complete = false;
        return out;
    }
    const auto tree = parse_mime(bytes);
    out.text = header_search_text(bytes, tree);
    for (const auto& text : body_search_texts(bytes, tree)) {
        out.text += '\n';
        out.text += text;
        if (out.text.size() > most)
            break;
    }
    if (out.text.size() > most) {
        out.text.clear();
        out.complete = false;
    }
    std::replace(out.text.begin(), out.text.end(), '\0', ' '); // ends a text for the tokenizer; no search key holds it
    return out;
}

// Encoded-words and other alphabets are left to the matcher: prefixes are ASCII nearly always.
std::uint64_t prefix_may_hold(std::string_view prefix, const std::vector<std::string>& texts) {
    if (prefix.empty())
        return 0;
    // Every prefix is whole lines of a header; anything else could take the blob's first field into itself.
    if (!is_plain(prefix) || !starts_with_field(prefix) || !prefix.ends_with('\n') || prefix.find("\n\n") != std::string_view::npos ||
        prefix.find("\n\r") != std::string_view::npos)
        return all_bits;
    const auto own = squeezed(prefix);
    if (own.find("CONTENT-") != std::string::npos || own.find("MIME-VERSION") != std::string::npos)
        return all_bits;
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < texts.size() && i < 64; ++i)
        if (own.find(squeezed(texts[i])) != std::string::npos)
            out |= std::uint64_t{1} << i;
    return out;
}

} // namespace mail::service
