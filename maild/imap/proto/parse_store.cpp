// STORE (RFC 9051 §6.4.6, UNCHANGEDSINCE of RFC 7162), COPY, MOVE, EXPUNGE and UID EXPUNGE.
#include "maild/imap/proto/cursor.hpp"

namespace mail::imap {

bool parse_store(Cursor& in, Command& out) {
    auto& body = out.body.emplace<StoreArguments>();
    if (!in.space() || !in.sequence_set(body.set) || !in.space())
        return false;
    if (in.take('(')) {
        if (!in.take_word("UNCHANGEDSINCE"))
            return in.fail("unknown STORE modifier");
        if (!in.space() || !in.number64(body.unchanged_since.emplace()) || !in.expect(')') || !in.space())
            return false;
    }
    if (in.take('+'))
        body.how = StoreArguments::How::add;
    else if (in.take('-'))
        body.how = StoreArguments::How::remove;
    body.silent = in.take_word("FLAGS.SILENT");
    if (!body.silent && !in.take_word("FLAGS"))
        return in.fail("expected FLAGS");
    if (!in.space())
        return false;
    if (in.peek() == '(')
        return in.flag_list(body.flags) && in.end();
    // RFC 9051 §9 store-att-flags: the parentheses may be left out.
    do {
        if (!in.flag(body.flags))
            return false;
    } while (in.take(' '));
    return in.end();
}

bool parse_copy(Cursor& in, Command& out) {
    auto& body = out.body.emplace<CopyArguments>();
    return in.space() && in.sequence_set(body.set) && in.space() && in.astring(body.mailbox) && in.end();
}

bool parse_expunge(Cursor& in, Command& out) {
    auto& body = out.body.emplace<ExpungeArguments>();
    if (out.uid && (!in.space() || !in.sequence_set(body.uids.emplace())))
        return false;
    return in.end();
}

} // namespace mail::imap
