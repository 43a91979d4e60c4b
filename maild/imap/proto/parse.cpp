#include "maild/imap/proto/command.hpp"

#include "common/base/text.hpp"
#include "maild/imap/proto/cursor.hpp"

#include <array>

namespace mail::imap {

namespace {

bool parse_nothing(Cursor& in, Command&) { return in.end(); }

struct VerbRow {
    std::string_view name;
    Verb verb;
    bool (*parse)(Cursor&, Command&);
    bool after_uid = false; ///< "UID name" is a command too
};

constexpr std::array verbs = {
    VerbRow{"APPEND", Verb::append, parse_append},
    VerbRow{"AUTHENTICATE", Verb::authenticate, parse_authenticate},
    VerbRow{"CANCELUPDATE", Verb::cancelupdate, parse_cancelupdate},
    VerbRow{"CAPABILITY", Verb::capability, parse_nothing},
    VerbRow{"CHECK", Verb::check, parse_nothing},
    VerbRow{"CLOSE", Verb::close, parse_nothing},
    VerbRow{"COMPRESS", Verb::compress, parse_compress},
    VerbRow{"COPY", Verb::copy, parse_copy, true},
    VerbRow{"CREATE", Verb::create, parse_create},
    VerbRow{"DELETE", Verb::delete_, parse_mailbox_only},
    VerbRow{"DELETEACL", Verb::deleteacl, parse_mailbox_rights},
    VerbRow{"ENABLE", Verb::enable, parse_enable},
    VerbRow{"ESEARCH", Verb::esearch, parse_esearch},
    VerbRow{"EXAMINE", Verb::examine, parse_select},
    VerbRow{"EXPUNGE", Verb::expunge, parse_expunge, true},
    VerbRow{"FETCH", Verb::fetch, parse_fetch, true},
    VerbRow{"GETACL", Verb::getacl, parse_mailbox_rights},
    VerbRow{"GETMETADATA", Verb::getmetadata, parse_getmetadata},
    VerbRow{"GETQUOTA", Verb::getquota, parse_mailbox_only},
    VerbRow{"GETQUOTAROOT", Verb::getquotaroot, parse_mailbox_only},
    VerbRow{"ID", Verb::id, parse_id},
    VerbRow{"IDLE", Verb::idle, parse_nothing},
    VerbRow{"LANGUAGE", Verb::language, parse_language},
    VerbRow{"LIST", Verb::list, parse_list},
    VerbRow{"LISTRIGHTS", Verb::listrights, parse_mailbox_rights},
    VerbRow{"LOGIN", Verb::login, parse_login},
    VerbRow{"LOGOUT", Verb::logout, parse_nothing},
    VerbRow{"LSUB", Verb::lsub, parse_lsub},
    VerbRow{"MOVE", Verb::move, parse_copy, true},
    VerbRow{"MYRIGHTS", Verb::myrights, parse_mailbox_rights},
    VerbRow{"NAMESPACE", Verb::namespace_, parse_nothing},
    VerbRow{"NOOP", Verb::noop, parse_nothing},
    VerbRow{"NOTIFY", Verb::notify, parse_notify},
    VerbRow{"RENAME", Verb::rename, parse_rename},
    VerbRow{"REPLACE", Verb::replace, parse_append, true},
    VerbRow{"SEARCH", Verb::search, parse_search, true},
    VerbRow{"SELECT", Verb::select, parse_select},
    VerbRow{"SETACL", Verb::setacl, parse_mailbox_rights},
    VerbRow{"SETMETADATA", Verb::setmetadata, parse_setmetadata},
    VerbRow{"SORT", Verb::sort, parse_sort, true},
    VerbRow{"STARTTLS", Verb::starttls, parse_nothing},
    VerbRow{"STATUS", Verb::status, parse_status},
    VerbRow{"STORE", Verb::store, parse_store, true},
    VerbRow{"SUBSCRIBE", Verb::subscribe, parse_mailbox_only},
    VerbRow{"THREAD", Verb::thread, parse_thread, true},
    VerbRow{"UNAUTHENTICATE", Verb::unauthenticate, parse_nothing},
    VerbRow{"UNSELECT", Verb::unselect, parse_nothing},
    VerbRow{"UNSUBSCRIBE", Verb::unsubscribe, parse_mailbox_only},
};

BadCommand bad(const Cursor& in, std::string_view tag) {
    return {std::string(tag), in.fault_offset(), std::string(in.reason())};
}

} // namespace

ParseOutcome parse(const Frame& frame) {
    Command command;
    const auto tag = tag_of(frame.text);
    if (tag.empty())
        return BadCommand{{}, 0, "a command starts with a tag"};
    command.tag = tag;
    Cursor in(frame, tag.size());
    std::string name;
    if (!in.space() || !in.atom(name))
        return BadCommand{command.tag, in.fault_offset(), "a command follows its tag"};
    if (text::iequals(name, "UID")) {
        command.uid = true;
        if (!in.space() || !in.atom(name))
            return bad(in, tag);
    }
    for (const auto& row : verbs) {
        if (!text::iequals(name, row.name) || (command.uid && !row.after_uid))
            continue;
        command.verb = row.verb;
        if (!row.parse(in, command))
            return bad(in, tag);
        return command;
    }
    return BadCommand{command.tag, in.position(), "unknown command"};
}

} // namespace mail::imap
