// SORT, UID SORT and THREAD (RFC 5256, RFC 5957 display names, RFC 5267 ESORT) over the facts kept with each message.
#include "maild/imap/connection.hpp"

#include "maild/imap/proto/response.hpp"
#include "maild/imap/thread.hpp"
#include "maild/service/derived.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t facts_batch = 250;
constexpr std::size_t inline_messages = 500; // more are threaded on the worker pool

bool needs_facts(SortKey key) { return key != SortKey::arrival && key != SortKey::size; }

// The text or number one criterion compares.
struct SortValue {
    std::string text;
    std::int64_t number = 0;
    [[nodiscard]] auto operator<=>(const SortValue&) const = default;
};
struct SortEntry {
    std::uint32_t position = 0;
    std::vector<SortValue> values;
};

SortValue value_of(SortKey key, const service::FolderItem& item, const service::Facts& facts) {
    switch (key) {
    case SortKey::arrival: return {{}, to_micros(item.internal_date)};
    case SortKey::size: return {{}, item.size};
    // RFC 5256 §2.2: the sent date, else the internal date.
    case SortKey::date: return {{}, to_micros(facts.date_sent.value_or(item.internal_date))};
    case SortKey::subject: return {facts.base_subject, 0};
    case SortKey::from: return {facts.from, 0};
    case SortKey::to: return {facts.to, 0};
    case SortKey::cc: return {facts.cc, 0};
    case SortKey::display_from: return {facts.from_display, 0};
    case SortKey::display_to: return {facts.to_display, 0};
    }
    return {};
}

// Small jobs are done at once.
std::optional<std::string> job_result(const std::function<Result<std::string>()>& job, bool here) {
    if (!here)
        return std::nullopt;
    return *job();
}

} // namespace

// Facts of the messages at `positions`, which ascend; those of expunged ones are empty.
Task<Result<std::vector<service::Facts>>> Session::load_facts(std::span<const std::uint32_t> positions) {
    const auto& snapshot = selected_->view.snapshot();
    std::vector<service::Facts> out(positions.size());
    for (std::size_t begin = 0; begin < positions.size(); begin += facts_batch) {
        const auto batch = positions.subspan(begin, std::min(facts_batch, positions.size() - begin));
        NumberList list;
        for (auto position : batch)
            list.add(snapshot.uid_at(position));
        store::UidSet uids;
        for (const auto& range : list.ranges())
            uids.push_back({range.first, range.last});
        MAIL_CO_TRY(const auto rows,
                    co_await services_.mailboxes.derived(account(), selected_->folder.id, uids, batch.size()));
        auto row = rows.begin();
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const auto uid = snapshot.uid_at(batch[i]);
            while (row != rows.end() && row->uid < uid)
                ++row;
            if (row == rows.end() || row->uid != uid)
                continue;
            if (auto facts = service::unpack_facts(row->derived.facts))
                out[begin + i] = std::move(*facts);
        }
    }
    co_return out;
}

Task<Result<std::vector<std::uint32_t>>> Session::sorted(const std::vector<SortCriterion>& criteria,
                                                         std::vector<std::uint32_t> found) {
    const auto& snapshot = selected_->view.snapshot();
    const bool with_facts = std::any_of(criteria.begin(), criteria.end(), [](const auto& c) { return needs_facts(c.key); });
    std::vector<service::Facts> facts;
    if (with_facts) {
        MAIL_CO_TRY(facts, co_await load_facts(found));
    }
    const service::Facts none;
    std::vector<SortEntry> entries(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        entries[i].position = found[i];
        for (const auto& criterion : criteria)
            entries[i].values.push_back(value_of(criterion.key, snapshot.at(found[i]), with_facts ? facts[i] : none));
    }
    // RFC 5256 §3: ties are broken by message number, which stable sorting keeps.
    std::stable_sort(entries.begin(), entries.end(), [&](const SortEntry& a, const SortEntry& b) {
        for (std::size_t i = 0; i < criteria.size(); ++i)
            if (const auto order = a.values[i] <=> b.values[i]; order != 0)
                return criteria[i].reverse ? order > 0 : order < 0;
        return false;
    });
    for (std::size_t i = 0; i < entries.size(); ++i)
        found[i] = entries[i].position;
    co_return found;
}

Task<Reply> Session::cmd_sort(const Command& command) {
    const auto& arguments = std::get<SortArguments>(command.body);
    auto found = co_await search_for(command, arguments.search);
    if (!found)
        co_return search_failed(found.error());
    const auto order = co_await sorted(arguments.criteria, std::move(*found));
    if (!order)
        co_return Reply::no(order.error());
    tell_found(command, arguments.search, "SORT", *order);
    auto reply = Reply::ok("SORT completed");
    if (!arguments.search.return_update)
        co_return reply;
    co_return keep_context(command, arguments.search, arguments.criteria, *order, std::move(reply));
}

Task<Reply> Session::cmd_thread(const Command& command) {
    const auto& arguments = std::get<ThreadArguments>(command.body);
    const auto found = co_await search_for(command, arguments.search);
    if (!found)
        co_return search_failed(found.error());
    auto facts = co_await load_facts(*found);
    if (!facts)
        co_return Reply::no(facts.error());
    const auto& snapshot = selected_->view.snapshot();
    auto messages = std::make_shared<std::vector<ThreadMessage>>();
    for (std::size_t i = 0; i < found->size(); ++i) {
        auto& from = (*facts)[i];
        const auto position = (*found)[i];
        messages->push_back({.number = command.uid ? snapshot.uid_at(position) : position + 1,
                             .message_id = std::move(from.message_id),
                             .references = std::move(from.references),
                             .base_subject = std::move(from.base_subject),
                             .is_reply = from.is_reply,
                             .date = from.date_sent.value_or(snapshot.at(position).internal_date)});
    }
    std::function<Result<std::string>()> job = [messages, by_references = arguments.by_references] {
        return by_references ? thread_by_references(*messages) : thread_by_subject(*messages);
    };
    auto threads = job_result(job, messages->size() <= inline_messages);
    if (!threads) {
        auto pooled = co_await services_.pool.run<std::string>(std::move(job));
        if (!pooled)
            co_return Reply::no(pooled.error());
        threads = std::move(*pooled);
    }
    append_all(out_, {"* THREAD", threads->empty() ? "" : " ", *threads, "\r\n"});
    co_return Reply::ok("THREAD completed");
}

} // namespace mail::imap
