// Messages of the engine in memory.
#include "maild/store/memory/mail_part.hpp"

#include <algorithm>

namespace mail::store::memory {
namespace {

class MemorySpool final : public Spool {
  public:
    explicit MemorySpool(State& state) : state_(state) {}
    Task<Result<void>> append(std::string_view bytes) override {
        bytes_.append(bytes);
        return ready(Result<void>{});
    }
    Result<SpooledBytes> finish() override {
        const std::lock_guard lock(state_.mutex);
        MAIL_DO(state_.open());
        const std::uint64_t number = ++state_.last_spool;
        const std::uint64_t length = bytes_.size();
        state_.spooled[number] = std::make_shared<const std::string>(std::move(bytes_));
        bytes_.clear();
        return SpooledBytes{0, number, length, 0};
    }

  private:
    State& state_;
    std::string bytes_;
};

} // namespace

Result<void> MailPart::room_for_mail() { return {}; }

Result<std::unique_ptr<Spool>> MailPart::spool(std::uint64_t) {
    return std::make_unique<MemorySpool>(state_);
}

Task<Result<AcceptReceipt>> MailPart::accept(AcceptPlan plan) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_DO(state_.open());
    Transaction change(state_);
    MAIL_CO_TRY(auto receipt, state_.accept(change, plan));
    change.commit();
    co_return receipt;
}

Result<std::vector<Placed>> MailPart::append_now(const std::vector<AcceptPlan>& plans) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    std::map<AccountId, std::uint64_t> added;
    for (const AcceptPlan& plan : plans)
        for (const LocalCopy& copy : plan.local) {
            // The bytes of the plans before count as well: all of them come or none.
            MAIL_TRY(const FolderData* target,
                     state_.target_of(copy, plan.content.size() + added[copy.account]));
            added[target->folder.account] += plan.content.size() + copy.prefix.size();
        }
    std::vector<Placed> placed;
    Transaction change(state_);
    for (const AcceptPlan& plan : plans) {
        MAIL_TRY(auto receipt, state_.accept(change, plan));
        for (auto& one : receipt.local) {
            MAIL_TRY(auto where, std::move(one));
            placed.push_back(where);
        }
    }
    change.commit();
    return placed;
}

Result<Placed> MailPart::replace_now(const AcceptPlan& plan, FolderId id, Uid old) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(id));
    const auto going = data->items.find(old);
    if (going == data->items.end())
        return fail(ErrorCode::not_found, "there is no such message");
    // What could refuse the new one is asked before the old one goes: nothing here can be rolled back.
    LocalCopy copy = plan.local.front();
    if (copy.quota != 0 && copy.account == data->folder.account)
        copy.quota += going->second.row.size;
    MAIL_DO(state_.target_of(copy, plan.content.size()));
    Transaction change(state_);
    state_.recover_later(data->folder, state_.take_item(change, *data, old));
    MAIL_TRY(auto receipt, state_.accept(change, plan));
    change.commit();
    return std::move(receipt.local.front());
}

Task<Result<void>> MailPart::scan(FolderId id, std::shared_ptr<ListingSink> sink) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<ItemRow> items;
    for (const auto& [uid, item] : data->items)
        items.push_back(item.row);
    sink->begin(data->folder);
    sink->add(items);
    co_return Result<void>{};
}

Task<Result<std::vector<ItemBody>>> MailPart::bodies(FolderId id, const UidSet& uids, std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<ItemBody> found;
    for (const UidRange& range : uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last && found.size() < limit; ++it) {
            const Item& item = it->second;
            found.push_back({it->first, state_.blobs.at(item.blob).message, item.prefix,
                             state_.reference(item.blob), item.saved});
        }
    co_return found;
}

Task<Result<std::string>> MailPart::read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    const std::lock_guard lock(state_.mutex);
    const auto found = state_.blobs.find(blob.id);
    if (found == state_.blobs.end())
        co_return fail(ErrorCode::not_found, "the bytes are gone");
    const std::string& bytes = *found->second.bytes;
    co_return offset >= bytes.size() ? std::string() : bytes.substr(offset, length);
}

Result<FlagReceipt> MailPart::flags_now(const FlagChange& asked) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(asked.folder));
    Transaction change(state_);
    FlagReceipt receipt;
    receipt.modseq = data->folder.modseq;
    for (const UidRange& range : asked.uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last; ++it) {
            ItemRow& row = it->second.row;
            if (asked.unchanged_since && row.modseq > *asked.unchanged_since) {
                receipt.modified.push_back(row.uid);
                continue;
            }
            const FlagState before{row.flags, row.keywords};
            const FlagState after = apply_flags(before, asked);
            if (after != before) {
                data->folder.unseen += (before.flags & flag::seen) ? 1 : 0;
                data->folder.unseen -= (after.flags & flag::seen) ? 1 : 0;
                row.flags = after.flags;
                row.keywords = after.keywords;
                row.modseq = change.modseq(data->folder.account);
                change.change(data->folder).flagged.push_back(row);
            }
            receipt.changed.push_back(row);
        }
    if (receipt.modseq != data->folder.modseq)
        receipt.changes.push_back(data->folder.modseq);
    receipt.modseq = data->folder.modseq;
    change.commit();
    return receipt;
}

Result<CopyReceipt> MailPart::copy_now(FolderId source, const UidSet& uids, FolderId target, bool move,
                                       std::uint64_t quota) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * from, state_.folder(source));
    MAIL_TRY(FolderData * to, state_.folder(target));
    std::vector<Item> items;
    std::uint64_t bytes = 0;
    for (const auto& [uid, item] : from->items)
        if (contains(uids, uid)) {
            items.push_back(item);
            bytes += item.row.size;
        }
    const bool grows = !move || from->folder.account != to->folder.account;
    if (quota != 0 && grows && !items.empty() && state_.usage(to->folder.account).bytes + bytes > quota)
        return fail(ErrorCode::over_quota, "the mailbox has no room for these messages");
    // Nothing leaves a held account: what moves to somebody else stays recoverable.
    const bool stays = move && from->folder.account != to->folder.account && state_.is_held(from->folder.account);
    Transaction change(state_);
    CopyReceipt receipt{to->folder.uid_validity, {}};
    for (Item& item : items) {
        const Uid uid = item.row.uid;
        const BlobId blob = item.blob;
        receipt.pairs.emplace_back(uid, state_.add_item(change, *to, std::move(item)).row.uid);
        if (!move)
            continue;
        Item taken = state_.take_item(change, *from, uid);
        if (stays)
            state_.recover_later(from->folder, std::move(taken));
        else
            state_.release(blob);
    }
    change.commit();
    return receipt;
}

Result<std::vector<Uid>> MailPart::expunge_now(FolderId id, const UidSet& uids, bool only_deleted) {
    const std::lock_guard lock(state_.mutex);
    MAIL_DO(state_.open());
    MAIL_TRY(FolderData * data, state_.folder(id));
    std::vector<Uid> gone;
    for (const auto& [uid, item] : data->items)
        if ((uids.empty() || contains(uids, uid)) && (!only_deleted || (item.row.flags & flag::deleted)))
            gone.push_back(uid);
    Transaction change(state_);
    for (const Uid uid : gone)
        state_.recover_later(data->folder, state_.take_item(change, *data, uid));
    change.commit();
    return gone;
}

Task<Result<UidSet>> MailPart::vanished(FolderId id, ModSeq since) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<Uid> uids;
    if (since < data->vanished_floor) {
        for (const auto& [uid, item] : data->items)
            uids.push_back(uid);
        co_return missing_uids(uids, data->folder.uid_next);
    }
    for (const auto& [uid, modseq] : data->vanished)
        if (modseq > since)
            uids.push_back(uid);
    co_return ranges_of(uids);
}

Task<Result<std::vector<MailStore::DerivedRow>>> MailPart::derived(FolderId id, const UidSet& uids,
                                                                   std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    MAIL_CO_TRY(FolderData * data, state_.folder(id));
    std::vector<DerivedRow> found;
    for (const UidRange& range : uids)
        for (auto it = data->items.lower_bound(range.first);
             it != data->items.end() && it->first <= range.last && found.size() < limit; ++it)
            found.push_back({it->first, state_.blobs.at(it->second.blob).derived.value_or(Derived{})});
    co_return found;
}

Task<Result<void>> MailPart::put_derived(std::vector<Derived> rows) {
    const std::lock_guard lock(state_.mutex);
    for (Derived& row : rows)
        if (const auto blob = state_.blobs.find(row.blob); blob != state_.blobs.end())
            blob->second.derived = std::move(row);
    co_return Result<void>{};
}

Task<Result<void>> MailPart::drop_derived() {
    const std::lock_guard lock(state_.mutex);
    for (auto& [id, blob] : state_.blobs)
        blob.derived.reset();
    co_return Result<void>{};
}

Task<Result<MailStore::BlobPage>> MailPart::blobs(BlobId after, std::size_t limit) {
    const std::lock_guard lock(state_.mutex);
    BlobPage page;
    page.last = state_.last_id;
    for (auto it = state_.blobs.upper_bound(after); it != state_.blobs.end() && page.blobs.size() < limit; ++it)
        page.blobs.push_back({state_.reference(it->first), it->second.derived.has_value()});
    co_return page;
}

std::unique_ptr<MailStore> make_mail(State& state) {
    return std::make_unique<MailPart>(state);
}

} // namespace mail::store::memory
