#include "maild/service/sending.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/schema/units.hpp"
#include "maild/service/delivery.hpp"
#include "maild/service/snapshot.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::size_t most_entries = 5000; ///< mailboxes whose books are in memory

Error frozen_error(const std::string& reason) {
    return Error{ErrorCode::denied, "Sending from this mailbox is frozen: " + reason + "; ask your postmaster"};
}

} // namespace

Sending::Sending(store::Store& store, Config& config, Delivery& delivery, const Clock& clock)
    : store_(store), config_(config), delivery_(delivery), clock_(clock) {}
Sending::~Sending() = default;

Task<Result<void>> Sending::open() {
    MAIL_CO_TRY(const auto all, co_await store_.mail().attributes_named("sending"));
    const std::lock_guard lock(mutex_);
    for (const auto& attribute : all)
        if (SendingBook::read({attribute}).frozen())
            frozen_.insert(attribute.account);
    frozen_count_ = frozen_.size();
    co_return Result<void>{};
}

schema::SendingLimits Sending::limits_of(const Mailbox& mailbox) const {
    if (mailbox.sending)
        return *mailbox.sending;
    return config_.current()->policy.sending.value_or(schema::SendingLimits{});
}

Task<Result<Sending::EntryPtr>> Sending::entry(store::AccountId account) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = entries_.find(account); known != entries_.end())
            co_return known->second;
    }
    MAIL_CO_TRY(const auto attributes, co_await store_.mail().attributes(account, 0));
    auto made = std::make_shared<Entry>();
    made->book = SendingBook::read(attributes);
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= most_entries)
        std::erase_if(entries_, [](const auto& one) { return one.second.use_count() == 1; }); // nobody is at it now
    co_return entries_.emplace(account, std::move(made)).first->second;
}

std::vector<RecipientMark> Sending::new_ones(const SendingBook& book, const SendingRequest& request) const {
    const auto config = config_.current();
    std::vector<RecipientMark> out;
    for (const Address& address : request.recipients) {
        const auto domain = domain_key(address.domain);
        if (!domain || config->is_local(*domain))
            continue;
        const RecipientMark mark = recipient_mark(address_key(address));
        if (!book.knows(mark) && std::find(out.begin(), out.end(), mark) == out.end())
            out.push_back(mark);
    }
    return out;
}

Result<void> Sending::decide(Entry& entry, const SendingRequest& request, const schema::SendingLimits& limits,
                             std::string& freezes) {
    const Time now = clock_.now();
    if (entry.book.frozen())
        return fail(frozen_error(entry.book.frozen()->reason));
    SendingTotals more;
    more.messages = 1;
    more.recipients = static_cast<std::int64_t>(request.recipients.size() + request.earlier);
    if (auto broken = entry.book.broken(limits, more, now); !broken.empty())
        return fail(ErrorCode::temporary, "Sending limit reached: " + broken + "; try again later");
    if (limits.new_recipients_per_day == 0)
        return {};
    const auto fresh = static_cast<std::int64_t>(new_ones(entry.book, request).size());
    if (fresh == 0 || entry.book.last_day(now).fresh + fresh <= limits.new_recipients_per_day)
        return {};
    freezes = "it wrote to more than " + std::to_string(limits.new_recipients_per_day) + " new recipients in a day";
    entry.book.freeze(now, freezes);
    frozen_.insert(request.who->account);
    frozen_count_ = frozen_.size();
    return fail(frozen_error(freezes));
}

Task<Result<void>> Sending::check_stage(MailboxPtr who) {
    const auto usage = co_await store_.mail().usage(who->account);
    if (!usage || usage->bytes < who->quota_send)
        co_return Result<void>{};
    co_return fail(ErrorCode::over_quota, "The mailbox holds " + schema::humane_size(usage->bytes) + " and sends nothing from " +
                                              schema::humane_size(who->quota_send) + " on; delete something first");
}

Task<Result<void>> Sending::check(SendingRequest request) {
    if (request.who->quota_send != 0 && request.recipients.empty()) { // asked once for a message
        MAIL_CO_DO(co_await check_stage(request.who));
    }
    const auto limits = limits_of(*request.who);
    if (!limits.any() && frozen_count_ == 0)
        co_return Result<void>{};
    MAIL_CO_TRY(const auto entry, co_await this->entry(request.who->account));
    std::string freezes;
    Result<void> decision;
    std::vector<store::AttributeChange> changes;
    {
        const std::lock_guard lock(mutex_);
        decision = decide(*entry, request, limits, freezes);
        if (!freezes.empty())
            changes = entry->book.take_changes();
    }
    if (!freezes.empty())
        co_await tell(request.who, std::move(freezes), std::move(changes));
    else if (!decision)
        log(Event::sending_limited, {{"mailbox", request.who->address}, {"reason", decision.error().message}});
    co_return decision;
}

Task<Result<SendingTaken>> Sending::take(SendingRequest request) {
    SendingTaken out;
    const auto limits = limits_of(*request.who);
    MAIL_CO_DO(co_await check(request));
    if (!limits.any())
        co_return out;
    MAIL_CO_TRY(const auto entry, co_await this->entry(request.who->account));
    const std::lock_guard lock(mutex_);
    std::string freezes; // what came between check() and this is caught by the next message
    MAIL_CO_DO(decide(*entry, request, limits, freezes));
    SendingTotals more{1, static_cast<std::int64_t>(request.recipients.size()), 0};
    if (limits.new_recipients_per_day != 0) {
        out.learned = new_ones(entry->book, request);
        more.fresh = static_cast<std::int64_t>(out.learned.size());
        entry->book.learn(out.learned);
    }
    entry->book.add(more, clock_.now());
    out.changes = entry->book.take_changes();
    co_return out;
}

void Sending::give_back(const SendingRequest& request, const SendingTaken& taken) {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(request.who->account);
    if (known == entries_.end())
        return;
    SendingBook& book = known->second->book;
    book.add({-1, -static_cast<std::int64_t>(request.recipients.size()), -static_cast<std::int64_t>(taken.learned.size())}, clock_.now());
    book.unlearn(taken.learned);
}

/// Frozen just now: durable, logged, and the postmaster hears of it.
Task<void> Sending::tell(MailboxPtr who, std::string reason, std::vector<store::AttributeChange> changes) {
    log(Event::sending_frozen, {{"mailbox", who->address}, {"reason", reason}});
    const auto kept = co_await store_.mail().put_attributes(who->account, 0, std::move(changes));
    if (!kept)
        log(Event::store_error, {{"reason", kept.error().message}, {"what", "keeping that sending is frozen"}});
    const std::string text = "Sending from the mailbox " + who->address + " was frozen: " + reason + ".\r\n\r\n" +
                             "Perhaps somebody else knows its password: change it with\r\n" +
                             "    mailctl mailbox password " + who->address + "\r\n" +
                             "Once you know that all is well, let it send again with\r\n" +
                             "    mailctl mailbox unfreeze " + who->address + "\r\n";
    std::string subject = "Sending from " + who->address + " was frozen";
    co_await delivery_.notify_postmaster(std::move(subject), text);
}

Task<Result<SendingStatus>> Sending::status(store::AccountId account) {
    MAIL_CO_TRY(const auto entry, co_await this->entry(account));
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    SendingStatus out{entry->book.frozen(), entry->book.this_hour(now), entry->book.last_day(now)};
    co_return out;
}

Task<Result<void>> Sending::freeze(store::AccountId account, std::string mailbox, std::string reason) {
    MAIL_CO_TRY(const auto entry, co_await this->entry(account));
    std::vector<store::AttributeChange> changes;
    {
        const std::lock_guard lock(mutex_);
        entry->book.freeze(clock_.now(), reason);
        frozen_.insert(account);
        frozen_count_ = frozen_.size();
        changes = entry->book.take_changes();
    }
    log(Event::sending_frozen, {{"mailbox", mailbox}, {"reason", reason}});
    co_return co_await store_.mail().put_attributes(account, 0, std::move(changes));
}

Task<Result<void>> Sending::unfreeze(store::AccountId account, std::string mailbox) {
    MAIL_CO_TRY(const auto entry, co_await this->entry(account));
    std::vector<store::AttributeChange> changes;
    {
        const std::lock_guard lock(mutex_);
        entry->book.unfreeze();
        entry->book.forget_fresh();
        frozen_.erase(account);
        frozen_count_ = frozen_.size();
        changes = entry->book.take_changes();
    }
    log(Event::sending_released, {{"mailbox", mailbox}});
    co_return co_await store_.mail().put_attributes(account, 0, std::move(changes));
}

} // namespace mail::service
