// The verbs of Mailboxes on what is in a folder; each asks for the right it needs first.
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "maild/service/derived.hpp"
#include "maild/service/mailboxes_state.hpp"
#include "maild/service/snapshot_builder.hpp"

#include <algorithm>

namespace mail::service {

namespace {
constexpr std::uint8_t every_flag = 31;
} // namespace

Task<Result<std::shared_ptr<Mailboxes::OpenFolder>>> Mailboxes::open(store::AccountId who, store::FolderId folder) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::read));
    auto entry = state_->open->enter(folder);
    if (!entry->loaded()) {
        const auto builder = std::make_shared<SnapshotBuilder>();
        MAIL_CO_DO(co_await state_->store.mail().scan(folder, builder));
        entry->load(builder->finish());
    }
    state_->open->keep(entry);
    co_return std::shared_ptr<OpenFolder>(std::move(entry));
}

Task<Result<store::FlagReceipt>> Mailboxes::change_flags(store::AccountId who, store::FlagChange change) {
    MAIL_CO_TRY(const auto held, co_await authorize(who, change.folder, Right::lookup));
    if (change.keywords.size() > limit::keywords_per_item)
        co_return fail(ErrorCode::too_large, "too many keywords on one message");
    for (const auto& keyword : change.keywords)
        if (keyword.size() > limit::keyword_bytes)
            co_return fail(ErrorCode::too_large, "a keyword is too long");
    // RFC 4314 §4 STORE: it fails only when none of the flags may be changed, else the others stay as they are.
    change.fixed_flags = fixed_flags(held);
    change.fixed_keywords = !holds(held, Right::write);
    const bool some_flag = (change.flags & ~change.fixed_flags) != 0;
    const bool some_keyword = !change.keywords.empty() && !change.fixed_keywords;
    const bool nothing_named = change.flags == 0 && change.keywords.empty();
    const bool no_right = change.fixed_flags == every_flag;
    if (no_right || (!some_flag && !some_keyword && !nothing_named))
        co_return fail(ErrorCode::denied, "no right to change these flags");
    co_return co_await state_->store.mail().change_flags(std::move(change));
}

Task<Result<store::CopyReceipt>> Mailboxes::copy(store::AccountId who, store::FolderId source, store::UidSet uids,
                                                 store::FolderId target, bool move, std::uint64_t quota) {
    MAIL_CO_DO(co_await authorize(who, source, Right::read));
    if (move) { // RFC 4314 §4, RFC 6851 §4.5: what STORE \Deleted and EXPUNGE would need
        MAIL_CO_DO(co_await authorize(who, source, Right::remove_item));
        MAIL_CO_DO(co_await authorize(who, source, Right::expunge));
    }
    MAIL_CO_TRY(const auto held, co_await authorize(who, target, Right::insert));
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(target));
    if (row.account != who) {
        MAIL_CO_TRY(quota, co_await quota_of(row.account));
    }
    MAIL_CO_TRY(auto receipt, co_await state_->store.mail().copy(source, std::move(uids), target, move, quota));
    if (fixed_flags(held) == 0 || receipt.pairs.empty())
        co_return receipt;
    // RFC 4314 §4 COPY: without the right to set them, flags are not carried over, and the copy does not fail.
    store::FlagChange change;
    change.folder = target;
    change.operation = store::FlagOperation::replace;
    change.fixed_flags = static_cast<std::uint8_t>(every_flag & ~fixed_flags(held));
    change.fixed_keywords = holds(held, Right::write);
    for (const auto& pair : receipt.pairs)
        change.uids.push_back({pair.second, pair.second});
    MAIL_CO_DO(co_await state_->store.mail().change_flags(std::move(change)));
    co_return receipt;
}

Task<Result<std::vector<store::Uid>>> Mailboxes::expunge(store::AccountId who, store::FolderId folder,
                                                         store::UidSet uids, bool only_deleted) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::expunge));
    co_return co_await state_->store.mail().expunge(folder, std::move(uids), only_deleted);
}

Task<Result<std::vector<store::AcceptPlan>>> Mailboxes::plan_append(const Mailbox& who, store::FolderId folder,
                                                                    std::vector<NewItem> items) {
    auto account = who.account;
    auto quota = who.quota;
    MAIL_CO_TRY(const auto held, co_await authorize(account, folder, Right::insert));
    MAIL_CO_TRY(const auto row, co_await state_->store.mail().folder(folder));
    if (row.account != account) {
        account = row.account;
        MAIL_CO_TRY(quota, co_await quota_of(account));
    }
    std::vector<store::AcceptPlan> plans;
    const Time now = state_->clock.now();
    for (auto& item : items) {
        if (item.content.size() > limit::message_bytes)
            co_return fail(ErrorCode::too_large, "the message is too large");
        std::sort(item.keywords.begin(), item.keywords.end());
        store::AcceptPlan plan;
        plan.message = Id::make(now);
        plan.content = std::move(item.content);
        store::LocalCopy copy;
        copy.account = account;
        copy.folder = folder;
        copy.flags = static_cast<std::uint8_t>(item.flags & ~fixed_flags(held)); // RFC 4314 §4 APPEND
        if (holds(held, Right::write))
            copy.keywords = text::join(item.keywords, " ");
        copy.internal_date = item.internal_date.value_or(now);
        copy.quota = quota;
        plan.local.push_back(std::move(copy));
        plan.derived = derive_at_once(plan);
        plans.push_back(std::move(plan));
    }
    co_return plans;
}

Task<Result<std::vector<store::Placed>>> Mailboxes::append(const Mailbox& who, store::FolderId folder,
                                                           std::vector<NewItem> items) {
    MAIL_CO_TRY(auto plans, co_await plan_append(who, folder, std::move(items)));
    co_return co_await state_->store.mail().append(std::move(plans));
}

Task<Result<store::Placed>> Mailboxes::replace(const Mailbox& who, store::FolderId folder, NewItem item,
                                               store::FolderId source, store::Uid old) {
    MAIL_CO_DO(co_await authorize(who.account, source, Right::remove_item));
    MAIL_CO_DO(co_await authorize(who.account, source, Right::expunge));
    std::vector<NewItem> items;
    items.push_back(std::move(item));
    MAIL_CO_TRY(auto plans, co_await plan_append(who, folder, std::move(items)));
    co_return co_await state_->store.mail().replace(std::move(plans.front()), source, old);
}

Result<std::unique_ptr<store::Spool>> Mailboxes::spool(std::uint64_t size_hint) {
    return state_->store.mail().spool(size_hint);
}

Task<Result<std::vector<store::ItemBody>>> Mailboxes::bodies(store::AccountId who, store::FolderId folder,
                                                             const store::UidSet& uids, std::size_t limit) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::read));
    co_return co_await state_->store.mail().bodies(folder, uids, limit);
}

Task<Result<std::string>> Mailboxes::read(const store::ItemBody& body, std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t prefix = body.prefix.size();
    const std::uint64_t total = prefix + body.blob.length;
    if (offset >= total || length == 0)
        co_return std::string{};
    length = std::min(length, total - offset);
    std::string out;
    if (offset < prefix) {
        out = body.prefix.substr(offset, length);
        length -= out.size();
        offset = prefix;
    }
    if (length > 0) {
        MAIL_CO_TRY(const auto rest, co_await state_->store.mail().read(body.blob, offset - prefix, length));
        if (out.empty())
            co_return rest;
        out += rest;
    }
    co_return out;
}

Task<Result<std::vector<Mailboxes::DerivedItem>>> Mailboxes::derived(store::AccountId who, store::FolderId folder,
                                                                     const store::UidSet& uids, std::size_t limit) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::read));
    auto& mail_store = state_->store.mail();
    MAIL_CO_TRY(auto rows, co_await mail_store.derived(folder, uids, limit));
    std::vector<DerivedItem> out;
    out.reserve(rows.size());
    store::UidSet missing;
    for (auto& row : rows) {
        if (row.derived.blob == 0)
            missing.push_back({row.uid, row.uid});
        out.push_back({row.uid, std::move(row.derived)});
    }
    if (missing.empty())
        co_return out;
    MAIL_CO_TRY(const auto found, co_await mail_store.bodies(folder, missing, missing.size()));
    std::vector<store::Derived> computed;
    auto place = out.begin();
    for (const auto& body : found) {
        MAIL_CO_TRY(const auto bytes, co_await mail_store.read(body.blob, 0, body.blob.length));
        place = std::find_if(place, out.end(), [&](const DerivedItem& item) { return item.uid >= body.uid; });
        if (place == out.end())
            break;
        place->derived = derive_item(body.blob.id, bytes);
        computed.push_back(place->derived);
    }
    // What was expunged between the two reads is left out, like what was gone before: it has nothing to say.
    std::erase_if(out, [](const DerivedItem& item) { return item.derived.blob == 0; });
    // Kept for the next time; that it could not be kept (full disk) does not make the answer wrong.
    const auto kept = co_await mail_store.put_derived(std::move(computed));
    static_cast<void>(kept);
    co_return out;
}

Task<Result<store::UidSet>> Mailboxes::vanished(store::AccountId who, store::FolderId folder,
                                                               store::ModSeq since) {
    MAIL_CO_DO(co_await authorize(who, folder, Right::read));
    co_return co_await state_->store.mail().vanished(folder, since);
}

} // namespace mail::service
