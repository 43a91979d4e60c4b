// SEARCH and UID SEARCH (RFC 9051 §6.4.4), ESEARCH, SEARCHRES. Stages: snapshot, text index, envelope, bytes; see search_match.hpp.
#include "maild/imap/search_job.hpp"

#include "common/base/limits.hpp"
#include "common/mail/date.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/envelope.hpp"
#include "maild/imap/proto/response.hpp"
#include "maild/service/derived.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t envelope_batch = 250;
constexpr std::size_t bytes_batch = 200;         // messages
constexpr std::uint64_t bytes_budget = 4194304;  // bytes of one batch, one larger message apart
constexpr std::uint64_t inline_bytes = 65536;    // more is decoded on the worker pool

store::UidSet uids_of(std::span<const SearchCandidate> candidates) {
    NumberList list;
    for (const auto& candidate : candidates)
        list.add(candidate.item.uid);
    store::UidSet uids;
    for (const auto& range : list.ranges())
        uids.push_back({range.first, range.last});
    return uids;
}

} // namespace

/// Whole messages on their way through the worker pool; owns all it needs, since the session may end meanwhile.
struct Session::SearchBatch {
    std::shared_ptr<const SearchPlan> plan;
    service::SnapshotPtr snapshot;
    struct Message {
        SearchCandidate candidate;
        std::string bytes;
        store::Derived derived;
        Time saved{};
        std::string email_id;
    };
    std::vector<Message> messages;
    std::uint64_t size = 0;

    /// Positions of the messages that match.
    [[nodiscard]] std::vector<std::uint32_t> judge() const;
};

std::vector<std::uint32_t> Session::SearchBatch::judge() const {
    std::vector<std::uint32_t> found;
    const EnvelopeText none;
    for (const auto& message : messages) {
        SearchText text(message.bytes);
        const auto envelope = read_envelope(message.derived.envelope, plan->envelope_fields());
        const auto facts = service::unpack_facts(message.derived.facts);
        const SearchFacts known{.envelope = envelope ? &*envelope : &none,
                                .sent_day = facts ? facts->date_sent_day : std::nullopt,
                                .text = &text,
                                .saved = message.saved,
                                .email_id = message.email_id,
                                .absent = message.candidate.absent};
        const auto& candidate = message.candidate;
        if (plan->evaluate(*snapshot, candidate.position, candidate.item, known) == Verdict::yes)
            found.push_back(candidate.position);
    }
    return found;
}

// The text index says which texts a message does not hold; only the others are read.
Task<Result<void>> Session::search_index(const SearchRun& run, std::vector<SearchCandidate>& candidates,
                                         std::vector<std::uint32_t>& found) {
    const auto& plan = run.plan;
    const auto uids = uids_of(candidates);
    MAIL_CO_TRY(const auto rows, co_await services_.mailboxes.absent_texts(account(), run.folder, uids, plan->texts()));
    std::vector<SearchCandidate> open;
    auto row = rows.begin();
    for (auto& candidate : candidates) {
        while (row != rows.end() && row->uid < candidate.item.uid)
            ++row;
        if (row != rows.end() && row->uid == candidate.item.uid)
            candidate.absent = row->absent;
        const auto verdict = plan->evaluate(*run.snapshot, candidate.position, candidate.item, {.absent = candidate.absent});
        if (verdict == Verdict::yes)
            found.push_back(candidate.position);
        else if (verdict == Verdict::unknown)
            open.push_back(candidate);
    }
    candidates = std::move(open);
    co_return Result<void>{};
}

Task<Result<void>> Session::search_envelopes(SearchRun& run, std::vector<SearchCandidate>& candidates,
                                             std::vector<std::uint32_t>& found) {
    const auto& plan = run.plan;
    std::vector<SearchCandidate> open;
    for (std::size_t begin = 0; begin < candidates.size(); begin += envelope_batch) {
        const auto batch = std::span(candidates).subspan(begin, std::min(envelope_batch, candidates.size() - begin));
        const auto uids = uids_of(batch);
        const auto rows = co_await services_.mailboxes.derived(account(), run.folder, uids, batch.size());
        if (!rows)
            co_return fail(rows.error());
        auto row = rows->begin();
        const EnvelopeText none;
        for (const auto& candidate : batch) {
            while (row != rows->end() && row->uid < candidate.item.uid)
                ++row;
            if (row == rows->end() || row->uid != candidate.item.uid)
                continue; // expunged meanwhile
            const auto envelope = read_envelope(row->derived.envelope, plan->envelope_fields());
            const auto facts = service::unpack_facts(row->derived.facts);
            const SearchFacts known{.envelope = envelope ? &*envelope : &none,
                                    .sent_day = facts ? facts->date_sent_day : std::nullopt,
                                    .absent = candidate.absent};
            const auto verdict = plan->evaluate(*run.snapshot, candidate.position, candidate.item, known);
            if (verdict == Verdict::yes)
                found.push_back(candidate.position);
            else if (verdict == Verdict::unknown)
                open.push_back(candidate);
        }
        co_await tell_progress(run, batch.size());
    }
    candidates = std::move(open);
    co_return Result<void>{};
}

// Reads messages until the budget of a batch is used up; tells how many candidates it covered, at least one.
Task<Result<std::size_t>> Session::load_search_batch(const SearchRun& run, SearchBatch& batch,
                                                              std::span<const SearchCandidate> candidates) {
    const auto uids = uids_of(candidates);
    const auto folder = run.folder;
    MAIL_CO_TRY(const auto bodies, co_await services_.mailboxes.bodies(account(), folder, uids, candidates.size()));
    std::vector<service::Mailboxes::DerivedItem> rows;
    if (batch.plan->needs_envelope()) {
        MAIL_CO_TRY(rows, co_await services_.mailboxes.derived(account(), folder, uids, candidates.size()));
    }
    std::size_t covered = 0;
    auto body = bodies.begin();
    auto row = rows.begin();
    for (const auto& candidate : candidates) {
        while (body != bodies.end() && body->uid < candidate.item.uid)
            ++body;
        while (row != rows.end() && row->uid < candidate.item.uid)
            ++row;
        if (body != bodies.end() && body->uid == candidate.item.uid) {
            if (batch.size > 0 && batch.size + candidate.item.size > bytes_budget)
                break;
            MAIL_CO_TRY(auto bytes, co_await services_.mailboxes.read(*body));
            batch.size += bytes.size();
            batch.messages.push_back({.candidate = candidate, .bytes = std::move(bytes), .derived = {},
                                      .saved = body->saved, .email_id = "M" + std::to_string(body->blob.id)});
            if (row != rows.end() && row->uid == candidate.item.uid)
                batch.messages.back().derived = std::move(row->derived);
        }
        ++covered;
    }
    co_return covered;
}

// While the pool judges one batch the next is read.
Task<Result<void>> Session::search_bytes(SearchRun& run, std::span<const SearchCandidate> candidates,
                                         std::vector<std::uint32_t>& found) {
    std::optional<async::Completion<std::vector<std::uint32_t>>> judged;
    while (!candidates.empty() || judged) {
        auto batch = std::make_shared<SearchBatch>();
        if (!candidates.empty()) {
            batch->plan = run.plan;
            batch->snapshot = run.snapshot;
            const auto next = candidates.first(std::min(bytes_batch, candidates.size()));
            MAIL_CO_TRY(const auto covered, co_await load_search_batch(run, *batch, next));
            candidates = candidates.subspan(covered);
            allow_time();
            co_await tell_progress(run, covered);
        }
        if (judged) {
            MAIL_CO_TRY(const auto hits, co_await judged->get());
            found.insert(found.end(), hits.begin(), hits.end());
            judged.reset();
        }
        if (batch->size <= inline_bytes) {
            const auto hits = batch->judge();
            found.insert(found.end(), hits.begin(), hits.end());
        } else {
            judged = services_.pool.start<std::vector<std::uint32_t>>([batch] { return batch->judge(); });
        }
    }
    co_return Result<void>{};
}

// RFC 9585: a client that waits long is told how far it is; total 0 where that is not known.
Task<void> Session::tell_progress(SearchRun& run, std::uint64_t done) {
    run.done += done;
    const auto now = services_.clock.steady();
    if (run.tag.empty() || now - run.told < std::chrono::seconds(limit::imap_progress_seconds))
        co_return;
    run.told = now;
    std::string code = "INPROGRESS (";
    append_string(code, run.tag);
    append_all(code, {" ", std::to_string(run.done), " ", std::to_string(run.total), ")"});
    append_status(out_, "*", "OK", code, "still searching");
    co_await flush();
}

Task<Result<std::vector<std::uint32_t>>> Session::run_search(SearchRun& run) {
    const auto& snapshot = *run.snapshot;
    run.told = services_.clock.steady();
    std::vector<std::uint32_t> found;
    std::vector<SearchCandidate> open;
    std::uint32_t position = 0;
    for (const auto& chunk : snapshot.chunks())
        for (std::size_t i = 0; i < chunk->uids.size(); ++i, ++position) {
            const service::FolderItem item{chunk->uids[i],    chunk->flags[i], chunk->keywords[i],
                                           chunk->modseqs[i], chunk->sizes[i], from_micros(chunk->dates[i])};
            if (item.modseq <= run.since) {
                if (contains(run.known, item.uid))
                    found.push_back(position);
                continue;
            }
            const auto verdict = run.plan->evaluate(snapshot, position, item, {});
            if (verdict == Verdict::yes)
                found.push_back(position);
            else if (verdict == Verdict::unknown)
                open.push_back({.position = position, .item = item});
        }
    if (!open.empty() && !run.plan->texts().empty()) {
        MAIL_CO_DO(co_await search_index(run, open, found));
    }
    run.total = open.size() * (run.plan->needs_envelope() ? 2 : 1);
    if (!open.empty() && run.plan->needs_envelope()) {
        MAIL_CO_DO(co_await search_envelopes(run, open, found));
    }
    MAIL_CO_DO(co_await search_bytes(run, open, found));
    std::sort(found.begin(), found.end());
    co_return found;
}

// What SEARCH, SORT and THREAD have in common: positions (from 0) of the messages that match, ascending.
Task<Result<std::vector<std::uint32_t>>> Session::search_for(const Command& command, const SearchArguments& arguments) {
    if (arguments.program.uses_modseq)
        enable_condstore();
    if (arguments.return_update && is_context(command.tag)) // RFC 5267 §4.3.1
        co_return fail(ErrorCode::invalid, "a search with this tag is kept up to date already");
    SearchRun run;
    run.folder = selected_->folder.id;
    run.snapshot = selected_->view.shared_snapshot();
    run.tag = command.tag;
    auto plan = SearchPlan::prepare(arguments.program, arguments.charset, selected_->view, selected_->saved,
                                    services_.clock.now());
    if (arguments.return_save)
        selected_->saved.clear(); // RFC 5182 §2.1: a failed search empties the saved result
    if (!plan)
        co_return fail(plan.error());
    run.plan = std::move(*plan);
    co_return co_await run_search(run);
}

Reply Session::search_failed(const Error& error) {
    if (error.code == ErrorCode::unsupported) // RFC 9051 §7.1
        return Reply::no("this charset is not known", "BADCHARSET (US-ASCII UTF-8)");
    return error.code == ErrorCode::invalid ? Reply::bad(error.message) : Reply::no(error);
}

Task<Reply> Session::cmd_search(const Command& command) {
    co_return co_await search_selected(command, std::get<SearchArguments>(command.body));
}

Task<Reply> Session::search_selected(const Command& command, const SearchArguments& arguments) {
    if (utf8_accept_ && !arguments.charset.empty())
        co_return Reply::bad("UTF8=ACCEPT rules out CHARSET"); // RFC 6855 §3
    const auto found = co_await search_for(command, arguments);
    if (!found)
        co_return search_failed(found.error());
    tell_found(command, arguments, "SEARCH", *found);
    auto reply = Reply::ok("SEARCH completed");
    if (!arguments.return_update)
        co_return reply;
    co_return keep_context(command, arguments, {}, *found, std::move(reply));
}

namespace {

// RFC 9394 §3.1: the results from `first` to `last`, counted from the beginning or from the end.
std::span<const std::uint32_t> part_of(std::span<const std::uint32_t> found, const PartialRange& range) {
    const auto before = std::min<std::size_t>(range.first - 1, found.size());
    const auto count = std::min<std::size_t>(range.last, found.size()) - before;
    return found.subspan(range.from_end ? found.size() - before - count : before, count);
}

std::string range_text(const PartialRange& range) {
    const std::string sign = range.from_end ? "-" : "";
    return sign + std::to_string(range.first) + ":" + sign + std::to_string(range.last);
}

} // namespace

void Session::keep_part(Positions& positions, const PartialRange& range) {
    std::vector<std::uint32_t> numbers;
    for (const auto& piece : positions)
        for (auto number = piece.first; number <= piece.last; ++number)
            numbers.push_back(number);
    NumberList kept;
    for (const auto number : part_of(numbers, range))
        kept.add(number);
    positions.assign(kept.ranges().begin(), kept.ranges().end());
}

namespace {

// RFC 7162 §3.1.5: the highest of what is returned.
store::ModSeq highest_of(const service::FolderSnapshot& snapshot, const SearchArguments& arguments,
                         const std::vector<std::uint32_t>& found) {
    const bool all = !arguments.extended || arguments.return_all || arguments.return_count;
    store::ModSeq modseq = 0;
    const auto consider = [&](std::uint32_t position) { modseq = std::max(modseq, snapshot.at(position).modseq); };
    if (all)
        std::for_each(found.begin(), found.end(), consider);
    if (arguments.partial)
        for (const auto position : part_of(found, *arguments.partial))
            consider(position);
    if (arguments.return_min && !found.empty())
        consider(found.front());
    if (arguments.return_max && !found.empty())
        consider(found.back());
    return modseq;
}

} // namespace

// What ESEARCH tells; `lists` holds what the summary points to.
SearchSummary Session::summarize(FoundLists& lists, const service::FolderSnapshot& snapshot, const SearchArguments& arguments,
                                 const std::vector<std::uint32_t>& found, bool uid) {
    const auto number = [&](std::uint32_t position) { return uid ? snapshot.uid_at(position) : position + 1; };
    SearchSummary summary{.uid = uid};
    if (arguments.return_all || !arguments.extended)
        for (auto position : found)
            lists.all.add(number(position));
    summary.all = &lists.all;
    if (arguments.return_min && !found.empty())
        summary.min = number(found.front());
    if (arguments.return_max && !found.empty())
        summary.max = number(found.back());
    if (arguments.return_count)
        summary.count = found.size();
    if (arguments.program.uses_modseq && !found.empty())
        summary.modseq = highest_of(snapshot, arguments, found);
    if (arguments.partial) {
        for (auto position : part_of(found, *arguments.partial))
            lists.part.add(number(position));
        summary.part = &lists.part;
        summary.part_of = range_text(*arguments.partial);
    }
    return summary;
}

// `found` in the order to tell it: ascending, or sorted.
void Session::tell_found(const Command& command, const SearchArguments& arguments, std::string_view word,
                         const std::vector<std::uint32_t>& found) {
    const auto& snapshot = selected_->view.snapshot();
    const bool uid = command.uid || command.verb == Verb::esearch;
    // RFC 9051 §7.3.4: IMAP4rev2 knows only ESEARCH; SORT has its own response (RFC 5256 §4).
    if (!arguments.extended && (!rev2_ || word != "SEARCH") && command.verb != Verb::esearch) {
        append_all(out_, {"* ", word});
        for (auto position : found) {
            out_ += ' ';
            append_number(out_, uid ? snapshot.uid_at(position) : position + 1);
        }
        if (arguments.program.uses_modseq && !found.empty())
            append_all(out_, {" (MODSEQ ", std::to_string(highest_of(snapshot, arguments, found)), ")"});
        say("");
        return;
    }
    FoundLists lists;
    auto summary = summarize(lists, snapshot, arguments, found, uid);
    summary.tag = command.tag;
    if (summary.modseq == 0)
        summary.modseq.reset();
    if (arguments.return_save)
        save_found(arguments, found);
    // RFC 5182 §2.1: SAVE alone is answered by the tagged line only.
    const bool told = !arguments.extended || arguments.return_all || arguments.return_count || arguments.return_min ||
                      arguments.return_max || arguments.partial;
    if (told)
        append_esearch(out_, summary);
}

// RFC 5182 §2.4: with MIN, MAX or PARTIAL (RFC 9394 §3.2) alone only those are saved.
void Session::save_found(const SearchArguments& arguments, const std::vector<std::uint32_t>& found) {
    const auto& snapshot = selected_->view.snapshot();
    const bool some = arguments.return_min || arguments.return_max || arguments.partial;
    const bool all = arguments.return_all || arguments.return_count || !some;
    std::vector<std::uint32_t> kept;
    if (all) {
        kept = found;
    } else {
        if (arguments.return_min && !found.empty())
            kept.push_back(found.front());
        if (arguments.partial) {
            const auto part = part_of(found, *arguments.partial);
            kept.insert(kept.end(), part.begin(), part.end());
        }
        if (arguments.return_max && !found.empty())
            kept.push_back(found.back());
        std::sort(kept.begin(), kept.end());
        kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    }
    NumberList uids;
    for (const auto position : kept)
        uids.add(snapshot.uid_at(position));
    selected_->saved.assign(uids.ranges().begin(), uids.ranges().end());
}

} // namespace mail::imap
