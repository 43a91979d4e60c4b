#include "maild/service/housekeeping.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/service/history.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr Duration after_start = std::chrono::minutes(1);
constexpr Duration between_slices = std::chrono::milliseconds(20); ///< for mail to go first
constexpr Duration while_busy = std::chrono::milliseconds(250);
constexpr std::uint64_t busy_store = 32; ///< transactions that wait
constexpr std::size_t mailboxes_at_once = 50;
constexpr Duration most = std::chrono::seconds(limit::housekeeping_seconds);
constexpr Duration least = std::chrono::seconds(1);
constexpr Duration tally_time = std::chrono::hours(24);
constexpr int retain_seldom = 6; ///< rules are looked at so many times less often than what is expunged

/// Often enough that nothing gets much older than it may.
Duration often_enough(Duration age, Duration at_most) { return std::clamp(age / 10, least, at_most); }

void failed(const Error& error, std::string_view what) {
    if (error.code != ErrorCode::closed)
        log(Event::housekeeping_failed, {{"what", what}, {"reason", error.message}});
}

} // namespace

Housekeeping::Housekeeping(store::Store& store, Config& config, Directory& directory, const Clock& clock)
    : store_(store), config_(config), directory_(directory), clock_(clock) {}

void Housekeeping::close() {
    closed_ = true;
    wake_.fire();
}

Task<void> Housekeeping::pause() const {
    co_await async::sleep_for(store_.stats().waiting > busy_store ? while_busy : between_slices);
}

Duration Housekeeping::purge_every() const {
    const auto config = config_.current();
    Duration shortest = std::min({config->policy.recoverable_keep, config->policy.removed_keep, config->server.stories_keep});
    for (const auto& [name, domain] : config->domains)
        for (const Duration own : {domain.recoverable_keep, domain.removed_keep})
            shortest = own == Duration::zero() ? shortest : std::min(shortest, own);
    return often_enough(shortest, most);
}

Duration Housekeeping::retain_every() const {
    const auto shortest = RetentionRules(config_.current(), directory_).shortest();
    return often_enough(shortest.value_or(Duration::max()), most * retain_seldom);
}

store::Maintenance Housekeeping::due() const {
    const auto config = config_.current();
    const Time now = clock_.now();
    store::Maintenance what;
    what.recoverable_before = now - config->policy.recoverable_keep;
    what.recoverable_bytes = config->policy.recoverable_size;
    what.removed_before = now - config->policy.removed_keep;
    for (const auto& [name, domain] : config->domains)
        if (domain.recoverable_keep != Duration::zero() || domain.removed_keep != Duration::zero())
            what.domains.push_back({name, domain.recoverable_keep, domain.removed_keep});
    what.stories_before = now - config->server.stories_keep;
    what.stories_bytes = config->server.stories_size;
    what.slice = static_cast<std::size_t>(limit::housekeeping_slice);
    return what;
}

Task<void> Housekeeping::tell(Tally& tally, std::size_t messages, std::string_view why) {
    if (messages == 0)
        co_return;
    const Time now = clock_.now();
    if (tally.entry == 0 || now - tally.since >= tally_time)
        tally = {0, 0, now};
    tally.messages += messages;
    Happening happening{std::string(own_actor), "purge", {}, {}, {}};
    happening.summary = "purged " + messages_text(tally.messages) + " " + std::string(why);
    happening.counts.emplace_back("messages", std::to_string(tally.messages));
    store::HistoryEntry entry = history_entry(happening);
    entry.number = tally.entry;
    const auto number = co_await store_.resources().record(std::move(entry));
    if (number)
        tally.entry = *number;
    else
        failed(number.error(), "history");
}

Task<void> Housekeeping::tell_mailbox(std::string name) {
    log(Event::mailbox_purged, {{"mailbox", name}});
    Happening happening{std::string(own_actor), "purge", name, "purged removed mailbox " + name, {}};
    const auto number = co_await store_.resources().record(history_entry(happening));
    if (!number)
        failed(number.error(), "history");
}

Task<void> Housekeeping::purge() {
    std::size_t items = 0;
    std::optional<store::AccountId> accounts_after = 0;
    while (!closed_) {
        store::Maintenance what = due(); // ages may change meanwhile
        what.accounts_after = accounts_after;
        const auto done = co_await store_.maintain(std::move(what));
        if (!done) {
            failed(done.error(), "purge");
            break;
        }
        items += done->items;
        purged_ += done->items;
        mailboxes_ += done->accounts.size();
        for (const std::string& name : done->accounts)
            co_await tell_mailbox(name);
        accounts_after = done->accounts_after;
        if (!done->more)
            break;
        co_await pause();
    }
    if (items != 0)
        log(Event::recoverable_purged, {{"messages", items}});
    co_await tell(by_age_, items, "whose time had come");
}

Task<Result<void>> Housekeeping::retain_folder(std::string mailbox, RetentionCase what) {
    std::size_t items = 0;
    for (bool more = true; more && !closed_;) {
        MAIL_CO_TRY(auto old, co_await store_.recovery().old_items(what.age, limit::housekeeping_slice));
        if (old.uids.empty())
            break;
        more = old.more;
        store::Expiry expiry{what.age, std::move(old.uids), what.for_good};
        MAIL_CO_TRY(const auto gone, co_await store_.recovery().expire(std::move(expiry)));
        items += gone.recoverable + gone.for_good;
        expired_ += gone.recoverable + gone.for_good;
        ruled_out_ += gone.for_good;
        co_await pause();
    }
    if (items != 0)
        log(Event::retention_expired, {{"mailbox", mailbox}, {"folder", what.folder}, {"rule", what.rule}, {"messages", items}});
    co_return Result<void>{};
}

Task<void> Housekeeping::retain_mailbox(const RetentionRules& rules, std::string name) {
    const auto mailbox = directory_.find(name);
    if (!mailbox)
        co_return; // removed just now
    const auto folders = co_await store_.mail().folders((*mailbox)->account);
    if (!folders) {
        failed(folders.error(), "retention");
        co_return;
    }
    const auto cases = rules.cases(**mailbox, *folders, clock_.now());
    for (const RetentionCase& what : cases) {
        const auto done = co_await retain_folder(name, what);
        if (!done && done.error().code != ErrorCode::not_found)
            failed(done.error(), "retention");
    }
}

Task<void> Housekeeping::retain() {
    const RetentionRules rules(config_.current(), directory_);
    if (!rules.any())
        co_return;
    ruled_out_ = 0;
    co_await retain_all(rules);
    co_await tell(by_rule_, ruled_out_, "by retention rules");
}

Task<void> Housekeeping::retain_all(const RetentionRules& rules) {
    std::string after;
    while (!closed_) {
        store::ResourcePage page;
        page.kind = "mailbox";
        page.after = after;
        page.limit = mailboxes_at_once;
        const auto rows = co_await store_.resources().list(std::move(page));
        if (!rows) {
            failed(rows.error(), "retention");
            co_return;
        }
        for (const auto& row : *rows) {
            if (closed_)
                co_return;
            co_await retain_mailbox(rules, row.name);
        }
        if (rows->size() < mailboxes_at_once)
            co_return;
        after = rows->back().name;
        co_await pause();
    }
}

Task<void> Housekeeping::run() {
    // At first the store has other things to do, unless things are to go at once.
    SteadyTime next_purge = clock_.steady() + std::min(after_start, purge_every());
    SteadyTime next_retain = clock_.steady() + std::min(after_start, retain_every());
    while (!closed_) {
        const SteadyTime now = clock_.steady();
        if (now >= next_retain) { // first, so that what it lets go is counted by the bound on bytes
            co_await retain();
            next_retain = clock_.steady() + retain_every();
        }
        if (now >= next_purge) {
            co_await purge();
            next_purge = clock_.steady() + purge_every();
        }
        const auto wait = std::chrono::duration_cast<Duration>(std::min(next_purge, next_retain) - clock_.steady());
        const bool woken = co_await wake_.wait_for(std::max(wait, Duration::zero()));
        if (woken) { // ages may be shorter now
            next_purge = std::min(next_purge, clock_.steady() + purge_every());
            next_retain = std::min(next_retain, clock_.steady() + retain_every());
        }
    }
}

} // namespace mail::service
