// FETCH and UID FETCH (RFC 9051 §6.4.5). Attributes of the folder snapshot are written without touching the store;
// envelopes and structures come from the derived table in batches, bytes message by message.
#include "maild/imap/fetch_job.hpp"

#include "common/mail/date.hpp"
#include "common/mail/envelope.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/service/derived.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t derived_batch = 500;
constexpr std::size_t body_batch = 100;

// "* n FETCH (" and everything the snapshot knows; the caller goes on with a blank.
void append_attributes(std::string& out, const FetchItems& items, std::uint32_t number, const service::FolderItem& item,
                       const service::FolderSnapshot& snapshot, bool flags_changed, bool condstore, bool uid_only) {
    append_fetch_start(out, number, item.uid, uid_only);
    if (items.has(FetchAttribute::uid)) {
        out += "UID ";
        append_number(out, item.uid);
        out += ' ';
    }
    if (items.has(FetchAttribute::flags) || flags_changed) {
        out += "FLAGS ";
        append_flags(out, item.flags, snapshot.keywords(item.keywords));
        out += ' ';
    }
    if (items.has(FetchAttribute::internal_date))
        append_all(out, {"INTERNALDATE \"", format_internal_date(item.internal_date), "\" "});
    if (items.has(FetchAttribute::size)) {
        out += "RFC822.SIZE ";
        append_number(out, item.size);
        out += ' ';
    }
    if (items.has(FetchAttribute::modseq) || (flags_changed && condstore)) {
        out += "MODSEQ (";
        append_number(out, item.modseq);
        out += ") ";
    }
}

void append_derived(std::string& out, const FetchItems& items, const store::Derived& derived, bool utf8) {
    if (items.has(FetchAttribute::envelope))
        append_all(out, {"ENVELOPE ", derived.envelope, " "});
    if (items.has(FetchAttribute::body))
        append_all(out, {"BODY ", derived.body, " "});
    if (items.has(FetchAttribute::bodystructure))
        append_all(out, {"BODYSTRUCTURE ", derived.bodystructure, " "});
    if (items.has(FetchAttribute::preview)) { // RFC 8970 §3
        const auto facts = service::unpack_facts(derived.facts);
        out += "PREVIEW ";
        append_string(out, facts ? facts->preview : std::string(), utf8);
        out += ' ';
    }
}

void append_body_facts(std::string& out, const FetchItems& items, const store::ItemBody& body) {
    if (items.has(FetchAttribute::email_id)) // RFC 8474 §5: the same bytes, the same id
        append_all(out, {"EMAILID (M", std::to_string(body.blob.id), ") "});
    if (items.has(FetchAttribute::thread_id))
        out += "THREADID NIL ";
    if (items.has(FetchAttribute::save_date)) // RFC 8514
        append_all(out, {"SAVEDATE \"", format_internal_date(body.saved), "\" "});
}

// Cuts positions into pieces of at most `most` messages.
std::vector<std::vector<NumberRange>> batches(std::span<const NumberRange> positions, std::size_t most) {
    std::vector<std::vector<NumberRange>> out;
    std::size_t room = 0;
    for (auto range : positions)
        while (range.first <= range.last) {
            if (room == 0) {
                out.emplace_back();
                room = most;
            }
            const auto take = static_cast<std::uint32_t>(std::min<std::size_t>(room, range.last - range.first + 1));
            out.back().push_back({range.first, range.first + take - 1});
            room -= take;
            range.first += take;
        }
    return out;
}

} // namespace

// RFC 7162 §3.1.4: only what changed since.
void Session::keep_changed(Positions& positions, store::ModSeq since) const {
    const auto& snapshot = selected_->view.snapshot();
    NumberList kept;
    for (const auto& range : positions)
        for (auto number = range.first; number <= range.last; ++number)
            if (snapshot.at(number - 1).modseq > since)
                kept.add(number);
    positions.assign(kept.ranges().begin(), kept.ranges().end());
}

// RFC 7162 §3.2.6: UID FETCH (CHANGEDSINCE n VANISHED).
Task<Result<void>> Session::tell_vanished(const FetchArguments& arguments) {
    const auto gone = co_await services_.mailboxes.vanished(account(), selected_->folder.id, *arguments.changed_since);
    if (!gone)
        co_return fail(gone.error());
    const auto asked = arguments.set.is_saved() ? selected_->saved : arguments.set.resolve(UINT32_MAX);
    NumberList uids;
    add_common(uids, *gone, asked);
    if (!uids.empty())
        say("* VANISHED (EARLIER) " + uids.text());
    co_return Result<void>{};
}

Task<Reply> Session::cmd_fetch(const Command& command) {
    const auto& arguments = std::get<FetchArguments>(command.body);
    auto where = positions(arguments.set, command.uid);
    if (!where)
        co_return Reply::bad(where.error().message);
    if (arguments.vanished && !qresync_)
        co_return Reply::bad("QRESYNC was not enabled");
    FetchJob job;
    job.items = arguments.items;
    job.positions = std::move(*where);
    if (command.uid && !uid_only_)
        job.items.add(FetchAttribute::uid); // RFC 9051 §6.4.9
    if (arguments.changed_since || job.items.has(FetchAttribute::modseq))
        enable_condstore();
    if (arguments.changed_since) {
        job.items.add(FetchAttribute::modseq);
        keep_changed(job.positions, *arguments.changed_since);
    }
    if (arguments.partial)
        keep_part(job.positions, *arguments.partial);
    if (arguments.vanished) {
        const auto told = co_await tell_vanished(arguments);
        if (!told)
            co_return Reply::no(told.error());
    }
    const auto done = co_await run_fetch(job);
    if (!done)
        co_return Reply::no(done.error());
    if (job.undecodable)
        co_return Reply::no("a part cannot be decoded", "UNKNOWN-CTE"); // RFC 3516 §4.3
    if (job.damaged)
        co_return Reply::no("a message could not be read", "SERVERBUG");
    if (job.missing && !command.uid)
        co_return Reply::no("some messages no longer exist", "EXPUNGEISSUED"); // RFC 5530 §3
    co_return Reply::ok("FETCH completed");
}

Task<Result<void>> Session::run_fetch(FetchJob& job) {
    const auto& items = job.items;
    for (const auto& section : items.sections)
        job.labels.push_back(section_label(section));
    job.with_derived = items.has(FetchAttribute::envelope) || items.has(FetchAttribute::body) ||
                       items.has(FetchAttribute::bodystructure) || items.has(FetchAttribute::preview);
    job.with_bodies = !items.sections.empty() || items.has(FetchAttribute::email_id) ||
                      items.has(FetchAttribute::thread_id) || items.has(FetchAttribute::save_date);
    if (!job.with_derived && !job.with_bodies)
        co_return co_await fetch_simple(job);
    for (const auto& batch : batches(job.positions, job.with_bodies ? body_batch : derived_batch)) {
        if (items.sets_seen() && !selected_->read_only) {
            MAIL_CO_DO(co_await mark_seen(job, batch));
        }
        MAIL_CO_DO(co_await fetch_batch(job, batch));
        if (state_ == State::ended)
            break;
    }
    co_return Result<void>{};
}

Task<Result<void>> Session::fetch_simple(FetchJob& job) {
    const auto& snapshot = selected_->view.snapshot();
    for (const auto& range : job.positions)
        for (auto number = range.first; number <= range.last; ++number) {
            append_attributes(out_, job.items, number, snapshot.at(number - 1), snapshot, false, condstore_, uid_only_);
            out_.back() = ')';
            out_ += "\r\n";
            if (out_.size() < 131072)
                continue;
            co_await flush_if_full();
            if (state_ == State::ended)
                co_return Result<void>{};
        }
    co_return Result<void>{};
}

// RFC 9051 §6.4.5: BODY[...] without PEEK sets \Seen; one change for a whole batch.
Task<Result<void>> Session::mark_seen(FetchJob& job, std::span<const NumberRange> batch) {
    const auto& snapshot = selected_->view.snapshot();
    NumberList unseen;
    for (const auto& range : batch)
        for (auto number = range.first; number <= range.last; ++number)
            if ((snapshot.at(number - 1).flags & store::flag::seen) == 0)
                unseen.add(snapshot.uid_at(number - 1));
    job.made_seen.assign(unseen.ranges().begin(), unseen.ranges().end());
    if (unseen.empty())
        co_return Result<void>{};
    store::FlagChange change;
    change.folder = selected_->folder.id;
    for (const auto& range : unseen.ranges())
        change.uids.push_back({range.first, range.last});
    change.flags = store::flag::seen;
    const auto receipt = co_await services_.mailboxes.change_flags(account(), std::move(change));
    if (!receipt && receipt.error().code == ErrorCode::denied) { // RFC 4314 §4 FETCH: read without a trace
        job.made_seen.clear();
        co_return Result<void>{};
    }
    if (!receipt)
        co_return fail(receipt.error());
    own_changes_.insert(own_changes_.end(), receipt->changes.begin(), receipt->changes.end());
    sync(false);
    co_return Result<void>{};
}

Task<Result<void>> Session::fetch_batch(FetchJob& job, std::span<const NumberRange> batch) {
    const auto snapshot = selected_->view.shared_snapshot();
    const auto uids = selected_->view.uids_of(batch);
    const auto count = static_cast<std::size_t>(MailboxView::count(batch));
    const auto folder = selected_->folder.id;
    std::vector<service::Mailboxes::DerivedItem> rows;
    std::vector<store::ItemBody> bodies;
    if (job.with_derived) {
        MAIL_CO_TRY(rows, co_await services_.mailboxes.derived(account(), folder, uids, count));
    }
    if (job.with_bodies) {
        MAIL_CO_TRY(bodies, co_await services_.mailboxes.bodies(account(), folder, uids, count));
    }
    auto row = rows.begin();
    auto body = bodies.begin();
    for (const auto& range : batch)
        for (auto number = range.first; number <= range.last; ++number) {
            const auto item = snapshot->at(number - 1);
            while (row != rows.end() && row->uid < item.uid)
                ++row;
            while (body != bodies.end() && body->uid < item.uid)
                ++body;
            if ((job.with_derived && (row == rows.end() || row->uid != item.uid)) ||
                (job.with_bodies && (body == bodies.end() || body->uid != item.uid))) {
                job.missing = true; // expunged by someone else; this client was not told yet
                continue;
            }
            const auto start = out_.size();
            append_attributes(out_, job.items, number, item, *snapshot, contains(job.made_seen, item.uid), condstore_,
                              uid_only_);
            if (job.with_derived)
                append_derived(out_, job.items, row->derived, utf8());
            if (job.with_bodies) {
                append_body_facts(out_, job.items, *body);
                co_await fetch_sections(job, *body, start);
                if (state_ == State::ended)
                    co_return Result<void>{};
            }
            if (out_.size() > start || job.part_sent) {
                out_.back() = ')';
                out_ += "\r\n";
            }
            co_await flush_if_full();
        }
    co_return Result<void>{};
}

} // namespace mail::imap
