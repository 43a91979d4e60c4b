// LOGIN, AUTHENTICATE, ID (RFC 2971), ENABLE (RFC 9051 §6.3.1).
#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

bool parse_authenticate(Cursor& in, Command& out) {
    auto& body = out.body.emplace<AuthenticateArguments>();
    std::string mechanism;
    if (!in.space() || !in.atom(mechanism))
        return false;
    body.mechanism = text::to_upper(mechanism);
    if (in.at_end())
        return true;
    // RFC 4959 §3: an initial response is base64, or "=" for an empty one.
    std::string initial;
    if (!in.space() || !in.atom(initial) || !in.end())
        return false;
    body.initial.emplace(std::move(initial));
    return true;
}

bool parse_login(Cursor& in, Command& out) {
    auto& body = out.body.emplace<LoginArguments>();
    std::string password;
    if (!in.space() || !in.astring(body.user) || !in.space() || !in.astring(password) || !in.end())
        return false;
    body.password = Secret(std::move(password));
    return true;
}

bool parse_id(Cursor& in, Command& out) {
    auto& body = out.body.emplace<IdArguments>();
    if (!in.space())
        return false;
    if (in.take_word("NIL"))
        return in.end();
    if (!in.expect('('))
        return false;
    if (in.take(')'))
        return in.end();
    while (true) {
        std::string field;
        std::optional<std::string> value;
        if (!in.string(field) || !in.space() || !in.nstring(value))
            return false;
        // RFC 2971 §3.3: at most 30 fields, names of at most 30 and values of at most 1024 bytes.
        if (body.fields.size() >= 30 || field.size() > 30 || (value && value->size() > 1024))
            return in.fail("too much in ID");
        if (value)
            body.fields.emplace_back(std::move(field), std::move(*value));
        if (in.take(')'))
            return in.end();
        if (!in.space())
            return false;
    }
}

bool parse_enable(Cursor& in, Command& out) {
    auto& body = out.body.emplace<EnableArguments>();
    do {
        std::string capability;
        if (!in.space() || !in.atom(capability))
            return false;
        if (body.capabilities.size() >= 64)
            return in.fail("too many capabilities");
        body.capabilities.push_back(text::to_upper(capability));
    } while (!in.at_end());
    return true;
}

} // namespace mail::imap
