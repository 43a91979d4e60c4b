// APPEND (RFC 9051 §6.3.12), with several messages (RFC 3502), put together from parts (RFC 4469); REPLACE (RFC 8508).
#include "common/base/text.hpp"
#include "maild/imap/proto/append_parser.hpp"
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

namespace {

using Kind = AppendPiece::Kind;
constexpr std::size_t max_parts = 1000; // of one CATENATE

// REPLACE SP seq-number SP mailbox (RFC 8508 §3.2); of UID REPLACE the verb was read before.
bool parse_replaced(Cursor& in, ReplaceArguments& out) {
    if (!in.space())
        return false;
    if (in.take('*'))
        return true;
    return in.nz_number(out.number);
}

} // namespace

bool AppendGrammar::literal(Cursor& in, Kind kind, std::vector<AppendPiece>& out) {
    auto& piece = out.emplace_back();
    piece.kind = kind;
    if (!in.message_literal(piece))
        return false;
    waits_ = piece.streamed;
    return true;
}

bool AppendGrammar::begin(Cursor& in, std::vector<AppendPiece>& out) {
    AppendPiece message;
    if (!in.space())
        return false;
    if (in.peek() == '(' && (!in.flag_list(message.flags) || !in.space()))
        return false;
    if (in.peek() == '"' && (!in.date_time(message.date.emplace()) || !in.space()))
        return false;
    message.catenated = in.take_word("CATENATE");
    out.push_back(message);
    ++messages_;
    parts_ = 0;
    if (message.catenated)
        return in.space() && in.expect('(') && part(in, out);
    wrapped_ = in.take_word("UTF8"); // RFC 6855 §4: UTF8 (~{n}CRLF...)
    if (wrapped_ && (!in.space() || !in.expect('(')))
        return false;
    state_ = State::after_literal;
    return literal(in, Kind::bytes, out) && (!wrapped_ || out.back().literal8 || in.fail("UTF8 takes a literal8"));
}

// RFC 4469 §5: cat-part = "TEXT" SP literal / "URL" SP url
bool AppendGrammar::part(Cursor& in, std::vector<AppendPiece>& out) {
    state_ = State::after_part;
    if (++parts_ > max_parts)
        return in.fail("too many parts");
    if (in.take_word("TEXT"))
        return in.space() && literal(in, Kind::bytes, out);
    if (!in.take_word("URL"))
        return in.fail("expected TEXT or URL");
    if (!in.space())
        return false;
    if (in.at_streamed_literal())
        return literal(in, Kind::url, out);
    auto& piece = out.emplace_back();
    piece.kind = Kind::url;
    return in.astring(piece.url);
}

void AppendGrammar::finish_message(std::vector<AppendPiece>& out) {
    out.emplace_back().kind = Kind::end;
    wrapped_ = false;
    state_ = State::between;
}

bool AppendGrammar::run(Cursor& in, std::vector<AppendPiece>& out) {
    waits_ = false;
    while (!waits_) {
        if (state_ == State::between) {
            if (in.at_end() && messages_ > 0)
                return true;
            if (!begin(in, out))
                return false;
        } else if (state_ == State::after_literal) {
            if (wrapped_ && !in.expect(')'))
                return false;
            finish_message(out);
        } else if (in.take(')')) {
            finish_message(out);
        } else if (!in.space() || !part(in, out)) {
            return false;
        }
    }
    return true;
}

bool parse_append(Cursor& in, Command& out) {
    auto& body = out.body.emplace<AppendArguments>();
    if (out.verb == Verb::replace && !parse_replaced(in, body.replaces.emplace()))
        return false;
    AppendGrammar grammar;
    return in.space() && in.astring(body.mailbox) && grammar.run(in, body.pieces) && in.end();
}

bool AppendParser::read(Cursor& in, std::vector<AppendPiece>& pieces) {
    if (position_ != 0)
        return grammar_.run(in, pieces);
    std::string verb;
    if (!in.space() || !in.atom(verb))
        return false;
    const bool uid = text::iequals(verb, "UID");
    if (uid && (!in.space() || !in.atom(verb)))
        return false;
    if (text::iequals(verb, "REPLACE")) {
        replaces_.emplace().uid = uid;
        if (!parse_replaced(in, *replaces_))
            return false;
    }
    return in.space() && in.astring(mailbox_) && grammar_.run(in, pieces);
}

std::optional<BadCommand> AppendParser::run(const Frame& frame, std::vector<AppendPiece>& pieces, bool to_literal) {
    if (position_ == 0)
        tag_ = tag_of(frame.text);
    Cursor in(frame, position_ == 0 ? tag_.size() : position_);
    if (!read(in, pieces))
        return BadCommand{tag_, in.fault_offset(), std::string(in.reason())};
    position_ = in.position();
    const bool expected = in.at_end() && (to_literal ? !pieces.empty() && pieces.back().streamed : grammar_.is_complete());
    if (expected)
        return std::nullopt;
    return BadCommand{tag_, position_, "unexpected text in the command"};
}

std::optional<BadCommand> AppendParser::next(const Frame& frame, std::vector<AppendPiece>& pieces) {
    return run(frame, pieces, true);
}

std::optional<BadCommand> AppendParser::end(const Frame& frame, std::vector<AppendPiece>& pieces) {
    return run(frame, pieces, false);
}

} // namespace mail::imap
