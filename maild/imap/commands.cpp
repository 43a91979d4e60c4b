// The one table of IMAP commands: in which states each is allowed, what it breaks, who handles it. CAPABILITY is derived
// from it and from the list of extensions that are no commands of their own.
#include "maild/imap/connection.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <array>

namespace mail::imap {

namespace {

constexpr std::uint8_t greeted = 1, signed_in = 2, selected = 4;
constexpr std::uint8_t any = greeted | signed_in | selected;
constexpr std::uint8_t inside = signed_in | selected;

// Extensions that change commands instead of adding one.
constexpr std::array<std::string_view, 32> extensions = {
    "SASL-IR",     "UIDPLUS",     "CHILDREN",  "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE",
    "CREATE-SPECIAL-USE", "ESEARCH", "SEARCHRES", "WITHIN",     "CONDSTORE",   "QRESYNC",
    "MULTIAPPEND", "BINARY",      "STATUS=SIZE", "OBJECTID",    "PREVIEW",     "SORT=DISPLAY",
    "ESORT",       "THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "I18NLEVEL=1", "UTF8=ACCEPT", "SAVEDATE",
    "QUOTA",       "QUOTA=RES-STORAGE", "PARTIAL",   "LIST-MYRIGHTS", "LIST-METADATA",
    "CATENATE",    "UIDONLY",     "INPROGRESS",
};

} // namespace

std::span<const Session::CommandRow> Session::commands() {
    static constexpr std::array rows = {
        CommandRow{Verb::append, inside, false, &Session::cmd_append, ""},
        CommandRow{Verb::authenticate, greeted, false, &Session::cmd_authenticate, ""},
        CommandRow{Verb::cancelupdate, selected, false, &Session::cmd_cancelupdate, "CONTEXT=SEARCH"},
        CommandRow{Verb::capability, any, false, &Session::cmd_capability, ""},
        CommandRow{Verb::check, selected, false, &Session::cmd_noop, ""},
        CommandRow{Verb::close, selected, false, &Session::cmd_close, ""},
        CommandRow{Verb::compress, inside, false, &Session::cmd_compress, "COMPRESS=DEFLATE"},
        CommandRow{Verb::copy, selected, true, &Session::cmd_copy, ""},
        CommandRow{Verb::create, inside, false, &Session::cmd_create, ""},
        CommandRow{Verb::delete_, inside, false, &Session::cmd_delete, ""},
        CommandRow{Verb::deleteacl, inside, false, &Session::cmd_setacl, ""},
        CommandRow{Verb::enable, inside, false, &Session::cmd_enable, "ENABLE"},
        CommandRow{Verb::esearch, inside, true, &Session::cmd_esearch, "MULTISEARCH"},
        CommandRow{Verb::examine, inside, false, &Session::cmd_select, ""},
        CommandRow{Verb::expunge, selected, false, &Session::cmd_expunge, ""},
        CommandRow{Verb::fetch, selected, true, &Session::cmd_fetch, ""},
        CommandRow{Verb::getacl, inside, false, &Session::cmd_getacl, "ACL"},
        CommandRow{Verb::getmetadata, inside, false, &Session::cmd_getmetadata, "METADATA"},
        CommandRow{Verb::getquota, inside, false, &Session::cmd_getquota, ""},
        CommandRow{Verb::getquotaroot, inside, false, &Session::cmd_getquotaroot, ""},
        CommandRow{Verb::id, any, false, &Session::cmd_id, "ID"},
        CommandRow{Verb::idle, inside, false, &Session::cmd_idle, "IDLE"},
        CommandRow{Verb::language, any, false, &Session::cmd_language, "LANGUAGE"},
        CommandRow{Verb::list, inside, false, &Session::cmd_list, ""},
        CommandRow{Verb::listrights, inside, false, &Session::cmd_listrights, ""},
        CommandRow{Verb::login, greeted, false, &Session::cmd_login, ""},
        CommandRow{Verb::logout, any, false, &Session::cmd_logout, ""},
        CommandRow{Verb::lsub, inside, false, &Session::cmd_lsub, ""},
        CommandRow{Verb::move, selected, false, &Session::cmd_move, "MOVE"},
        CommandRow{Verb::myrights, inside, false, &Session::cmd_myrights, ""},
        CommandRow{Verb::namespace_, inside, false, &Session::cmd_namespace, "NAMESPACE"},
        CommandRow{Verb::noop, any, false, &Session::cmd_noop, ""},
        CommandRow{Verb::notify, inside, false, &Session::cmd_notify, "NOTIFY"},
        CommandRow{Verb::rename, inside, false, &Session::cmd_rename, ""},
        CommandRow{Verb::replace, selected, false, &Session::cmd_append, "REPLACE"},
        CommandRow{Verb::search, selected, true, &Session::cmd_search, ""},
        CommandRow{Verb::select, inside, false, &Session::cmd_select, ""},
        CommandRow{Verb::setacl, inside, false, &Session::cmd_setacl, "RIGHTS=texk"},
        CommandRow{Verb::setmetadata, inside, false, &Session::cmd_setmetadata, ""},
        CommandRow{Verb::sort, selected, true, &Session::cmd_sort, "SORT"},
        CommandRow{Verb::starttls, greeted, false, &Session::cmd_starttls, ""},
        CommandRow{Verb::status, inside, false, &Session::cmd_status, ""},
        CommandRow{Verb::store, selected, true, &Session::cmd_store, ""},
        CommandRow{Verb::subscribe, inside, false, &Session::cmd_subscribe, ""},
        CommandRow{Verb::thread, selected, true, &Session::cmd_thread, ""},
        CommandRow{Verb::unauthenticate, inside, false, &Session::cmd_unauthenticate, "UNAUTHENTICATE"},
        CommandRow{Verb::unselect, selected, false, &Session::cmd_unselect, "UNSELECT"},
        CommandRow{Verb::unsubscribe, inside, false, &Session::cmd_subscribe, ""},
    };
    return rows;
}

// RFC 9586 §3.1: commands that mean messages by their numbers, or search by them.
bool Session::uses_numbers(const Command& command) {
    const SearchProgram* program = nullptr;
    if (const auto* search = std::get_if<SearchArguments>(&command.body))
        program = &search->program;
    else if (const auto* sort = std::get_if<SortArguments>(&command.body))
        program = &sort->search.program;
    else if (const auto* thread = std::get_if<ThreadArguments>(&command.body))
        program = &thread->search.program;
    const bool by_number = program != nullptr || std::holds_alternative<FetchArguments>(command.body) ||
                           std::holds_alternative<StoreArguments>(command.body) ||
                           std::holds_alternative<CopyArguments>(command.body);
    if (by_number && !command.uid && command.verb != Verb::esearch)
        return true;
    return program != nullptr && std::any_of(program->keys.begin(), program->keys.end(), [](const auto& key) {
        return key.kind == KeyKind::sequence && !key.set.is_saved();
    });
}

std::string Session::capabilities() const {
    std::string out = "IMAP4rev1 IMAP4rev2";
    const auto add = [&out](std::string_view word) {
        out += ' ';
        out += word;
    };
    if (state_ == State::greeted) {
        if (may_start_tls())
            add("STARTTLS");
        if (!plaintext_allowed())
            add("LOGINDISABLED"); // RFC 9051 §6.2.3
        for (auto mechanism : services_.sign_in.mechanisms(plaintext_allowed()))
            add("AUTH=" + std::string(mechanism));
        // RFC 7888 §5: before sign-in only small literals. Of the rest, what a client may need to know by now: one that
        // never asks again (Python's imaplib) would take, say, MOVE's EXPUNGE responses for those of its own EXPUNGE.
        return out + " LITERAL- SASL-IR ID ENABLE IDLE";
    }
    add("LITERAL+");
    for (auto word : extensions)
        add(word);
    add("APPENDLIMIT=" + std::to_string(limit::message_bytes));
    for (const auto& row : commands())
        if (!row.capability.empty() && !(row.verb == Verb::compress && compressed_))
            add(row.capability);
    return out;
}

} // namespace mail::imap
