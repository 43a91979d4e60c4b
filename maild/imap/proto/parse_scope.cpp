// Mailboxes by kind (RFC 5465 §6, RFC 7377 §2.2) and NOTIFY (RFC 5465 §3.1).
#include "maild/imap/proto/cursor.hpp"

#include <array>

namespace mail::imap {

namespace {

using Kind = MailboxScope::Kind;

constexpr std::size_t max_names = 200;
constexpr std::size_t max_groups = 100;

struct ScopeName {
    std::string_view word;
    Kind kind;
    bool named = false; ///< mailboxes follow
};
constexpr std::array<ScopeName, 8> scopes{{{"selected-delayed", Kind::selected_delayed},
                                           {"selected", Kind::selected},
                                           {"inboxes", Kind::inboxes},
                                           {"personal", Kind::personal},
                                           {"subscribed", Kind::subscribed},
                                           {"subtree-one", Kind::subtree_one, true},
                                           {"subtree", Kind::subtree, true},
                                           {"mailboxes", Kind::mailboxes, true}}};

struct EventName {
    std::string_view word;
    NotifyEvent event;
};
constexpr std::array<EventName, 8> events{{{"MessageNew", NotifyEvent::message_new},
                                           {"MessageExpunge", NotifyEvent::message_expunge},
                                           {"FlagChange", NotifyEvent::flag_change},
                                           {"AnnotationChange", NotifyEvent::annotation_change},
                                           {"MailboxName", NotifyEvent::mailbox_name},
                                           {"SubscriptionChange", NotifyEvent::subscription_change},
                                           {"MailboxMetadataChange", NotifyEvent::mailbox_metadata},
                                           {"ServerMetadataChange", NotifyEvent::server_metadata}}};

bool parse_names(Cursor& in, std::vector<std::string>& names) {
    if (!in.take('('))
        return in.astring(names.emplace_back());
    do {
        if (names.size() >= max_names)
            return in.fail("too many mailboxes");
        if (!in.astring(names.emplace_back()))
            return false;
    } while (in.take(' '));
    return in.expect(')');
}

bool parse_event(Cursor& in, NotifyGroup& group) {
    for (const auto& name : events) {
        if (!in.take_word(name.word))
            continue;
        group.events = static_cast<std::uint16_t>(group.events | static_cast<std::uint16_t>(name.event));
        // RFC 5465 §5.2: what to FETCH of new messages.
        return name.event != NotifyEvent::message_new || !in.take_prefix(" (") || parse_item_list(in, group.fetch);
    }
    // RFC 5465 §3.1: an event that is not known is no error of grammar; it is answered with [BADEVENT].
    std::string unknown;
    group.unknown_event = true;
    return in.atom(unknown);
}

// RFC 5465 §5: some events make no sense without others, or in the selected mailbox.
bool check_group(Cursor& in, const NotifyGroup& group) {
    const bool fresh = group.has(NotifyEvent::message_new), gone = group.has(NotifyEvent::message_expunge);
    const bool flags = group.has(NotifyEvent::flag_change) || group.has(NotifyEvent::annotation_change);
    if (fresh != gone)
        return in.fail("MessageNew and MessageExpunge go together");
    if (flags && !fresh)
        return in.fail("FlagChange and AnnotationChange need MessageNew and MessageExpunge");
    constexpr std::uint16_t message_events = 15;
    if (group.scope.is_selected() && (group.events & ~message_events) != 0)
        return in.fail("the selected mailbox has message events only");
    if (!group.scope.is_selected() && (group.fetch.attributes != 0 || !group.fetch.sections.empty()))
        return in.fail("only the selected mailbox can be fetched from");
    return true;
}

bool parse_group(Cursor& in, NotifyGroup& group) {
    if (!in.expect('(') || !parse_scope(in, group.scope) || !in.space())
        return false;
    if (in.take_word("NONE"))
        return in.expect(')');
    if (!in.expect('('))
        return false;
    do {
        if (!parse_event(in, group))
            return false;
    } while (in.take(' '));
    return in.expect(')') && check_group(in, group) && in.expect(')');
}

} // namespace

bool parse_scope(Cursor& in, MailboxScope& scope) {
    for (const auto& name : scopes) {
        if (!in.take_word(name.word))
            continue;
        scope.kind = name.kind;
        return !name.named || (in.space() && parse_names(in, scope.names));
    }
    return in.fail("unknown kind of mailboxes");
}

bool parse_notify(Cursor& in, Command& out) {
    auto& body = out.body.emplace<NotifyArguments>();
    if (!in.space())
        return false;
    if (in.take_word("NONE"))
        return in.end();
    if (!in.take_word("SET") || !in.space())
        return in.fail("expected SET or NONE");
    body.status = in.take_word("STATUS");
    if (body.status && !in.space())
        return false;
    do {
        if (body.groups.size() >= max_groups)
            return in.fail("too many event groups");
        if (!parse_group(in, body.groups.emplace_back()))
            return false;
    } while (in.take(' '));
    return in.end();
}

} // namespace mail::imap
