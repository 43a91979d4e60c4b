// Store: everything that must survive. Interfaces that an embedded engine (store/sqlite), an in-memory one
// (store/memory) and later a distributed one implement; the same tests run on all of them. Used only by
// service/*.
//
// Promises: a call that changes something returns after the change is durable, all of it or nothing; changes
// of one account commit in modseq order; UIDs and ids are never reused. Errors: no_space (the disk is full;
// nothing changed), over_quota, not_found, conflict, stale, temporary (try again), internal. Thread-safe;
// coroutines resume on the caller's own executor. Small reads may run on the calling thread.
#pragma once

#include "common/async/task.hpp"
#include "common/base/limits.hpp"
#include "maild/store/model.hpp"
#include "maild/store/queue_model.hpp"
#include "maild/store/recovery_store.hpp"
#include "maild/store/resource_model.hpp"
#include "maild/store/story_store.hpp"

#include <functional>
#include <span>

namespace mail::store {

/// Bytes arriving for one large message. Owned by one session; dropping it abandons the bytes.
class Spool {
  public:
    virtual ~Spool() = default;
    [[nodiscard]] virtual Task<Result<void>> append(std::string_view bytes) = 0;
    /// What append() got, ready to be named by an AcceptPlan. The spool is then empty.
    [[nodiscard]] virtual Result<SpooledBytes> finish() = 0;
};

/// Takes the listing of a folder piece by piece, on a thread of the store; see MailStore::scan.
class ListingSink {
  public:
    virtual ~ListingSink() = default;
    /// Before the first piece; again when what came so far is to be forgotten.
    virtual void begin(const Folder& folder) = 0;
    /// The next items in UID order.
    virtual void add(std::span<const ItemRow> items) = 0;
};

class MailStore {
  public:
    virtual ~MailStore() = default;

    /// Account of the mailbox with this address key. Errors: not_found.
    [[nodiscard]] virtual Task<Result<AccountId>> find_account(std::string_view key) = 0;
    /// Bytes and items an account holds.
    struct Usage {
        std::uint64_t bytes = 0;
        std::uint64_t items = 0;
    };
    [[nodiscard]] virtual Task<Result<Usage>> usage(AccountId account) = 0;

    [[nodiscard]] virtual Task<Result<std::vector<Folder>>> folders(AccountId account) = 0;
    [[nodiscard]] virtual Task<Result<Folder>> folder(FolderId folder) = 0;
    [[nodiscard]] virtual Task<Result<Folder>> find_folder(AccountId account, std::string_view name) = 0;
    /// Parents are not made by this call. Errors: conflict, not_found (account).
    [[nodiscard]] virtual Task<Result<Folder>>
    create_folder(AccountId account, std::string name, FolderClass folder_class, SpecialUse special_use) = 0;
    /// Renames a folder and, in the same transaction, every folder below it. INBOX: its items move to the new
    /// folder (RFC 9051 §6.3.6). Errors: conflict, not_found.
    [[nodiscard]] virtual Task<Result<void>> rename_folder(FolderId folder, std::string new_name) = 0;
    /// Items go to recoverable items. Errors: not_found.
    [[nodiscard]] virtual Task<Result<void>> delete_folder(FolderId folder) = 0;
    [[nodiscard]] virtual Task<Result<void>> subscribe(AccountId account, std::string name,
                                                       bool subscribed) = 0;
    [[nodiscard]] virtual Task<Result<std::vector<std::string>>> subscriptions(AccountId account) = 0;

    /// Name of the mailbox an account belongs to. Errors: not_found (also for a removed one).
    [[nodiscard]] virtual Task<Result<std::string>> account_name(AccountId account) = 0;
    /// Attributes of one folder, of an account (folder 0) or of the server (both 0), by name.
    [[nodiscard]] virtual Task<Result<std::vector<Attribute>>> attributes(AccountId account,
                                                                          FolderId folder) = 0;
    /// All attributes of one name wherever they are, ordered by account and folder.
    [[nodiscard]] virtual Task<Result<std::vector<Attribute>>> attributes_named(std::string_view name) = 0;
    /// All changes or none; they go with their folder or account. Errors: not_found.
    [[nodiscard]] virtual Task<Result<void>> put_attributes(AccountId account, FolderId folder,
                                                            std::vector<AttributeChange> changes) = 0;

    /// Whether new mail would be taken now; costs next to nothing. Errors: no_space (also below the reserve), temporary, closed.
    [[nodiscard]] virtual Result<void> room_for_mail() = 0;
    /// Room for bytes that arrive over time. `size_hint` 0: unknown.
    [[nodiscard]] virtual Result<std::unique_ptr<Spool>> spool(std::uint64_t size_hint) = 0;
    /// One message into its folders and its queue entries, in one durable transaction.
    [[nodiscard]] virtual Task<Result<AcceptReceipt>> accept(AcceptPlan plan) = 0;
    /// Several messages at once, all or none (MULTIAPPEND). Any over_quota or not_found fails the whole.
    [[nodiscard]] virtual Task<Result<std::vector<Placed>>> append(std::vector<AcceptPlan> plans) = 0;

    /// One message into its one folder, and the item `old` of `folder` expunged, in one transaction; what the old one gives
    /// back counts for the quota. Errors: those of append, not_found also when the old item is gone; nothing changed then.
    [[nodiscard]] virtual Task<Result<Placed>> replace(AcceptPlan plan, FolderId folder, Uid old) = 0;

    /// Every item of a folder in UID order together with the folder as of the same moment.
    [[nodiscard]] virtual Task<Result<void>> scan(FolderId folder, std::shared_ptr<ListingSink> sink) = 0;
    /// The same in one piece.
    struct Listing {
        Folder folder;
        std::vector<ItemRow> items;
    };
    [[nodiscard]] Task<Result<Listing>> list(FolderId folder);
    /// Bodies of the items that exist among `uids`, ascending, at most `limit`.
    [[nodiscard]] virtual Task<Result<std::vector<ItemBody>>> bodies(FolderId folder, const UidSet& uids,
                                                                     std::size_t limit) = 0;
    /// `length` bytes from `offset` of a blob, clipped to its end. A whole blob is checked against its
    /// checksum: internal "damaged" when it does not match.
    [[nodiscard]] virtual Task<Result<std::string>> read(const BlobRef& blob, std::uint64_t offset,
                                                         std::uint64_t length) = 0;

    /// One transaction up to limit::flag_slice items; beyond that several, which others may come between.
    [[nodiscard]] virtual Task<Result<FlagReceipt>> change_flags(FlagChange change) = 0;
    /// To a folder of any account; bytes are shared. `move` expunges the source in the same transaction.
    [[nodiscard]] virtual Task<Result<CopyReceipt>> copy(FolderId source, UidSet uids, FolderId target,
                                                         bool move, std::uint64_t target_quota) = 0;
    /// Items of `uids` (all when empty) that carry \Deleted, or all of them without `only_deleted`. They go
    /// to recoverable items in the same transaction: one for up to limit::expunge_slice items. Returns what went,
    /// ascending.
    [[nodiscard]] virtual Task<Result<std::vector<Uid>>> expunge(FolderId folder, UidSet uids,
                                                                 bool only_deleted) = 0;
    /// What vanished after `since` (RFC 7162 §3.2.10). When that is longer ago than the folder remembers: every UID
    /// below uid_next that no item has (RFC 7162 §3.2.5.2).
    [[nodiscard]] virtual Task<Result<UidSet>> vanished(FolderId folder, ModSeq since) = 0;

    /// Derived data of the items that exist among `uids` in UID order; Derived::blob == 0 where none is kept
    /// yet.
    struct DerivedRow {
        Uid uid = 0;
        Derived derived;
    };
    [[nodiscard]] virtual Task<Result<std::vector<DerivedRow>>> derived(FolderId folder, const UidSet& uids,
                                                                        std::size_t limit) = 0;
    [[nodiscard]] virtual Task<Result<void>> put_derived(std::vector<Derived> rows) = 0;
    [[nodiscard]] virtual Task<Result<void>> drop_derived() = 0;

    /// Blobs in the order of their ids, for work that goes through all of them.
    struct BlobPage {
        struct Entry {
            BlobRef blob;
            bool derived = false; ///< derived data is kept
        };
        std::vector<Entry> blobs; ///< ascending
        BlobId last = 0;          ///< no blob ever had a higher id
    };
    /// Those after `after`, at most `limit`.
    [[nodiscard]] virtual Task<Result<BlobPage>> blobs(BlobId after, std::size_t limit) = 0;
};

class QueueStore {
  public:
    virtual ~QueueStore() = default;
    /// Items due at `now`, at most `limit`, marked active until `lease_end`; a node that dies leaves them to
    /// be leased again after it. Domains that are due share `limit`, with at most `per_domain` of one, so that
    /// dead hosts starve nobody; ordered by priority and due time.
    [[nodiscard]] virtual Task<Result<std::vector<QueueItem>>>
    lease(Time now, Time lease_end, std::size_t limit, std::size_t per_domain) = 0;
    /// Ends attempts: delivered and failed items go, deferred ones wait. `reports` (delivery status
    /// notifications) are accepted in the same transaction.
    [[nodiscard]] virtual Task<Result<void>> finish(std::vector<AttemptResult> results,
                                                    std::vector<AcceptPlan> reports) = 0;
    /// When the next item is due; nullopt when none waits.
    [[nodiscard]] virtual Task<Result<std::optional<Time>>> next_due() = 0;
    [[nodiscard]] virtual Task<Result<std::vector<QueueItem>>> list(QueueFilter filter) = 0;
    [[nodiscard]] virtual Task<Result<QueueItem>> item(QueueId id) = 0;
    /// How many items a filter matches; its limit and after are ignored.
    [[nodiscard]] virtual Task<Result<std::uint64_t>> count(QueueFilter filter) = 0;
    /// What a filter matches, counted in groups, the largest first, at most `most` of them; its limit and after are
    /// ignored. Never reads more of an item than its row.
    [[nodiscard]] virtual Task<Result<std::vector<QueueSummary>>> summary(QueueFilter filter, QueueGroup group,
                                                                          std::size_t most) = 0;
    /// Applies a verb to matching items; active ones are changed when their attempt ends (drop, hold, expire) or
    /// skipped (retry, release, route). Returns how many were or will be changed.
    [[nodiscard]] virtual Task<Result<std::size_t>> change(QueueFilter filter, QueueChange change) = 0;
    /// At start: items left active by a process that died are ready again. `suspects` were being sent as it died; the
    /// message of one that has seen limit::queue_crashes such ends is held.
    [[nodiscard]] virtual Task<Result<std::size_t>> recover_leases(std::vector<QueueId> suspects) = 0;
};

class ResourceStore {
  public:
    virtual ~ResourceStore() = default;
    [[nodiscard]] virtual Task<Result<std::uint64_t>> revision() = 0;
    [[nodiscard]] virtual Task<Result<Resource>> get(std::string_view kind, std::string_view name) = 0;
    [[nodiscard]] virtual Task<Result<std::vector<Resource>>> list(ResourcePage page) = 0;
    [[nodiscard]] virtual Task<Result<AddressEntry>> find_address(std::string_view key) = 0;
    /// Writes rows, index rows, accounts, history and the new revision. Errors: stale, conflict (address
    /// taken).
    [[nodiscard]] virtual Task<Result<std::uint64_t>> apply(ResourceBatch batch) = 0;
    /// The newest first.
    [[nodiscard]] virtual Task<Result<std::vector<HistoryEntry>>> history(std::size_t limit) = 0;
    /// Puts into the history what changed no resource; its time is the store's. Number 0: a new entry, otherwise it takes
    /// the place of the entry that has this number, if that is still there and changed no resource either. Returns its number.
    [[nodiscard]] virtual Task<Result<std::uint64_t>> record(HistoryEntry entry) = 0;
    /// Hash of the documents last applied by `maild serve --apply`.
    [[nodiscard]] virtual Task<Result<std::string>> applied_hash() = 0;
    /// The same reads without a coroutine, for hot paths (one indexed row, well under a millisecond).
    [[nodiscard]] virtual Result<AddressEntry> find_address_now(std::string_view key) = 0;
    [[nodiscard]] virtual Result<Resource> get_now(std::string_view kind, std::string_view name) = 0;
    [[nodiscard]] virtual Result<AccountId> find_account_now(std::string_view key) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> revision_now() = 0;
};

/// A small key/value corner for server secrets and marks (SCRAM key, node id).
class MetaStore {
  public:
    virtual ~MetaStore() = default;
    [[nodiscard]] virtual Result<std::string> meta(std::string_view key) = 0; ///< not_found
    [[nodiscard]] virtual Result<void> put_meta(std::string_view key, std::string_view value) = 0;
};

struct StoreStats {
    std::uint64_t commits = 0;
    std::uint64_t transactions = 0;
    std::uint64_t segment_syncs = 0;
    std::uint64_t waiting = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t blobs = 0;      ///< blobs that something refers to
    std::uint64_t blob_bytes = 0; ///< their bytes
    std::uint64_t longest_turn = 0; ///< microseconds the writer was busy with one batch at most, since the start
    bool stalled = false; ///< the disk does not answer
    bool failed = false; ///< an I/O error was seen; nothing is written any more and maild must restart
};

/// What one turn of maintenance may do; call again while Maintained::more, with its accounts_after.
struct Maintenance {
    Time recoverable_before{}; ///< items expunged before go for good, unless their account or its domain has an age of its own
    std::uint64_t recoverable_bytes = 0; ///< beyond so many of one account its oldest go as well; 0: no bound
    Time removed_before{};     ///< accounts removed before go for good
    struct DomainAge {         ///< a domain's own; 0: as for all
        std::string domain;
        Duration recoverable{};
        Duration removed{};
    };
    std::vector<DomainAge> domains;
    /// Recoverable items are looked at account by account, those of held ones not at all. nullopt: this turn at none.
    std::optional<AccountId> accounts_after = 0;
    Time stories_before{};     ///< stories and their events older than this go
    std::uint64_t stories_bytes = 0; ///< beyond so many bytes the oldest go as well; 0: no bound
    std::size_t slice = 500;   ///< rows and accounts of one turn, so that no turn holds up mail
    unsigned compact_percent = limit::compact_percent; ///< full segments with less in use are compacted; 0: none
    std::size_t vanished_ranges = limit::vanished_ranges; ///< kept for one folder
};
struct Maintained {
    std::size_t items = 0;    ///< messages that are gone for good
    std::vector<std::string> accounts; ///< names of removed accounts that are gone for good
    std::optional<AccountId> accounts_after; ///< nullopt: all accounts were looked at
    std::size_t stories = 0;  ///< stories and events that went
    std::size_t segments = 0; ///< segment files without any live byte that were removed
    std::uint64_t freed_bytes = 0; ///< that those files took on the disk
    std::size_t moved = 0;    ///< messages that compaction copied out of thin segments
    std::uint64_t moved_bytes = 0;
    std::size_t damaged = 0;  ///< messages whose bytes it found damaged: they stay where they are, and their segment too
    std::size_t vanished = 0; ///< ranges of expunged UIDs that were forgotten
    bool more = false;
};

/// Where the space goes.
struct SpaceReport {
    std::uint64_t segments = 0;
    std::uint64_t segment_bytes = 0;  ///< up to the end of what was written
    std::uint64_t live_bytes = 0;     ///< of them, what rows name
    std::uint64_t thin_segments = 0;  ///< full ones with less in use than the asked percentage
    std::uint64_t reclaimable = 0;    ///< bytes that compacting those gives back
    std::uint64_t database_bytes = 0; ///< with its log
    std::uint64_t free_bytes = 0;     ///< of the file system
};

class Store {
  public:
    virtual ~Store() = default;
    [[nodiscard]] virtual MailStore& mail() = 0;
    [[nodiscard]] virtual QueueStore& queue() = 0;
    [[nodiscard]] virtual ResourceStore& resources() = 0;
    [[nodiscard]] virtual MetaStore& meta() = 0;
    [[nodiscard]] virtual StoryStore& stories() = 0;
    [[nodiscard]] virtual RecoveryStore& recovery() = 0;
    /// Called after every commit, in commit order, on the engine's own thread: be quick, never call the
    /// store.
    virtual void on_commit(std::function<void(const Changes&)> listener) = 0;
    /// Called once when the store can no longer write (fsync or I/O error).
    virtual void on_failure(std::function<void(const Error&)> listener) = 0;
    [[nodiscard]] virtual StoreStats stats() const = 0;
    /// One bounded turn of housekeeping: recoverable items, removed accounts and stories whose time has come, segments without
    /// live bytes, compaction of thin ones. An account's hold and age are read in the transaction that removes its rows.
    /// Errors: no_space also when compaction has no room for its copies.
    [[nodiscard]] virtual Task<Result<Maintained>> maintain(Maintenance what) = 0;
    [[nodiscard]] virtual Task<Result<SpaceReport>> space(unsigned compact_percent) = 0;
    /// Finishes what was handed in and closes; later calls fail with closed.
    virtual void close() = 0;
};

} // namespace mail::store
