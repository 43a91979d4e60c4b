// Rights (RFC 4314 §3) and metadata (RFC 5464 §4).
#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

bool parse_mailbox_rights(Cursor& in, Command& out) {
    auto& body = out.body.emplace<RightsArguments>();
    if (!in.space() || !in.astring(body.mailbox))
        return false;
    const bool names = out.verb == Verb::setacl || out.verb == Verb::deleteacl || out.verb == Verb::listrights;
    if (names && (!in.space() || !in.astring(body.identifier)))
        return false;
    if (out.verb == Verb::setacl && (!in.space() || !in.astring(body.rights)))
        return false;
    return in.end();
}

namespace {

bool parse_option(Cursor& in, MetadataArguments& body) {
    if (in.take_word("MAXSIZE"))
        return in.space() && in.number(body.max_size.emplace());
    if (!in.take_word("DEPTH"))
        return in.fail("unknown GETMETADATA option");
    if (!in.space())
        return false;
    if (in.take_word("0"))
        body.depth = MetadataArguments::Depth::zero;
    else if (in.take_word("1"))
        body.depth = MetadataArguments::Depth::one;
    else if (in.take_word("infinity"))
        body.depth = MetadataArguments::Depth::infinity;
    else
        return in.fail("a depth is 0, 1 or infinity");
    return true;
}

bool parse_options(Cursor& in, MetadataArguments& body) {
    if (!in.expect('('))
        return false;
    while (true) {
        if (!parse_option(in, body))
            return false;
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
}

// RFC 5464 §3.2: "/private/..." or "/shared/...", printable ASCII without "*" and "%", no empty level.
bool is_entry(std::string_view name) {
    if ((!text::istarts_with(name, "/private/") && !text::istarts_with(name, "/shared/")) || name.size() > 1024)
        return false;
    for (const char c : name)
        if (c <= 0x20 || c >= 0x7F || c == '*' || c == '%')
            return false;
    return name.find("//") == std::string_view::npos && name.back() != '/';
}

} // namespace

bool parse_entry_name(Cursor& in, std::string& name) {
    return in.astring(name) && (is_entry(name) || in.fail("this is no name of a metadata entry"));
}

bool parse_getmetadata(Cursor& in, Command& out) {
    auto& body = out.body.emplace<MetadataArguments>();
    if (!in.space() || (in.peek() == '(' && (!parse_options(in, body) || !in.space())) || !in.astring(body.mailbox) || !in.space())
        return false;
    if (!in.take('('))
        return parse_entry_name(in, body.entries.emplace_back().first) && in.end();
    do {
        if (body.entries.size() >= static_cast<std::size_t>(limit::metadata_entries))
            return in.fail("too many entries");
        if (!parse_entry_name(in, body.entries.emplace_back().first))
            return false;
    } while (in.take(' '));
    return in.expect(')') && in.end();
}

bool parse_setmetadata(Cursor& in, Command& out) {
    auto& body = out.body.emplace<MetadataArguments>();
    if (!in.space() || !in.astring(body.mailbox) || !in.space() || !in.expect('('))
        return false;
    do {
        if (body.entries.size() >= static_cast<std::size_t>(limit::metadata_entries))
            return in.fail("too many entries");
        auto& entry = body.entries.emplace_back();
        if (!parse_entry_name(in, entry.first) || !in.space() || !in.value(entry.second))
            return false;
    } while (in.take(' '));
    return in.expect(')') && in.end();
}

} // namespace mail::imap
