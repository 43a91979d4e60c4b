#include "maild/store/memory/state.hpp"

#include "common/crypto/checksum.hpp"

#include <algorithm>

namespace mail::store::memory {

ModSeq Transaction::modseq(AccountId account) {
    const auto [place, fresh] = assigned_.try_emplace(account, 0);
    if (fresh)
        place->second = ++state_.accounts[account].modseq;
    return place->second;
}

FolderChange& Transaction::change(Folder& folder) {
    FolderChange& change = folders_[folder.id];
    change.account = folder.account;
    change.folder = folder.id;
    change.modseq = folder.modseq = modseq(folder.account);
    return change;
}

void Transaction::tell_attributes(AccountId account) { accounts_.push_back(account); }

void Transaction::commit() {
    ++state_.commits;
    Changes changes;
    for (auto& [id, change] : folders_)
        changes.folders.push_back(std::move(change));
    for (const AccountId account : accounts_) {
        changes.folders.emplace_back().account = account;
        changes.folders.back().attributes = true;
    }
    changes.queue = queue;
    changes.revision = revision;
    changes.resources = std::move(resources);
    if (changes.folders.empty() && !queue && revision == 0)
        return;
    for (const auto& listener : state_.listeners)
        listener(changes);
}

Result<void> State::open() const {
    if (closed)
        return fail(ErrorCode::closed, "the store is closed");
    return {};
}

std::uint32_t State::next_uid_validity() {
    const auto seconds = static_cast<std::uint32_t>(to_micros(clock.now()) / 1'000'000);
    return last_uid_validity = std::max(last_uid_validity + 1, seconds);
}

Result<FolderData*> State::folder(FolderId id) {
    const auto found = folders.find(id);
    if (found == folders.end())
        return fail(ErrorCode::not_found, "the folder does not exist");
    return &found->second;
}

Result<AccountId> State::account_of(std::string_view key) const {
    const auto entry = addresses.find(std::string(key));
    if (entry != addresses.end())
        for (const auto& [id, account] : accounts)
            if (!account.removed && account.kind == entry->second.kind && account.name == entry->second.name)
                return id;
    return fail(ErrorCode::not_found, "no mailbox has this address");
}

Result<FolderData*> State::inbox(AccountId account) {
    const auto found = folder_names.find({account, "INBOX"});
    if (found == folder_names.end() || accounts[account].removed)
        return fail(ErrorCode::not_found, "the account does not exist");
    return folder(found->second);
}

MailStore::Usage State::usage(AccountId account) const {
    MailStore::Usage sum;
    for (auto it = folder_names.lower_bound({account, ""});
         it != folder_names.end() && it->first.first == account; ++it) {
        const Folder& folder = folders.at(it->second).folder;
        sum.bytes += folder.bytes;
        sum.items += folder.messages;
    }
    return sum;
}

BlobRef State::reference(BlobId id) const {
    const Blob& blob = blobs.at(id);
    return {id, 0, 0, blob.bytes->size(), blob.checksum};
}

FolderData& State::make_folder(Transaction& change, AccountId account, std::string name,
                               FolderClass folder_class, SpecialUse special_use) {
    const FolderId id = ++last_id;
    FolderData& data = folders[id];
    data.folder.id = id;
    data.folder.account = account;
    data.folder.name = std::move(name);
    data.folder.folder_class = folder_class;
    data.folder.special_use = special_use;
    data.folder.uid_validity = next_uid_validity();
    data.folder.object_id = Id::make(clock.now());
    folder_names[{account, data.folder.name}] = id;
    change.change(data.folder).folder_itself = true;
    return data;
}

Item& State::add_item(Transaction& change, FolderData& data, Item item) {
    Folder& folder = data.folder;
    item.row.uid = folder.uid_next++;
    FolderChange& told = change.change(folder);
    item.row.modseq = told.modseq;
    item.saved = clock.now();
    ++folder.messages;
    folder.unseen += (item.row.flags & flag::seen) ? 0 : 1;
    folder.bytes += item.row.size;
    ++blobs.at(item.blob).references;
    told.added.push_back(item.row);
    return data.items[item.row.uid] = std::move(item);
}

Item State::take_item(Transaction& change, FolderData& data, Uid uid) {
    auto node = data.items.extract(uid);
    Item item = std::move(node.mapped());
    Folder& folder = data.folder;
    --folder.messages;
    folder.unseen -= (item.row.flags & flag::seen) ? 0 : 1;
    folder.bytes -= item.row.size;
    FolderChange& told = change.change(folder);
    told.expunged.push_back(uid);
    data.vanished[uid] = told.modseq;
    return item;
}

std::size_t State::prune_vanished(std::size_t keep) {
    std::size_t gone = 0;
    for (auto& entry : folders) {
        auto& data = entry.second;
        if (data.vanished.size() <= keep)
            continue;
        std::vector<ModSeq> numbers;
        for (const auto& [uid, modseq] : data.vanished)
            numbers.push_back(modseq);
        std::sort(numbers.begin(), numbers.end(), std::greater<>());
        data.vanished_floor = numbers[keep];
        gone += std::erase_if(data.vanished, [&](const auto& one) { return one.second <= data.vanished_floor; });
    }
    return gone;
}

void State::recover_later(const Folder& folder, Item item) {
    recoverable[++last_recoverable] = {folder.account, folder.id, folder.name, clock.now(), std::move(item)};
}

bool State::is_held(AccountId account) const {
    const auto found = accounts.find(account);
    return found != accounts.end() && found->second.keeping.held(clock.now());
}

void State::release(BlobId id) {
    const auto found = blobs.find(id);
    if (found != blobs.end() && --found->second.references == 0)
        blobs.erase(found);
}

Result<BlobId> State::add_blob(const AcceptPlan& plan) {
    Blob blob;
    blob.message = plan.message;
    if (plan.content.spooled) {
        const auto found = spooled.find(plan.content.spooled->offset);
        if (found == spooled.end())
            return fail(ErrorCode::internal, "the spooled bytes are gone");
        blob.bytes = found->second;
    } else {
        blob.bytes = plan.content.memory ? plan.content.memory : std::make_shared<const std::string>();
    }
    blob.checksum = crypto::crc32c(*blob.bytes);
    const BlobId id = ++last_id;
    blobs[id] = std::move(blob);
    return id;
}

Result<FolderData*> State::target_of(const LocalCopy& copy, std::uint64_t bytes) {
    const auto account = accounts.find(copy.account);
    if (account == accounts.end() || account->second.removed)
        return fail(ErrorCode::not_found, "the account does not exist");
    MAIL_TRY(FolderData * data, copy.folder == 0 ? inbox(copy.account) : folder(copy.folder));
    if (data->folder.account != copy.account)
        return fail(ErrorCode::not_found, "the folder does not exist");
    if (copy.quota != 0 && usage(copy.account).bytes + bytes + copy.prefix.size() > copy.quota)
        return fail(ErrorCode::over_quota, "the mailbox has no room for this message");
    return data;
}

Result<Placed> State::place(Transaction& change, const LocalCopy& copy, const AcceptPlan& plan, BlobId blob) {
    MAIL_TRY(FolderData * data, target_of(copy, plan.content.size()));
    Item item;
    item.row.flags = copy.flags;
    item.row.keywords = join_keywords(split_keywords(copy.keywords));
    item.row.internal_date = copy.internal_date;
    item.row.size = static_cast<std::uint32_t>(copy.prefix.size() + plan.content.size());
    item.prefix = copy.prefix;
    item.blob = blob;
    const Item& kept = add_item(change, *data, std::move(item));
    return Placed{data->folder.id, data->folder.uid_validity, kept.row.uid, kept.row.modseq};
}

void State::write_attributes(AccountId account, FolderId folder, const std::vector<AttributeChange>& changes) {
    auto& values = attributes[{account, folder}];
    for (const AttributeChange& one : changes) {
        if (one.value)
            values[one.name] = *one.value;
        else
            values.erase(one.name);
    }
}

Result<AcceptReceipt> State::accept(Transaction& change, const AcceptPlan& plan) {
    MAIL_TRY(const BlobId blob, add_blob(plan));
    ++blobs.at(blob).references; // held by this transaction
    if (plan.derived) {
        blobs.at(blob).derived = plan.derived;
        blobs.at(blob).derived->blob = blob;
    }
    AcceptReceipt receipt;
    bool placed = plan.local.empty();
    for (const LocalCopy& copy : plan.local) {
        receipt.local.push_back(place(change, copy, plan, blob));
        placed = placed || receipt.local.back().has_value();
    }
    for (const QueueRecipient& recipient : plan.queue) {
        QueueEntry entry;
        entry.item = {++last_id,
                      plan.message,
                      plan.envelope,
                      reference(blob),
                      recipient.recipient,
                      recipient.domain,
                      recipient.original,
                      recipient.notify,
                      {},
                      0,
                      {},
                      clock.now(),
                      recipient.due,
                      recipient.expires,
                      {},
                      false,
                      false,
                      false,
                      recipient.priority,
                      0};
        entry.item.status = recipient.held ? QueueStatus::held : QueueStatus::ready;
        ++blobs.at(blob).references;
        queue[entry.item.id] = std::move(entry);
        change.queue = true;
    }
    if (placed || !plan.queue.empty())
        for (const AttributeWrite& write : plan.attributes)
            write_attributes(write.account, 0, write.changes);
    if (plan.story && (placed || !plan.queue.empty())) {
        add_story(*plan.story);
        stories.back().missed = missed_copies(receipt);
    }
    if (plan.content.spooled)
        spooled.erase(plan.content.spooled->offset);
    if (blobs.at(blob).references > 1)
        receipt.bytes = reference(blob);
    release(blob);
    return receipt;
}

} // namespace mail::store::memory
