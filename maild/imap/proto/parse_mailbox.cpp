// SELECT, EXAMINE, CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS.
#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

#include <array>

namespace mail::imap {

namespace {

bool parse_resync(Cursor& in, ResyncArguments& out) {
    // RFC 7162 §3.2.5: (uidvalidity modseq [known-uids] [(known-sequence-set known-uid-set)])
    if (!in.space() || !in.expect('(') || !in.nz_number(out.uid_validity) || !in.space() || !in.number64(out.modseq))
        return false;
    if (in.take(')'))
        return true;
    if (!in.space())
        return false;
    if (in.peek() != '(') {
        if (!in.sequence_set(out.known_uids.emplace()))
            return false;
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
    auto& match = out.sequence_match.emplace();
    return in.expect('(') && in.sequence_set(match.first) && in.space() && in.sequence_set(match.second) &&
           in.expect(')') && in.expect(')');
}

bool parse_select_parameters(Cursor& in, SelectArguments& body) {
    if (!in.expect('('))
        return false;
    while (true) {
        if (in.take_word("CONDSTORE")) {
            body.condstore = true;
        } else if (in.take_word("QRESYNC")) {
            if (!parse_resync(in, body.resync.emplace()))
                return false;
        } else {
            return in.fail("unknown SELECT parameter");
        }
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
}

// Comma-free lists of words in parentheses; `one` takes a single word.
template <class One> bool parenthesised(Cursor& in, One one) {
    if (!in.expect('('))
        return false;
    if (in.take(')'))
        return true;
    while (true) {
        if (!one())
            return false;
        if (in.take(')'))
            return true;
        if (!in.space())
            return false;
    }
}

bool parse_list_selection(Cursor& in, ListArguments& body) {
    return parenthesised(in, [&] {
        if (in.take_word("SUBSCRIBED"))
            body.select_subscribed = true;
        else if (in.take_word("REMOTE"))
            body.select_remote = true;
        else if (in.take_word("RECURSIVEMATCH"))
            body.select_recursive = true;
        else if (in.take_word("SPECIAL-USE"))
            body.select_special_use = true;
        else
            return in.fail("unknown LIST selection option");
        return true;
    });
}

bool parse_list_return(Cursor& in, ListArguments& body) {
    return parenthesised(in, [&] {
        if (in.take_word("SUBSCRIBED"))
            body.return_subscribed = true;
        else if (in.take_word("CHILDREN"))
            body.return_children = true;
        else if (in.take_word("SPECIAL-USE"))
            body.return_special_use = true;
        else if (in.take_word("MYRIGHTS")) // RFC 8440
            body.return_my_rights = true;
        else if (in.take_word("STATUS"))
            return parse_status_items(in, body.return_status);
        else if (in.take_word("METADATA")) // RFC 9590
            return in.space() && parenthesised(in, [&] {
                if (body.return_metadata.size() >= 32)
                    return in.fail("too many metadata entries");
                return parse_entry_name(in, body.return_metadata.emplace_back());
            });
        else
            return in.fail("unknown LIST return option");
        return true;
    });
}

bool parse_patterns(Cursor& in, ListArguments& body) {
    if (in.peek() != '(')
        return in.list_mailbox(body.patterns.emplace_back());
    body.extended = true;
    return parenthesised(in, [&] {
        if (body.patterns.size() >= 100)
            return in.fail("too many patterns");
        return in.list_mailbox(body.patterns.emplace_back());
    });
}

} // namespace

bool parse_select(Cursor& in, Command& out) {
    auto& body = out.body.emplace<SelectArguments>();
    if (!in.space() || !in.astring(body.mailbox))
        return false;
    if (in.at_end())
        return true;
    return in.space() && parse_select_parameters(in, body) && in.end();
}

bool parse_mailbox_only(Cursor& in, Command& out) {
    auto& body = out.body.emplace<MailboxArguments>();
    return in.space() && in.astring(body.mailbox) && in.end();
}


bool parse_create(Cursor& in, Command& out) {
    auto& body = out.body.emplace<MailboxArguments>();
    if (!in.space() || !in.astring(body.mailbox))
        return false;
    if (in.at_end())
        return true;
    // RFC 6154 §3: CREATE name (USE (\Drafts ...))
    if (!in.space() || !in.expect('(') || !in.take_word("USE"))
        return in.fail("expected (USE ...)");
    const bool parsed = in.space() && parenthesised(in, [&] {
        std::string word;
        if (!in.expect('\\') || !in.atom(word))
            return false;
        if (body.special_use.size() >= 16)
            return in.fail("too many special uses");
        body.special_use.push_back("\\" + word);
        return true;
    });
    return parsed && in.expect(')') && in.end();
}

bool parse_rename(Cursor& in, Command& out) {
    auto& body = out.body.emplace<RenameArguments>();
    return in.space() && in.astring(body.from) && in.space() && in.astring(body.to) && in.end();
}

bool parse_list(Cursor& in, Command& out) {
    auto& body = out.body.emplace<ListArguments>();
    if (!in.space())
        return false;
    if (in.peek() == '(') {
        body.extended = true;
        if (!parse_list_selection(in, body) || !in.space())
            return false;
    }
    if (!in.astring(body.reference) || !in.space() || !parse_patterns(in, body))
        return false;
    if (!in.at_end()) {
        body.extended = true;
        if (!in.space() || !in.take_word("RETURN"))
            return in.fail("expected RETURN");
        if (!in.space() || !parse_list_return(in, body))
            return false;
    }
    // RFC 5258 §3: RECURSIVEMATCH needs another selection option that limits the set.
    if (body.select_recursive && !body.select_subscribed && !body.select_special_use)
        return in.fail("RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE");
    return in.end();
}

bool parse_lsub(Cursor& in, Command& out) {
    auto& body = out.body.emplace<ListArguments>();
    return in.space() && in.astring(body.reference) && in.space() && in.list_mailbox(body.patterns.emplace_back()) &&
           in.end();
}

bool parse_status_items(Cursor& in, std::uint16_t& items) {
    struct Name {
        std::string_view word;
        StatusItem item;
    };
    static constexpr std::array<Name, 11> names{{
        {"MESSAGES", StatusItem::messages},
        {"RECENT", StatusItem::recent},
        {"UIDNEXT", StatusItem::uid_next},
        {"UIDVALIDITY", StatusItem::uid_validity},
        {"UNSEEN", StatusItem::unseen},
        {"DELETED", StatusItem::deleted},
        {"SIZE", StatusItem::size},
        {"HIGHESTMODSEQ", StatusItem::highest_modseq},
        {"APPENDLIMIT", StatusItem::append_limit},
        {"MAILBOXID", StatusItem::mailbox_id},
        {"DELETED-STORAGE", StatusItem::deleted_storage},
    }};
    return in.space() && parenthesised(in, [&] {
        for (const auto& name : names)
            if (in.take_word(name.word)) {
                items = static_cast<std::uint16_t>(items | static_cast<std::uint16_t>(name.item));
                return true;
            }
        return in.fail("unknown STATUS item");
    });
}

bool parse_status(Cursor& in, Command& out) {
    auto& body = out.body.emplace<StatusArguments>();
    return in.space() && in.astring(body.mailbox) && parse_status_items(in, body.items) && in.end();
}

} // namespace mail::imap
