// SELECT, EXAMINE, CLOSE, UNSELECT, CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS.
#include "maild/imap/search_job.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/utf7.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/imap/special_use.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

// RFC 7162 §7: a mod-sequence is never zero.
store::ModSeq modseq_of(const store::Folder& folder) { return std::max<store::ModSeq>(folder.modseq, 1); }

// What makes a mailbox more than readable (RFC 4314 §5.2).
constexpr service::RightSet changing_rights = bit(service::Right::insert) | bit(service::Right::expunge) |
                                              bit(service::Right::seen) | bit(service::Right::remove_item) |
                                              bit(service::Right::write);

struct DeletedCount {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
};
DeletedCount count_deleted(const service::FolderSnapshot& snapshot) {
    DeletedCount count;
    for (const auto& chunk : snapshot.chunks())
        for (std::size_t i = 0; i < chunk->flags.size(); ++i)
            if ((chunk->flags[i] & store::flag::deleted) != 0) {
                ++count.items;
                count.bytes += chunk->sizes[i];
            }
    return count;
}

} // namespace

Result<std::string> Session::decode_name(const std::string& raw) const {
    auto name = decode_mailbox_name(raw, utf8());
    if (!name)
        return fail(ErrorCode::invalid, "the mailbox name is not well-formed");
    return std::move(*name);
}

Task<Result<store::Folder>> Session::find_folder(std::string raw) {
    MAIL_CO_TRY(auto name, decode_name(raw));
    auto folder = co_await services_.mailboxes.find(account(), std::move(name));
    if (folder && folder->folder_class != store::FolderClass::mail)
        co_return fail(ErrorCode::not_found, "no such mailbox");
    co_return folder;
}

void Session::unselect() {
    contexts_.clear();
    selected_.reset();
    if (state_ == State::selected)
        state_ = State::signed_in;
}

Task<Reply> Session::cmd_select(const Command& command) {
    return select_folder(std::get<SelectArguments>(command.body), command.verb == Verb::examine);
}

Task<Reply> Session::select_folder(const SelectArguments& arguments, bool read_only) {
    // RFC 9051 §6.3.2: a SELECT, even a failed one, ends the one before.
    if (selected_) {
        unselect();
        say("* OK [CLOSED] previous mailbox closed");
    }
    if (arguments.resync && !qresync_)
        co_return Reply::bad("QRESYNC was not enabled"); // RFC 7162 §3.2.5
    if (uid_only_ && arguments.resync && arguments.resync->sequence_match)
        co_return Reply::uid_required(); // RFC 9586 §3.3
    auto folder = co_await find_folder(arguments.mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto rights = co_await services_.mailboxes.may(account(), *folder, service::Right::read);
    if (!rights)
        co_return Reply::no(rights.error());
    auto handle = co_await services_.mailboxes.open(account(), folder->id);
    if (!handle)
        co_return Reply::no(handle.error());
    // RFC 4314 §5.2: without any right to change something the mailbox is read-only.
    read_only = read_only || (*rights & changing_rights) == 0;
    if (arguments.condstore)
        enable_condstore();
    auto snapshot = (*handle)->current();
    selected_.emplace(Selected{.folder = std::move(*folder), .handle = std::move(*handle),
                               .view = MailboxView(std::move(snapshot)), .read_only = read_only, .rights = *rights, .saved = {}});
    state_ = State::selected;
    tell_selected();
    if (arguments.resync) {
        const auto told = co_await tell_resync(*arguments.resync);
        if (!told)
            co_return Reply::no(told.error());
    }
    co_return Reply::ok(read_only ? "EXAMINE completed" : "SELECT completed", read_only ? "READ-ONLY" : "READ-WRITE");
}

// RFC 4314 §5.1: the flags that this client may change.
std::string Session::permanent_flags(const std::vector<std::string>& keywords) const {
    const auto fixed = selected_->read_only ? std::uint8_t{31} : service::fixed_flags(selected_->rights);
    if (fixed == 0)
        return flags_line(keywords, true);
    std::string out;
    append_flags(out, static_cast<std::uint8_t>(31 & ~fixed), {});
    return out;
}

void Session::tell_selected() {
    const auto& view = selected_->view;
    const auto& folder = view.snapshot().folder();
    const auto keywords = view.snapshot().all_keywords();
    const auto number_line = [this](std::string_view before, std::uint64_t number, std::string_view after) {
        out_ += before;
        append_number(out_, number);
        say(after);
    };
    append_all(out_, {"* FLAGS ", flags_line(keywords, false), "\r\n"});
    append_all(out_, {"* OK [PERMANENTFLAGS ", permanent_flags(keywords), "] flags that stay\r\n"});
    number_line("* ", view.size(), " EXISTS");
    if (!rev2_) {
        say("* 0 RECENT"); // RFC 3501 §2.3.2; \Recent is not kept
        const auto unseen = view.snapshot().first_unseen();
        if (unseen < view.size())
            number_line("* OK [UNSEEN ", unseen + 1, "] first unseen");
    }
    number_line("* OK [UIDVALIDITY ", folder.uid_validity, "] UIDs valid");
    number_line("* OK [UIDNEXT ", folder.uid_next, "] next UID");
    number_line("* OK [HIGHESTMODSEQ ", modseq_of(folder), "] highest");
    append_all(out_, {"* OK [MAILBOXID (F", selected_->folder.object_id.text(), ")] its id\r\n"});
    if (rev2_) // RFC 9051 §6.3.2
        append_list(out_, {.attributes = std::string(special_use_attribute(folder.special_use)),
                           .name = selected_->folder.name}, true);
}

// RFC 7162 §3.2.5: what vanished and what changed since the client last looked.
Task<Result<void>> Session::tell_resync(const ResyncArguments& resync) {
    const auto& snapshot = selected_->view.snapshot();
    if (resync.uid_validity != snapshot.folder().uid_validity)
        co_return Result<void>{};
    const auto gone = co_await services_.mailboxes.vanished(account(), selected_->folder.id, resync.modseq);
    if (!gone)
        co_return fail(gone.error());
    std::vector<NumberRange> known{{1, UINT32_MAX}};
    if (resync.known_uids)
        known = resync.known_uids->resolve(UINT32_MAX);
    NumberList uids;
    add_common(uids, *gone, known);
    if (!uids.empty())
        say("* VANISHED (EARLIER) " + uids.text());
    std::uint32_t position = 0;
    for (const auto& chunk : snapshot.chunks()) {
        for (std::size_t i = 0; i < chunk->uids.size(); ++i) {
            ++position;
            if (chunk->modseqs[i] <= resync.modseq || !contains(known, chunk->uids[i]))
                continue;
            append_fetch_flags(out_, position, snapshot.at(position - 1), snapshot, true, uid_only_);
        }
        co_await flush_if_full();
    }
    co_return Result<void>{};
}

Task<Reply> Session::cmd_close(const Command&) {
    // RFC 9051 §6.4.1: messages marked \Deleted go, without EXPUNGE responses; RFC 4314 §4: but only with the right to.
    if (!selected_->read_only && holds(selected_->rights, service::Right::expunge)) {
        store::UidSet all;
        const auto gone = co_await services_.mailboxes.expunge(account(), selected_->folder.id, std::move(all), true);
        if (!gone) {
            unselect();
            co_return Reply::no(gone.error());
        }
    }
    unselect();
    co_return Reply::ok("CLOSE completed");
}

Task<Reply> Session::cmd_unselect(const Command&) {
    unselect();
    co_return Reply::ok("UNSELECT completed");
}

Task<Reply> Session::cmd_create(const Command& command) {
    const auto& arguments = std::get<MailboxArguments>(command.body);
    auto name = decode_name(arguments.mailbox);
    if (!name)
        co_return Reply::no(name.error());
    auto use = store::SpecialUse::none;
    if (!arguments.special_use.empty()) {
        use = special_use_named(arguments.special_use.front());
        // RFC 6154 §3: one use that cannot be had fails the whole.
        if (use == store::SpecialUse::none || arguments.special_use.size() > 1)
            co_return Reply::no("this special use is not supported", "USEATTR");
    }
    const auto folder = co_await services_.mailboxes.create(account(), std::move(*name), use);
    if (!folder)
        co_return Reply::no(folder.error());
    co_return Reply::ok("CREATE completed", "MAILBOXID (F" + folder->object_id.text() + ")");
}

Task<Reply> Session::cmd_delete(const Command& command) {
    const auto& raw = std::get<MailboxArguments>(command.body).mailbox;
    const auto folder = co_await find_folder(raw);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto removed = co_await services_.mailboxes.remove(account(), folder->name);
    if (!removed)
        co_return Reply::no(removed.error());
    if (selected_ && selected_->folder.id == folder->id) {
        unselect();
        say("* OK [CLOSED] the selected mailbox was deleted");
    }
    co_return Reply::ok("DELETE completed");
}

Task<Reply> Session::cmd_rename(const Command& command) {
    const auto& arguments = std::get<RenameArguments>(command.body);
    auto from = decode_name(arguments.from);
    auto to = decode_name(arguments.to);
    if (!from || !to)
        co_return Reply::no(from ? to.error() : from.error());
    const auto renamed = co_await services_.mailboxes.rename(account(), std::move(*from), std::move(*to));
    if (!renamed)
        co_return Reply::no(renamed.error());
    co_return Reply::ok("RENAME completed");
}

Task<Reply> Session::cmd_subscribe(const Command& command) {
    auto name = decode_name(std::get<MailboxArguments>(command.body).mailbox);
    if (!name)
        co_return Reply::no(name.error());
    const auto done = co_await services_.mailboxes.subscribe(account(), std::move(*name), command.verb == Verb::subscribe);
    if (!done)
        co_return Reply::no(done.error());
    co_return Reply::ok("completed");
}

Task<Reply> Session::cmd_status(const Command& command) {
    const auto& arguments = std::get<StatusArguments>(command.body);
    auto folder = co_await find_folder(arguments.mailbox);
    if (!folder)
        co_return Reply::no(folder.error());
    const auto done = co_await append_status_line(std::move(*folder), arguments.items);
    if (!done)
        co_return Reply::no(done.error());
    co_return Reply::ok("STATUS completed");
}

Task<Result<void>> Session::append_status_line(store::Folder folder, std::uint16_t items) {
    const auto wants = [items](StatusItem item) { return (items & static_cast<std::uint16_t>(item)) != 0; };
    DeletedCount deleted;
    if (wants(StatusItem::deleted) || wants(StatusItem::deleted_storage)) {
        const auto handle = co_await services_.mailboxes.open(account(), folder.id);
        if (!handle)
            co_return fail(handle.error());
        deleted = count_deleted(*(*handle)->current());
    }
    out_ += "* STATUS ";
    append_mailbox(out_, folder.name, utf8());
    char before = '(';
    out_ += ' ';
    const auto item = [&](StatusItem which, std::string_view name, std::uint64_t value) {
        if (!wants(which))
            return;
        out_ += before;
        before = ' ';
        append_all(out_, {name, " "});
        append_number(out_, value);
    };
    item(StatusItem::messages, "MESSAGES", folder.messages);
    item(StatusItem::recent, "RECENT", 0);
    item(StatusItem::uid_next, "UIDNEXT", folder.uid_next);
    item(StatusItem::uid_validity, "UIDVALIDITY", folder.uid_validity);
    item(StatusItem::unseen, "UNSEEN", folder.unseen);
    item(StatusItem::deleted, "DELETED", deleted.items);
    item(StatusItem::size, "SIZE", folder.bytes);
    item(StatusItem::highest_modseq, "HIGHESTMODSEQ", modseq_of(folder));
    item(StatusItem::append_limit, "APPENDLIMIT", static_cast<std::uint64_t>(limit::message_bytes));
    item(StatusItem::deleted_storage, "DELETED-STORAGE", deleted.bytes);
    if (wants(StatusItem::mailbox_id)) {
        out_ += before;
        before = ' ';
        append_all(out_, {"MAILBOXID (F", folder.object_id.text(), ")"});
    }
    if (before == '(')
        out_ += '(';
    out_ += ")\r\n";
    if (wants(StatusItem::highest_modseq))
        enable_condstore(); // RFC 7162 §3.1
    co_return Result<void>{};
}

} // namespace mail::imap
