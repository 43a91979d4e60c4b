// What a transaction on the writer thread works with: the write connection, folders and accounts cached in
// memory so that their rows are written once per batch and not once per message, id counters, and the changes
// to tell. Only the writer thread uses it. A function that changes rows calls touch() before its first
// change: an error after that means rollback.
#pragma once

#include "maild/store/segments.hpp"
#include "maild/store/sqlite/cached_rows.hpp"
#include "maild/store/sqlite/packs.hpp"
#include "maild/store/store.hpp"

#include <array>
#include <unordered_map>

namespace mail::store::sqlite {

class WriteContext {
  public:
    WriteContext(Database& database, Segments& segments, const Clock& clock);

    Database& db;
    Segments& segments;
    const Clock& clock;
    PackIndex packs;

    // ---- one transaction ----
    void begin();
    void touch() noexcept { touched_ = true; }
    [[nodiscard]] bool touched() const noexcept { return touched_; }
    /// The segments must be synced before this batch's rows are committed.
    void needs_sync() noexcept { needs_sync_ = true; }
    [[nodiscard]] bool needs_sync_now() const noexcept { return needs_sync_; }
    /// Small messages of this batch whose segment is not synced yet.
    struct Unsynced {
        BlobId blob = 0;
        std::shared_ptr<const std::string> bytes;
    };
    [[nodiscard]] const std::vector<Unsynced>& unsynced() const noexcept { return unsynced_; }
    void forget_unsynced() noexcept {
        unsynced_.clear();
        needs_sync_ = false;
    }
    [[nodiscard]] Changes take_changes();
    bool queue_changed = false;
    std::uint64_t new_revision = 0;
    std::vector<std::string> changed_resources;

    // ---- cached rows ----
    /// Valid until forget(); its account is loaded too. Errors: not_found (also in a removed account).
    [[nodiscard]] Result<Folder*> folder(FolderId id);
    /// Errors: not_found (also for a removed account).
    [[nodiscard]] Result<AccountState*> account(AccountId id);
    [[nodiscard]] Result<FolderId> folder_named(AccountId account, std::string_view name);
    [[nodiscard]] Result<std::int64_t> next(Counter counter);
    /// The value of a counter without using one up.
    [[nodiscard]] Result<std::int64_t> last(Counter counter);
    [[nodiscard]] Result<std::uint32_t> next_uid_validity();

    // ---- changes ----
    /// The number of this transaction's change of `account`.
    [[nodiscard]] ModSeq change_number(AccountId id);
    /// Marks the folder as changed; its row is written at the end of the batch.
    FolderChange& change(Folder& folder);
    /// Attributes of an account itself changed, or with 0 those of the server.
    void tell_attributes(AccountId account);
    /// Adds to or takes from a folder's counts and its account's.
    void count(Folder& folder, const ItemRow& row, bool added);
    /// The folder lost this item with this change. Neighbours share a row, which flush() writes.
    void vanish(FolderId folder, ModSeq modseq, Uid uid);
    /// A new folder's row. Errors: conflict.
    [[nodiscard]] Result<Folder*> add_folder(AccountId account, std::string name, FolderClass folder_class,
                                             SpecialUse special_use);
    void forget_folder(const Folder& folder);
    /// The account's row was changed, or it is gone with its folders.
    void forget_account(AccountId id) { accounts_.erase(id); }
    void forget_segment(std::uint32_t id) { segments_.erase(id); }

    // ---- blobs ----
    /// `content` is in a segment; what is in memory as well may be made durable by way of the body journal.
    [[nodiscard]] Result<BlobRef> add_blob(const Content& content, const Id& message, std::uint64_t refs);
    [[nodiscard]] Result<void> hold(BlobId blob);
    /// Drops a reference; the last one takes the blob and what was derived from it along.
    [[nodiscard]] Result<void> release(BlobId blob);

    /// The same bytes are at another place now, and durable there. False: the blob is not where `from` says any more.
    [[nodiscard]] Result<bool> move_blob(const BlobRef& from, const SpooledBytes& to);

    /// Writes cached rows that changed. At the end of every batch, before the commit.
    [[nodiscard]] Result<void> flush();
    /// After a rollback: nothing cached can be trusted.
    void forget() noexcept;
    /// Keeps the caches bounded.
    void trim();
    /// Live blobs and their bytes, what is not committed yet included; read by any thread.
    std::atomic<std::uint64_t> live_blobs{0};
    std::atomic<std::uint64_t> live_bytes{0};
    [[nodiscard]] Result<void> load_live();

  private:
    [[nodiscard]] Result<SegmentState*> segment(std::uint32_t id);

    std::unordered_map<FolderId, FolderState> folders_;
    std::unordered_map<AccountId, AccountState> accounts_;
    std::unordered_map<std::uint32_t, SegmentState> segments_;
    std::array<std::optional<std::int64_t>, counters> last_{};
    std::array<bool, counters> counter_dirty_{};
    std::vector<FolderId> dirty_folders_;
    std::vector<VanishedRange> vanished_; ///< not written yet
    std::unordered_map<AccountId, ModSeq> numbers_;
    std::unordered_map<FolderId, std::size_t> change_of_;
    std::vector<FolderChange> changes_;
    bool touched_ = false;
    bool needs_sync_ = false;
    std::vector<Unsynced> unsynced_;
};

} // namespace mail::store::sqlite
