// Mailboxes: protocol-free verbs on folders and items for IMAP, POP3 and later EWS and DAV. Keeps the shared snapshots of
// open folders current, normalises folder names, and asks one function for every right. All calls are on behalf of an
// account (`who`), so no path can forget the check. Thread-safe.
#pragma once

#include "common/async/task.hpp"
#include "maild/service/changes.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/folder_snapshot.hpp"
#include "maild/store/store.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mail::service {

/// RFC 4314 rights as bits.
enum class Right : std::uint16_t {
    lookup = 1, read = 2, seen = 4, write = 8, insert = 16, post = 32, create = 64, remove_folder = 128, remove_item = 256,
    expunge = 512, administer = 1024,
};

class Mailboxes {
  public:
    Mailboxes(store::Store& store, ChangeBus& bus, const Clock& clock);
    ~Mailboxes();

    /// The one place that decides. Owners have every right on their folders.
    [[nodiscard]] bool may(store::AccountId who, const store::Folder& folder, Right right) const;

    [[nodiscard]] Task<Result<std::vector<store::Folder>>> folders(store::AccountId who);
    /// `name` is UTF-8; "inbox" in any case is INBOX. Errors: not_found.
    [[nodiscard]] Task<Result<store::Folder>> find(store::AccountId who, std::string name);
    /// Checks the name (limits, control characters, empty levels) and makes missing parents (RFC 9051 §6.3.4).
    [[nodiscard]] Task<Result<store::Folder>> create(store::AccountId who, std::string name, store::SpecialUse use);
    [[nodiscard]] Task<Result<void>> rename(store::AccountId who, std::string from, std::string to);
    /// INBOX cannot be removed. Errors: not_found, denied.
    [[nodiscard]] Task<Result<void>> remove(store::AccountId who, std::string name);
    [[nodiscard]] Task<Result<void>> subscribe(store::AccountId who, std::string name, bool subscribed);
    [[nodiscard]] Task<Result<std::vector<std::string>>> subscriptions(store::AccountId who);
    /// NFC, INBOX in its one spelling, no trailing separator. Errors: invalid.
    [[nodiscard]] static Result<std::string> normalise(std::string_view name);

    /// A folder held open: its snapshot stays in memory and current while any handle lives.
    class OpenFolder {
      public:
        virtual ~OpenFolder() = default;
        /// Newest snapshot; cheap. Never suspends, never null.
        [[nodiscard]] virtual SnapshotPtr current() = 0;
        [[nodiscard]] virtual store::FolderId id() const = 0;
        /// The folder was deleted: current() stays what it was.
        [[nodiscard]] virtual bool is_gone() const = 0;
    };
    [[nodiscard]] Task<Result<std::shared_ptr<OpenFolder>>> open(store::AccountId who, store::FolderId folder);

    // Each returns after the change is durable and OpenFolder::current() of this folder shows it. `quota` is that of
    // the target's owner, 0 for none.
    [[nodiscard]] Task<Result<store::FlagReceipt>> change_flags(store::AccountId who, store::FlagChange change);
    [[nodiscard]] Task<Result<store::CopyReceipt>> copy(store::AccountId who, store::FolderId source, store::UidSet uids,
                                                        store::FolderId target, bool move, std::uint64_t quota);
    [[nodiscard]] Task<Result<std::vector<store::Uid>>> expunge(store::AccountId who, store::FolderId folder,
                                                                store::UidSet uids, bool only_deleted);
    struct NewItem {
        store::Content content;
        std::uint8_t flags = 0;
        std::vector<std::string> keywords;
        std::optional<Time> internal_date; ///< now when missing
    };
    /// All or none. Errors: over_quota, too_large, no_space, not_found.
    [[nodiscard]] Task<Result<std::vector<store::Placed>>> append(const Mailbox& owner, store::FolderId folder,
                                                                  std::vector<NewItem> items);
    /// For bytes that arrive over time; limit::stream_threshold decides who should use it.
    [[nodiscard]] Result<std::unique_ptr<store::Spool>> spool(std::uint64_t size_hint);

    [[nodiscard]] Task<Result<std::vector<store::ItemBody>>> bodies(store::AccountId who, store::FolderId folder,
                                                                    const store::UidSet& uids, std::size_t limit);
    /// `length` bytes from `offset` of the item: its prefix, then its blob.
    [[nodiscard]] Task<Result<std::string>> read(const store::ItemBody& body, std::uint64_t offset = 0,
                                                 std::uint64_t length = UINT64_MAX);
    /// Derived data, computed and kept where it was missing. Ascending UIDs, at most `limit`.
    struct DerivedItem {
        store::Uid uid = 0;
        store::Derived derived;
    };
    [[nodiscard]] Task<Result<std::vector<DerivedItem>>> derived(store::AccountId who, store::FolderId folder,
                                                                 const store::UidSet& uids, std::size_t limit);
    [[nodiscard]] Task<Result<std::vector<store::Vanished>>> vanished(store::AccountId who, store::FolderId folder,
                                                                      store::ModSeq since);
    [[nodiscard]] Task<Result<store::MailStore::Usage>> usage(store::AccountId who);
    [[nodiscard]] ChangeBus& bus() noexcept;

  private:
    /// not_found for folders `who` may not even look up, denied without `right`.
    [[nodiscard]] Task<Result<void>> authorize(store::AccountId who, store::FolderId folder, Right right) const;
    [[nodiscard]] Task<Result<void>> make_parents(store::AccountId who, std::string name);
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace mail::service
