// Accepting messages: the hottest transaction. One row for the bytes, one per copy, one story; counters and
// UIDs come from cached folder rows that are written once per batch.
#include "maild/store/rules.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

/// `extra`: bytes that this transaction will add to the account before.
Result<Folder*> target_of(WriteContext& context, const LocalCopy& copy, std::uint64_t bytes,
                          std::uint64_t extra) {
    MAIL_TRY(const AccountState* account, context.account(copy.account));
    MAIL_TRY(Folder * folder, context.folder(copy.folder == 0 ? account->inbox : copy.folder));
    if (folder->account != copy.account)
        return fail(ErrorCode::not_found, "the folder does not exist");
    if (copy.quota != 0 && account->bytes + extra + bytes + copy.prefix.size() > copy.quota)
        return fail(ErrorCode::over_quota, "the mailbox has no room for this message");
    return folder;
}

Result<Placed> place(WriteContext& context, Folder& folder, const LocalCopy& copy, std::uint64_t bytes,
                     BlobId blob) {
    StoredItem item;
    item.row.flags = copy.flags;
    if (!copy.keywords.empty())
        item.row.keywords = join_keywords(split_keywords(copy.keywords));
    item.row.internal_date = copy.internal_date;
    item.row.size = static_cast<std::uint32_t>(copy.prefix.size() + bytes);
    item.saved = context.clock.now();
    item.blob = blob;
    item.prefix = copy.prefix;
    MAIL_TRY(const Uid uid, insert_item(context, folder, item));
    return Placed{folder.id, folder.uid_validity, uid, folder.modseq};
}

} // namespace

Result<Uid> insert_item(WriteContext& context, Folder& folder, const StoredItem& item) {
    FolderChange& change = context.change(folder);
    ItemRow row = item.row;
    row.uid = folder.uid_next++;
    row.modseq = change.modseq;
    Query insert(context.db,
                 "INSERT INTO item (folder, " MAIL_ITEM_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(folder.id)
        .bind(row.uid)
        .bind(row.flags)
        .bind(row.keywords)
        .bind(row.modseq)
        .bind(row.internal_date);
    MAIL_DO(insert.bind(row.size).bind(item.saved).bind(item.blob).blob(item.prefix).run());
    context.count(folder, row, true);
    const Uid uid = row.uid;
    change.added.push_back(std::move(row));
    return uid;
}

Result<AcceptReceipt> accept(WriteContext& context, const AcceptPlan& plan) {
    const SpooledBytes& bytes = *plan.content.spooled;
    if (!context.segments.holds(bytes))
        return fail(ErrorCode::internal, "the spooled bytes are gone");
    // Decide first, write afterwards: a message nobody can take leaves no trace.
    AcceptReceipt receipt;
    std::vector<Folder*> targets;
    std::vector<std::pair<AccountId, std::uint64_t>> extra;
    std::uint64_t refs = plan.queue.empty() ? 0 : 1;
    for (const LocalCopy& copy : plan.local) {
        std::uint64_t before = 0;
        for (const auto& [account, added] : extra)
            before += account == copy.account ? added : 0;
        auto target = target_of(context, copy, bytes.length, before);
        if (target) {
            extra.emplace_back(copy.account, bytes.length + copy.prefix.size());
            targets.push_back(*target);
            receipt.local.emplace_back(Placed{});
            ++refs;
        } else {
            targets.push_back(nullptr);
            receipt.local.emplace_back(fail(std::move(target).error()));
        }
    }
    if (refs == 0 && !plan.local.empty())
        return receipt;
    context.touch();
    if (refs != 0) {
        MAIL_TRY(const BlobRef blob, context.add_blob(plan.content, plan.message, refs));
        receipt.bytes = blob;
        if (plan.derived) {
            MAIL_DO(insert_derived(context, blob.id, *plan.derived));
        }
        for (std::size_t i = 0; i < targets.size(); ++i) {
            if (targets[i] == nullptr)
                continue;
            MAIL_TRY(receipt.local[i], place(context, *targets[i], plan.local[i], bytes.length, blob.id));
        }
        if (!plan.queue.empty()) {
            MAIL_DO(enqueue(context, plan, blob.id));
        }
    }
    for (const AttributeWrite& write : plan.attributes) {
        MAIL_DO(write_attributes(context, write.account, 0, write.changes));
    }
    if (plan.story) {
        MAIL_DO(insert_story(context, *plan.story, missed_copies(receipt)));
    }
    return receipt;
}

Result<std::vector<Placed>> append(WriteContext& context, const std::vector<AcceptPlan>& plans) {
    std::unordered_map<AccountId, std::uint64_t> extra;
    for (const AcceptPlan& plan : plans)
        for (const LocalCopy& copy : plan.local) {
            const std::uint64_t bytes = plan.content.size();
            MAIL_DO(target_of(context, copy, bytes, extra[copy.account]));
            extra[copy.account] += bytes + copy.prefix.size();
        }
    std::vector<Placed> placed;
    for (const AcceptPlan& plan : plans) {
        MAIL_TRY(auto receipt, accept(context, plan));
        for (auto& one : receipt.local) {
            MAIL_TRY(auto where, std::move(one));
            placed.push_back(where);
        }
    }
    return placed;
}

Result<Placed> replace(WriteContext& context, const AcceptPlan& plan, FolderId folder, Uid old) {
    // The old one goes first: the room it leaves is the new one's.
    MAIL_TRY(const auto gone, expunge(context, folder, {{old, old}}, false, 0, 1));
    if (gone.empty())
        return fail(ErrorCode::not_found, "there is no such message");
    MAIL_TRY(const auto placed, append(context, {plan}));
    return placed.front();
}

} // namespace mail::store::sqlite
