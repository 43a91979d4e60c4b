// STORE, COPY, MOVE, EXPUNGE and their UID forms (RFC 9051 §6.4, RFC 4315, RFC 6851, RFC 7162).
#include "maild/imap/connection.hpp"

#include "common/base/limits.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/store/rules.hpp"

#include <algorithm>

namespace mail::imap {

// Message numbers (from 1) that a set names; `invalid` for numbers that do not exist.
Result<Session::Positions> Session::positions(const SequenceSet& set, bool uid) const {
    const auto& view = selected_->view;
    if (set.is_saved())
        return view.positions_of(selected_->saved);
    if (uid)
        return view.positions_of_uids(set);
    // RFC 9051 §9 seq-number: a number beyond the last message is an error.
    if (view.out_of_range(set))
        return fail(ErrorCode::invalid, "no such message number");
    return view.positions_of_numbers(set);
}

void Session::tell_stored(const store::FlagReceipt& receipt, const store::FlagChange& change, bool silent) {
    const auto& snapshot = selected_->view.snapshot();
    for (const auto& row : receipt.changed) {
        const auto found = snapshot.find(row.uid);
        if (!found.found)
            continue;
        // RFC 9051 §6.4.6: .SILENT or not, what others changed meanwhile is told.
        const auto known = snapshot.at(found.position);
        const store::FlagState expected = apply_flags({known.flags, std::string(snapshot.keywords(known.keywords))}, change);
        const bool with_flags = !silent || expected != store::FlagState{row.flags, row.keywords};
        if (!with_flags && !condstore_)
            continue;
        append_fetch_start(out_, found.position + 1, row.uid, uid_only_);
        if (!uid_only_) {
            out_ += "UID ";
            append_number(out_, row.uid);
            out_ += ' ';
        }
        if (condstore_) { // RFC 7162 §3.1.3: MODSEQ comes with .SILENT too
            out_ += "MODSEQ (";
            append_number(out_, row.modseq);
            out_ += ") ";
        }
        if (with_flags) {
            out_ += "FLAGS ";
            append_flags(out_, row.flags, row.keywords);
            out_ += ' ';
        }
        out_.back() = ')';
        out_ += "\r\n";
    }
}

Task<Reply> Session::cmd_store(const Command& command) {
    const auto& arguments = std::get<StoreArguments>(command.body);
    if (selected_->read_only)
        co_return Reply::no("the mailbox is open read-only", "NOPERM");
    if (arguments.unchanged_since)
        enable_condstore();
    const auto where = positions(arguments.set, command.uid);
    if (!where)
        co_return Reply::bad(where.error().message);
    if (where->empty())
        co_return Reply::ok("STORE completed, nothing to do");
    store::FlagChange change;
    change.folder = selected_->folder.id;
    change.uids = selected_->view.uids_of(*where);
    change.operation = arguments.how == StoreArguments::How::add      ? store::FlagOperation::add
                       : arguments.how == StoreArguments::How::remove ? store::FlagOperation::remove
                                                                      : store::FlagOperation::replace;
    change.flags = arguments.flags.system;
    change.keywords = arguments.flags.keywords;
    change.unchanged_since = arguments.unchanged_since;
    const store::FlagChange asked = change;
    const auto receipt = co_await services_.mailboxes.change_flags(account(), std::move(change));
    if (!receipt)
        co_return Reply::no(receipt.error());
    tell_new_keywords();
    tell_stored(*receipt, asked, arguments.silent);
    own_changes_ = receipt->changes;
    if (receipt->modified.empty())
        co_return Reply::ok("STORE completed");
    NumberList modified; // RFC 7162 §3.1.3
    for (auto uid : receipt->modified)
        modified.add(command.uid ? uid : selected_->view.snapshot().find(uid).position + 1);
    co_return Reply::ok("some messages were changed by others", "MODIFIED " + modified.text());
}

// RFC 9051 §7.3.5: FLAGS comes before the first FETCH that shows a new keyword.
void Session::tell_new_keywords() { selected_->view.tell_keywords(out_, *selected_->handle->current()); }

Task<Reply> Session::cmd_copy(const Command& command) { return copy_or_move(command, false); }
Task<Reply> Session::cmd_move(const Command& command) { return copy_or_move(command, true); }

Task<Reply> Session::copy_or_move(const Command& command, bool move) {
    const auto& arguments = std::get<CopyArguments>(command.body);
    if (move && selected_->read_only)
        co_return Reply::no("the mailbox is open read-only", "NOPERM");
    const auto where = positions(arguments.set, command.uid);
    if (!where)
        co_return Reply::bad(where.error().message);
    const auto target = co_await find_folder(arguments.mailbox);
    if (!target) {
        auto reply = Reply::no(target.error());
        if (target.error().code == ErrorCode::not_found)
            reply.code = "TRYCREATE"; // RFC 9051 §6.4.7
        co_return reply;
    }
    const std::string verb = move ? "MOVE" : "COPY";
    if (where->empty())
        co_return Reply::ok(verb + " completed, nothing to do");
    auto uids = selected_->view.uids_of(*where);
    const auto receipt = co_await services_.mailboxes.copy(account(), selected_->folder.id, std::move(uids), target->id,
                                                           move, mailbox_->quota);
    if (!receipt)
        co_return Reply::no(receipt.error());
    if (receipt->pairs.empty())
        co_return Reply::ok(verb + " completed, nothing to do");
    NumberList sources, targets;
    for (const auto& [source, copy] : receipt->pairs) {
        sources.add(source);
        targets.add(copy);
    }
    // RFC 4315 §3
    auto code = "COPYUID " + std::to_string(receipt->uid_validity) + " " + sources.text() + " " + targets.text();
    if (!move)
        co_return Reply::ok("COPY completed", std::move(code));
    append_status(out_, "*", "OK", code, "moved"); // RFC 6851 §4.3: before the EXPUNGEs
    co_return Reply::ok("MOVE completed");
}

Task<Reply> Session::cmd_expunge(const Command& command) {
    const auto& arguments = std::get<ExpungeArguments>(command.body);
    if (selected_->read_only)
        co_return Reply::no("the mailbox is open read-only", "NOPERM");
    store::UidSet uids;
    if (arguments.uids) {
        const auto where = positions(*arguments.uids, true);
        uids = selected_->view.uids_of(*where);
        if (uids.empty())
            co_return Reply::ok("EXPUNGE completed, nothing to do");
    }
    const auto gone = co_await services_.mailboxes.expunge(account(), selected_->folder.id, std::move(uids), true);
    if (!gone)
        co_return Reply::no(gone.error());
    // RFC 7162 §3.2.7: tells a QRESYNC client how far it is.
    if (qresync_ && !gone->empty())
        co_return Reply::ok("EXPUNGE completed",
                            "HIGHESTMODSEQ " + std::to_string(selected_->handle->current()->modseq()));
    co_return Reply::ok("EXPUNGE completed");
}

} // namespace mail::imap
