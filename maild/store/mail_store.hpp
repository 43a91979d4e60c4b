// MailStore: folders, items and their bytes, from acceptance to expunge. Part of store::Store; see there for promises and
// errors that all calls share. Used by service/*.
#pragma once

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "maild/store/accept_model.hpp"

#include <memory>
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

} // namespace mail::store
