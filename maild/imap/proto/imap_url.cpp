#include "maild/imap/proto/imap_url.hpp"

#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

namespace {

std::optional<int> hex_digit(char c) {
    if (text::is_digit(c))
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return std::nullopt;
}

// RFC 3986 §2.1; nullopt for a broken escape or a NUL, escaped or not.
std::optional<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0')
            return std::nullopt;
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size())
            return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low || (*high == 0 && *low == 0))
            return std::nullopt;
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return out;
}

// What stands after ";NAME=" at the beginning, up to the next "/;".
std::optional<std::string_view> take_field(std::string_view& rest, std::string_view name) {
    if (!text::istarts_with(rest, name))
        return std::nullopt;
    rest.remove_prefix(name.size());
    const auto end = std::min(rest.find("/;"), rest.size());
    const auto value = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return value;
}

std::optional<FetchPartial> parse_partial(std::string_view text) {
    // RFC 5092 §11: partial-range = number ["." nz-number]
    const auto dot = text.find('.');
    const auto offset = text::number<std::uint32_t>(text.substr(0, dot));
    if (!offset)
        return std::nullopt;
    if (dot == std::string_view::npos)
        return FetchPartial{*offset, UINT32_MAX};
    const auto count = text::number<std::uint32_t>(text.substr(dot + 1));
    if (!count || *count == 0)
        return std::nullopt;
    return FetchPartial{*offset, *count};
}

bool parse_section_field(std::string_view escaped, FetchSection& section) {
    const auto text = unescape(escaped);
    if (!text || text->empty() || text->find_first_of("\r\n{") != std::string::npos)
        return false;
    const Frame frame{"[" + *text + "]", {}};
    Cursor in(frame);
    return parse_section(in, section, false) && in.at_end();
}

// "Drafts;UIDVALIDITY=7"
bool parse_mailbox_field(std::string_view text, ImapUrl& url) {
    const auto semicolon = text.find(';');
    auto mailbox = unescape(text.substr(0, semicolon));
    if (!mailbox || mailbox->empty() || !text::is_utf8(*mailbox))
        return false;
    url.mailbox = std::move(*mailbox);
    if (semicolon == std::string_view::npos)
        return true;
    auto rest = text.substr(semicolon);
    const auto validity = take_field(rest, ";UIDVALIDITY=");
    url.uid_validity = validity ? text::number<std::uint32_t>(*validity) : std::nullopt;
    return url.uid_validity && *url.uid_validity != 0 && rest.empty();
}

} // namespace

std::optional<ImapUrl> parse_imap_url(std::string_view text) {
    ImapUrl url;
    if (text.starts_with('/') && !text.starts_with("/;")) {
        text.remove_prefix(1);
        const auto end = text.find("/;");
        if (end == std::string_view::npos || !parse_mailbox_field(text.substr(0, end), url))
            return std::nullopt;
        text.remove_prefix(end + 1);
    } else if (text.starts_with('/')) {
        text.remove_prefix(1);
    }
    const auto uid = take_field(text, ";UID=");
    const auto number = uid ? text::number<std::uint32_t>(*uid) : std::nullopt;
    if (!number || *number == 0)
        return std::nullopt;
    url.uid = *number;
    if (const auto section = take_field(text, ";SECTION="); section && !parse_section_field(*section, url.section))
        return std::nullopt;
    if (const auto partial = take_field(text, ";PARTIAL=")) {
        url.section.partial = parse_partial(*partial);
        if (!url.section.partial)
            return std::nullopt;
    }
    if (!text.empty())
        return std::nullopt;
    return url;
}

} // namespace mail::imap
