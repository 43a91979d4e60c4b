#include "maild/service/quota_watch.hpp"

#include "common/async/runtime.hpp"
#include "common/base/log.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/directory.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mail::service {
namespace {

using namespace std::chrono_literals;

constexpr auto gather = 1s;            // mail comes in bursts
constexpr auto pause = 20ms;           // between slices
constexpr std::size_t slice = 100;     // mailboxes
constexpr std::size_t most_noted = 10'000; // accounts; beyond them it looks at all
constexpr std::string_view mailbox_prefix = "mailbox/", domain_prefix = "domain/", policy_prefix = "policy/";

} // namespace

QuotaWatch::QuotaWatch(store::Store& store, Directory& directory, Delivery& delivery, ChangeBus& bus, const Clock& clock)
    : store_(store), directory_(directory), delivery_(delivery), clock_(clock),
      watching_(bus.watch_all([this](const store::Changes& changes) { note(changes); })) {}

void QuotaWatch::close() {
    closed_ = true;
    wake_.fire();
}

/// On the store's thread.
void QuotaWatch::note(const store::Changes& changes) {
    bool any = false;
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes.folders) {
        if (change.added.empty() && change.expunged.empty() && !change.folder_deleted)
            continue;
        if (accounts_.size() < most_noted)
            accounts_.insert(change.account);
        else
            all_ = true;
        any = true;
    }
    for (const std::string_view name : changes.resources) {
        if (name.starts_with(mailbox_prefix) && names_.size() < most_noted)
            names_.emplace(name.substr(mailbox_prefix.size()));
        else if (name.starts_with(mailbox_prefix) || name.starts_with(domain_prefix) || name.starts_with(policy_prefix))
            all_ = true;
        else
            continue;
        any = true;
    }
    if (any)
        wake_.fire();
}

Task<Result<void>> QuotaWatch::tell(MailboxPtr mailbox, Room room, QuotaNotice notice) {
    auto letter = room.recoverable ? recoverable_letter(*mailbox, room.used) : quota_letter(*mailbox, room.stage, room.used);
    auto plan = delivery_.plan_notice(mailbox->address, std::move(letter.subject), std::move(letter.text));
    if (!plan)
        co_return fail(plan.error());
    for (auto& copy : plan->local)
        copy.quota = 0; // it says that there is no room
    store::AttributeWrite write;
    write.account = mailbox->account;
    write.changes.push_back({room.attribute(), notice.text()});
    plan->attributes.push_back(std::move(write));
    MAIL_CO_DO(co_await store_.mail().accept(std::move(*plan)));
    ++letters_;
    const std::string_view stage = room.recoverable ? "recoverable" : name_of(room.stage);
    log(Event::quota_warned, {{"mailbox", mailbox->address}, {"stage", stage}, {"bytes", room.used}});
    co_return Result<void>{};
}

Task<Result<bool>> QuotaWatch::see(MailboxPtr mailbox, Room room) {
    MAIL_CO_TRY(const auto attributes, co_await store_.mail().attributes(mailbox->account, 0));
    const auto kept = std::find_if(attributes.begin(), attributes.end(), [&](const auto& each) { return each.name == room.attribute(); });
    const QuotaNotice before = kept != attributes.end() ? QuotaNotice::read(kept->value) : QuotaNotice{};
    QuotaNotice notice = before;
    if (notice.see(room.stage, clock_.now())) {
        MAIL_CO_DO(co_await tell(mailbox, room, notice));
        co_return true;
    }
    if (notice != before) {
        std::vector<store::AttributeChange> changes;
        changes.push_back({room.attribute(), notice.text()});
        MAIL_CO_DO(co_await store_.mail().put_attributes(mailbox->account, 0, std::move(changes)));
    }
    co_return false;
}

Task<Result<bool>> QuotaWatch::look(std::string name) {
    const auto found = directory_.find(name);
    if (!found)
        co_return fail(found.error());
    const MailboxPtr mailbox = *found;
    if (!mailbox->enabled) // nothing reaches it
        co_return false;
    MAIL_CO_TRY(const auto usage, co_await store_.mail().usage(mailbox->account));
    Room room{false, quota_stage(*mailbox, usage.bytes), usage.bytes};
    MAIL_CO_TRY(const bool told, co_await see(mailbox, room));
    MAIL_CO_TRY(const auto recoverable, co_await store_.recovery().use(mailbox->account));
    room = {true, recoverable_stage(*mailbox, recoverable.bytes), recoverable.bytes};
    MAIL_CO_TRY(const bool told_too, co_await see(mailbox, room));
    co_return told || told_too;
}

Task<void> QuotaWatch::try_look(std::string mailbox) {
    const auto done = co_await look(mailbox);
    if (!done && done.error().code != ErrorCode::not_found && done.error().code != ErrorCode::closed)
        log(Event::store_error, {{"reason", done.error().message}, {"what", "the quota of " + mailbox}});
}

Task<void> QuotaWatch::look_at_changed() {
    std::unordered_set<store::AccountId> accounts;
    std::unordered_set<std::string> names;
    {
        const std::lock_guard lock(mutex_);
        accounts.swap(accounts_);
        names.swap(names_);
    }
    for (const auto account : accounts) {
        const auto name = co_await store_.mail().account_name(account);
        if (name)
            names.insert(*name);
    }
    std::size_t done = 0;
    for (const auto& name : names) {
        if (closed_)
            co_return;
        co_await try_look(name);
        if (++done % slice == 0)
            co_await async::sleep_for(pause);
    }
}

Task<void> QuotaWatch::look_at_all() {
    store::ResourcePage page;
    page.kind = "mailbox";
    page.limit = slice;
    while (!closed_) {
        const auto rows = co_await store_.resources().list(page);
        if (!rows || rows->empty())
            co_return;
        for (const auto& row : *rows)
            co_await try_look(row.name);
        page.after = rows->back().name;
        co_await async::sleep_for(pause);
    }
}

Task<void> QuotaWatch::run() {
    while (!closed_) {
        bool all = false;
        {
            const std::lock_guard lock(mutex_);
            all = std::exchange(all_, false);
        }
        if (all)
            co_await look_at_all();
        co_await look_at_changed();
        if (closed_)
            co_return;
        co_await wake_.wait();
        if (!closed_)
            co_await async::sleep_for(gather);
    }
}

} // namespace mail::service
