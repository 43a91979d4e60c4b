#include "maild/smtp/proto/path.hpp"

#include "common/base/text.hpp"

namespace mail::smtp {
namespace {

Failure bad_path(std::string what) { return fail(ErrorCode::invalid, std::move(what)); }

/// Position of the ">" that ends a path whose "<" was taken: not one inside a quoted string.
std::size_t end_of_path(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '>' && !quoted)
            return i;
    }
    return text.npos;
}

/// RFC 5321 §4.1.2: A-d-l = "@" Domain *( "," "@" Domain ), then ":". Checked for form, then ignored.
Result<std::string_view> without_source_route(std::string_view inner) {
    if (!inner.starts_with('@'))
        return inner;
    const std::size_t colon = inner.find(':');
    // The colon of an IPv6 literal in a route cannot be meant: routes name hosts, and we ignore them anyway.
    if (colon == inner.npos)
        return bad_path("bad source route");
    std::string_view route = inner.substr(0, colon);
    while (!route.empty()) {
        const std::size_t comma = route.find(',');
        const std::string_view hop = route.substr(0, comma);
        if (!hop.starts_with('@') || !parse_domain(hop.substr(1)))
            return bad_path("bad source route");
        if (comma == route.npos)
            break;
        route.remove_prefix(comma + 1);
        if (route.empty())
            return bad_path("bad source route");
    }
    return inner.substr(colon + 1);
}

} // namespace

bool Path::is_utf8() const noexcept { return !text::is_ascii(address.local) || !text::is_ascii(address.domain); }

std::string Path::text() const {
    if (is_null())
        return "<>";
    return is_bare_postmaster() ? "<" + address.local + ">" : "<" + address.text() + ">";
}

Result<Path> take_path(std::string_view& rest, bool null_allowed) {
    if (!rest.starts_with('<'))
        return bad_path("an address in angle brackets is expected");
    const std::size_t end = end_of_path(rest.substr(1));
    if (end == rest.npos)
        return bad_path("the address has no closing angle bracket");
    const std::string_view inner = rest.substr(1, end);
    const std::string_view after = rest.substr(end + 2);
    if (!after.empty() && after[0] != ' ')
        return bad_path("unexpected text after the address");
    Path path;
    if (inner.empty()) {
        if (!null_allowed)
            return bad_path("an empty address cannot receive mail");
    } else if (!null_allowed && text::iequals(inner, "postmaster")) {
        path.address.local = inner; // RFC 5321 §4.5.1: "RCPT TO:<Postmaster>" in any case
    } else {
        MAIL_TRY(const std::string_view mailbox, without_source_route(inner));
        MAIL_TRY(path.address, parse_address(mailbox));
    }
    rest = after;
    return path;
}

bool is_helo_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 255)
        return false;
    if (name.front() == '[')
        return is_address_literal(name);
    // Real clients send names with underscores and the like; letters, digits and these are harmless where we repeat them.
    for (const char c : name) {
        if (!text::is_alnum(c) && c != '-' && c != '.' && c != '_' && c != ':' && static_cast<unsigned char>(c) < 128)
            return false;
    }
    return text::is_utf8(name);
}

} // namespace mail::smtp
