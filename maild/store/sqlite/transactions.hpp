// What each kind of change does to the rows, as functions that run on the writer thread inside a transaction.
// They may run twice (see writer.hpp), so they change nothing but rows and the context. An error before
// context.touch() leaves everything as it was; after it the writer rolls back.
#pragma once

#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/write_context.hpp"

namespace mail::store::sqlite {

// accept.cpp
[[nodiscard]] Result<AcceptReceipt> accept(WriteContext& context, const AcceptPlan& plan);
[[nodiscard]] Result<std::vector<Placed>> append(WriteContext& context, const std::vector<AcceptPlan>& plans);
[[nodiscard]] Result<Placed> replace(WriteContext& context, const AcceptPlan& plan, FolderId folder, Uid old);

// folders.cpp
[[nodiscard]] Result<Folder> create_folder(WriteContext& context, AccountId account, const std::string& name,
                                           FolderClass folder_class, SpecialUse special_use);
[[nodiscard]] Result<void> rename_folder(WriteContext& context, FolderId folder, const std::string& new_name);
[[nodiscard]] Result<void> delete_folder(WriteContext& context, FolderId folder);
[[nodiscard]] Result<void> subscribe(WriteContext& context, AccountId account, const std::string& name,
                                     bool subscribed);

[[nodiscard]] Result<void> put_attributes(WriteContext& context, AccountId account, FolderId folder,
                                          const std::vector<AttributeChange>& changes);
/// The rows alone: nobody is told.
[[nodiscard]] Result<void> write_attributes(WriteContext& context, AccountId account, FolderId folder,
                                            const std::vector<AttributeChange>& changes);

// items.cpp
/// Of the items with UIDs above `after` at most `slice`, which the receipt names all: changed or modified.
[[nodiscard]] Result<FlagReceipt> change_flags(WriteContext& context, const FlagChange& change, Uid after, std::size_t slice);
[[nodiscard]] Result<CopyReceipt> copy_items(WriteContext& context, FolderId source, const UidSet& uids,
                                             FolderId target, bool move, std::uint64_t quota);
/// At most `slice` items with UIDs above `after`; returns what went.
[[nodiscard]] Result<std::vector<Uid>> expunge(WriteContext& context, FolderId folder, const UidSet& uids,
                                               bool only_deleted, Uid after, std::size_t slice);
/// Of a blob that has just been added.
[[nodiscard]] Result<void> insert_derived(WriteContext& context, BlobId blob, const Derived& derived);
[[nodiscard]] Result<void> put_derived(WriteContext& context, const std::vector<Derived>& rows);
[[nodiscard]] Result<void> drop_derived(WriteContext& context);

// vanished.cpp
/// What vanished up to `floor` is forgotten.
struct VanishedCut {
    FolderId folder = 0;
    ModSeq floor = 0;
};
struct VanishedScan {
    std::vector<VanishedCut> cuts;
    FolderId next = 0; ///< where to go on; 0: all folders were looked at
};
/// Folders beyond `after` that remember more than `keep` ranges, among the next `most`.
[[nodiscard]] Result<VanishedScan> find_long_memories(Database& db, FolderId after, std::size_t keep, std::size_t most);
/// Forgets at most `most` ranges; as many: call again.
[[nodiscard]] Result<std::size_t> prune_vanished(WriteContext& context, const std::vector<VanishedCut>& cuts, std::size_t most);

// queue_write.cpp
[[nodiscard]] Result<void> enqueue(WriteContext& context, const AcceptPlan& plan, BlobId blob);
[[nodiscard]] Result<std::vector<QueueItem>> lease(WriteContext& context, Time now, Time lease_end,
                                                   std::size_t limit, std::size_t per_domain);
[[nodiscard]] Result<void> finish(WriteContext& context, const std::vector<AttemptResult>& results,
                                  const std::vector<AcceptPlan>& reports);
/// One slice of a change: of the matching items beyond filter.after the first filter.limit.
struct QueueSlice {
    std::size_t changed = 0;
    QueueId last = 0; ///< where the next slice begins; 0: there is none
};
[[nodiscard]] Result<QueueSlice> change_queue(WriteContext& context, const QueueFilter& filter,
                                              const QueueChange& change);
[[nodiscard]] Result<std::size_t> recover_leases(WriteContext& context, const std::vector<QueueId>& suspects);

// story_write.cpp
[[nodiscard]] Result<void> insert_story(WriteContext& context, const Story& story, std::string_view missed);
[[nodiscard]] Result<void> record_stories(WriteContext& context, const std::vector<Story>& stories,
                                          const std::vector<StoryEvent>& events);
[[nodiscard]] Result<void> insert_blocks(WriteContext& context, const std::vector<StoryBlock>& blocks);
/// Returns how many rows of a kind went; as many as `most`: call again.
[[nodiscard]] Result<std::size_t> purge_stories(WriteContext& context, const Maintenance& what, std::size_t most);

// resource_write.cpp
[[nodiscard]] Result<std::uint64_t> apply(WriteContext& context, const ResourceBatch& batch);
[[nodiscard]] Result<std::uint64_t> record(WriteContext& context, const HistoryEntry& entry);

// recovery_write.cpp
[[nodiscard]] Result<RestoreReceipt> restore(WriteContext& context, const RestoreRequest& request);
[[nodiscard]] Result<Expired> expire(WriteContext& context, const Expiry& expiry);
/// The account of a put: made, kept as it is or connected again. Before the addresses are written.
[[nodiscard]] Result<void> keep_account(WriteContext& context, const ResourceWrite& write);

// maintain.cpp
struct MaintenanceTurn {
    Maintained done;
    std::vector<std::uint32_t>
        dead_segments; ///< their files may go once this transaction is durable, not before
};
[[nodiscard]] Result<MaintenanceTurn> maintain(WriteContext& context, const Maintenance& what,
                                               std::chrono::steady_clock::duration quiet);

// ---- shared by them ----

/// An item's row as it moves between tables.
struct StoredItem {
    ItemRow row;
    Time saved{};
    BlobId blob = 0;
    std::string prefix;
};
#define MAIL_ITEM_COLUMNS "uid, flags, keywords, modseq, internal_date, size, saved, blob, prefix"
[[nodiscard]] StoredItem item_of(const Query& query);
/// Gives the item the folder's next UID and inserts it; the blob's reference is the caller's business.
[[nodiscard]] Result<Uid> insert_item(WriteContext& context, Folder& folder, const StoredItem& item);
/// Items of a folder among `uids` (all when empty), ascending.
[[nodiscard]] Result<std::vector<StoredItem>> load_items(Database& db, FolderId folder, const UidSet& uids,
                                                         std::size_t limit);
/// Takes an item out of its folder; what becomes of its bytes is the caller's business.
[[nodiscard]] Result<void> remove_item(WriteContext& context, Folder& folder, const ItemRow& row);
/// The item goes from its folder to recoverable items and leaves a vanished row.
[[nodiscard]] Result<void> recover_item(WriteContext& context, Folder& folder, const StoredItem& item);

} // namespace mail::store::sqlite
