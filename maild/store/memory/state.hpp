// Everything the in-memory engine holds, and the transaction that collects what changed. Private to
// store/memory. All members are guarded by State::mutex; every function that takes a Transaction runs under
// it.
#pragma once

#include "common/base/time.hpp"
#include "maild/store/rules.hpp"
#include "maild/store/store.hpp"

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace mail::store::memory {

struct Blob {
    Id message;
    std::shared_ptr<const std::string> bytes;
    std::uint32_t checksum = 0;
    std::uint64_t references = 0;
    std::optional<Derived> derived;
};
struct Item {
    ItemRow row;
    std::string prefix;
    Time saved{};
    BlobId blob = 0;
};
struct FolderData {
    Folder folder;
    std::map<Uid, Item> items;
    std::map<Uid, ModSeq> vanished;
    ModSeq vanished_floor = 0; ///< what vanished up to here may be forgotten
};
struct Account {
    std::string kind;
    std::string name;
    ModSeq modseq = 0;
    std::optional<Time> removed;
    std::set<std::string> subscriptions;
    Time created{};
    AccountKeeping keeping;
    std::optional<Time> held_since;
    std::string spec; ///< of the resource of a removed account, with the next two
    std::string set;
    bool purging = false;
};
struct Recoverable {
    AccountId account = 0;
    FolderId folder = 0;
    std::string folder_name;
    Time expunged{};
    Item item;
};
enum class Pending : std::uint8_t { none, hold, drop, expire };
struct QueueEntry {
    QueueItem item;
    Time lease_end{};
    Pending pending = Pending::none; ///< verb that waits for the end of the attempt
};
using ResourceKey = std::pair<std::string, std::string>;

struct State;

/// What one change did; handed to the listeners when it is complete.
class Transaction {
  public:
    explicit Transaction(State& state) : state_(state) {}
    /// The change number of `account` in this transaction.
    ModSeq modseq(AccountId account);
    FolderChange& change(Folder& folder);
    /// Attributes of an account itself, or of the server (0).
    void tell_attributes(AccountId account);
    void commit();
    bool queue = false;
    std::uint64_t revision = 0;
    std::vector<std::string> resources;

  private:
    State& state_;
    std::map<AccountId, ModSeq> assigned_;
    std::map<FolderId, FolderChange> folders_;
    std::vector<AccountId> accounts_;
};

struct State {
    explicit State(const Clock& c) : clock(c) {}
    const Clock& clock;
    mutable std::mutex mutex;
    bool closed = false;
    std::int64_t last_id = 0; ///< of accounts, folders, blobs, queue items
    std::uint32_t last_uid_validity = 0;
    std::map<AccountId, Account> accounts;
    std::map<FolderId, FolderData> folders;
    std::map<std::pair<AccountId, std::string>, FolderId> folder_names;
    std::map<std::pair<AccountId, FolderId>, std::map<std::string, std::string>> attributes;
    std::map<BlobId, Blob> blobs;
    std::map<std::uint64_t, std::shared_ptr<const std::string>> spooled;
    std::uint64_t last_spool = 0;
    std::map<RecoverableId, Recoverable> recoverable;
    RecoverableId last_recoverable = 0;
    std::map<QueueId, QueueEntry> queue;
    std::map<ResourceKey, Resource> resources;
    std::map<std::string, AddressEntry> addresses;
    std::vector<HistoryEntry> history;
    std::uint64_t revision = 0;
    std::string applied_hash;
    std::map<std::string, std::string> meta;
    std::deque<Story> stories; ///< in the order of acceptance
    std::deque<StoryEvent> story_events;
    std::int64_t last_story = 0;
    std::int64_t last_event = 0;
    std::vector<std::function<void(const Changes&)>> listeners;
    std::uint64_t commits = 0;

    [[nodiscard]] Result<void> open() const;
    [[nodiscard]] std::uint32_t next_uid_validity();
    [[nodiscard]] Result<FolderData*> folder(FolderId id);
    [[nodiscard]] Result<AccountId> account_of(std::string_view key) const;
    [[nodiscard]] Result<FolderData*> inbox(AccountId account);
    [[nodiscard]] MailStore::Usage usage(AccountId account) const;
    [[nodiscard]] BlobRef reference(BlobId id) const;
    FolderData& make_folder(Transaction& change, AccountId account, std::string name,
                            FolderClass folder_class, SpecialUse special_use);
    /// A new item; counts it and its blob's reference.
    Item& add_item(Transaction& change, FolderData& folder, Item item);
    /// Takes an item out; its blob's reference goes to the caller.
    Item take_item(Transaction& change, FolderData& folder, Uid uid);
    void recover_later(const Folder& folder, Item item);
    [[nodiscard]] bool is_held(AccountId account) const;
    void release(BlobId blob);
    [[nodiscard]] Result<BlobId> add_blob(const AcceptPlan& plan);
    [[nodiscard]] Result<Placed> place(Transaction& change, const LocalCopy& copy, const AcceptPlan& plan,
                                       BlobId blob);
    [[nodiscard]] Result<FolderData*> target_of(const LocalCopy& copy, std::uint64_t bytes);
    [[nodiscard]] Result<AcceptReceipt> accept(Transaction& change, const AcceptPlan& plan);
    void write_attributes(AccountId account, FolderId folder, const std::vector<AttributeChange>& changes);
    // recovery_part.cpp
    /// The account of a resource: made, kept, connected again or removed.
    void keep_account(Transaction& change, const ResourceWrite& write);
    // recovery_purge.cpp
    void purge_recoverable(const Maintenance& what, Maintained& done);
    void purge_removed(const Maintenance& what, Maintained& done);
    // story_part.cpp
    void add_story(Story story);
    /// How many stories or events went, whichever are more.
    std::size_t purge_stories(const Maintenance& what);
    /// Returns how many expunged UIDs were forgotten.
    std::size_t prune_vanished(std::size_t keep);
};

[[nodiscard]] std::unique_ptr<MailStore> make_mail(State& state);
[[nodiscard]] std::unique_ptr<QueueStore> make_queue(State& state);
[[nodiscard]] std::unique_ptr<ResourceStore> make_resources(State& state);
[[nodiscard]] std::unique_ptr<StoryStore> make_stories(State& state);
[[nodiscard]] std::unique_ptr<RecoveryStore> make_recovery(State& state);

} // namespace mail::store::memory
