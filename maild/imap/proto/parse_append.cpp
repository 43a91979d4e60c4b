// APPEND (RFC 9051 §6.3.12), with several messages (RFC 3502).
#include "maild/imap/proto/append_parser.hpp"
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

namespace {

BadCommand bad(const Cursor& in, const std::string& tag) {
    return {tag, in.fault_offset(), std::string(in.reason())};
}

} // namespace

bool parse_append_message(Cursor& in, AppendMessage& out) {
    if (!in.space())
        return false;
    if (in.peek() == '(' && (!in.flag_list(out.flags) || !in.space()))
        return false;
    if (in.peek() == '"' && (!in.date_time(out.date.emplace()) || !in.space()))
        return false;
    // RFC 6855 §4: UTF8 (~{n}CRLF...)
    if (in.take_word("UTF8")) {
        out.wrapped = true;
        if (!in.space() || !in.expect('('))
            return false;
    }
    return in.message_literal(out) && (!out.wrapped || out.literal8 || in.fail("UTF8 takes a literal8"));
}

bool parse_append(Cursor& in, Command& out) {
    auto& body = out.body.emplace<AppendArguments>();
    if (!in.space() || !in.astring(body.mailbox))
        return false;
    do {
        auto& message = body.messages.emplace_back();
        if (!parse_append_message(in, message) || (message.wrapped && !in.expect(')')))
            return false;
    } while (!in.at_end());
    return true;
}

std::optional<BadCommand> AppendParser::next(const Frame& frame, AppendMessage& message) {
    const bool first = !started();
    if (first)
        tag_ = tag_of(frame.text);
    Cursor in(frame, first ? tag_.size() : position_);
    std::string verb;
    if (first && (!in.space() || !in.atom(verb) || !in.space() || !in.astring(mailbox_)))
        return bad(in, tag_);
    if ((wrapped_ && !in.expect(')')) || !parse_append_message(in, message) || !in.end())
        return bad(in, tag_);
    position_ = in.position();
    wrapped_ = message.wrapped;
    return std::nullopt;
}

std::optional<BadCommand> AppendParser::end(const Frame& frame) const {
    if (std::string_view(frame.text).substr(position_) == (wrapped_ ? ")" : ""))
        return std::nullopt;
    return BadCommand{tag_, position_, "unexpected text after the message"};
}

} // namespace mail::imap
