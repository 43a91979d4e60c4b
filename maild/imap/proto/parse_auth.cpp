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

namespace {

// One or more words, each after a blank.
bool parse_words(Cursor& in, WordsArguments& body) {
    do {
        std::string word;
        if (!in.space() || !in.atom(word))
            return false;
        if (body.words.size() >= 64)
            return in.fail("too many words");
        body.words.push_back(text::to_upper(word));
    } while (!in.at_end());
    return true;
}

} // namespace

bool parse_enable(Cursor& in, Command& out) { return parse_words(in, out.body.emplace<WordsArguments>()); }

// RFC 4978 §3: one algorithm.
bool parse_compress(Cursor& in, Command& out) {
    auto& body = out.body.emplace<WordsArguments>();
    return parse_words(in, body) && (body.words.size() == 1 || in.fail("COMPRESS takes one algorithm"));
}

// RFC 5255 §3.2: LANGUAGE *(SP lang-range-quoted)
bool parse_language(Cursor& in, Command& out) {
    auto& body = out.body.emplace<WordsArguments>();
    while (!in.at_end()) {
        std::string range;
        if (!in.space() || !in.astring(range))
            return false;
        if (body.words.size() >= 64 || range.size() > 64)
            return in.fail("too many languages");
        body.words.push_back(std::move(range));
    }
    return true;
}

// RFC 5267 §4.3.2: CANCELUPDATE SP quoted *(SP quoted)
bool parse_cancelupdate(Cursor& in, Command& out) {
    auto& body = out.body.emplace<WordsArguments>();
    do {
        std::string tag;
        if (!in.space() || !in.string(tag))
            return false;
        if (body.words.size() >= 64)
            return in.fail("too many tags");
        body.words.push_back(std::move(tag));
    } while (!in.at_end());
    return true;
}

} // namespace mail::imap
