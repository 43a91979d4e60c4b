// Mailboxes: protocol-free verbs on folders and items for IMAP, POP3 and later EWS and DAV. Keeps the shared snapshots of
// open folders current, normalises folder names, and asks one function for every right. All calls are on behalf of an
// account (`who`), so no path can forget the check. Thread-safe.
#pragma once

#include "common/async/task.hpp"
#include "maild/service/changes.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/mailbox_types.hpp"
#include "maild/store/store.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mail::async {
class WorkerPool;
}
namespace mail::store {
class TextIndex;
}

namespace mail::service {

/// Folders of others stand below these names: "Other Users/bob@example.org/INBOX", "Public/News" (RFC 2342). The public folders
/// of a domain are those of its mailbox public@DOMAIN. Whose they are makes no difference to rights: an access list decides.
inline constexpr std::string_view other_users = "Other Users/";
inline constexpr std::string_view public_folders = "Public/";
inline constexpr std::string_view public_local_part = "public";

class Mailboxes {
  public:
    Mailboxes(store::Store& store, ChangeBus& bus, Directory& directory, const Clock& clock);
    ~Mailboxes();

    /// The one place that decides: all that `who` may do there when `right` is part of it. Errors: not_found for folders
    /// `who` may not even look up, denied without `right`.
    [[nodiscard]] Task<Result<RightSet>> may(store::AccountId who, const store::Folder& folder, Right right) const;

    /// Own folders, then those of others that `who` may look up; names as `who` sees them.
    [[nodiscard]] Task<Result<std::vector<store::Folder>>> folders(store::AccountId who);
    /// `name` is UTF-8; "inbox" in any case is INBOX. The result's name is as `who` sees it. Errors: not_found.
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

    /// The access list of a folder, its owner first. Needs the right to administer it.
    [[nodiscard]] Task<Result<std::vector<NamedAccess>>> access(store::AccountId who, store::FolderId folder);
    /// `identifier` is an address or "anyone", with "-" before it for negative rights. Owners keep owner_minimum.
    [[nodiscard]] Task<Result<void>> change_access(store::AccountId who, store::FolderId folder, std::string identifier,
                                                   AccessChange how, RightSet rights);
    /// Account an identifier means; 0 for anyone. Errors: not_found.
    [[nodiscard]] Result<store::AccountId> named_account(const std::string& identifier) const;

    /// Metadata entries of a folder, or with 0 of the server, that `who` may see: "/private/comment" and "/shared/comment".
    using Metadata = std::vector<std::pair<std::string, std::string>>;
    [[nodiscard]] Task<Result<Metadata>> metadata(store::AccountId who, store::FolderId folder);
    /// No value: the entry goes. Errors: denied, too_large (a value), over_quota (their number).
    [[nodiscard]] Task<Result<void>> set_metadata(store::AccountId who, store::FolderId folder,
                                                  std::vector<std::pair<std::string, std::optional<std::string>>> entries);

    using OpenFolder = service::OpenFolder;
    [[nodiscard]] Task<Result<std::shared_ptr<OpenFolder>>> open(store::AccountId who, store::FolderId folder);

    // Each returns after the change is durable and OpenFolder::current() of this folder shows it. Flags that `who` has no
    // right to change stay as they are (RFC 4314 §4). `quota` is that of `who`, 0 for none; folders of others have theirs.
    [[nodiscard]] Task<Result<store::FlagReceipt>> change_flags(store::AccountId who, store::FlagChange change);
    [[nodiscard]] Task<Result<store::CopyReceipt>> copy(store::AccountId who, store::FolderId source, store::UidSet uids,
                                                        store::FolderId target, bool move, std::uint64_t quota);
    [[nodiscard]] Task<Result<std::vector<store::Uid>>> expunge(store::AccountId who, store::FolderId folder,
                                                                store::UidSet uids, bool only_deleted);
    using NewItem = service::NewItem;
    /// All or none. Errors: over_quota, too_large, no_space, not_found.
    [[nodiscard]] Task<Result<std::vector<store::Placed>>> append(const Mailbox& who, store::FolderId folder,
                                                                  std::vector<NewItem> items);
    /// Appends `item` and expunges the item `old` of `source`, both or neither (RFC 8508). Errors: those of append, denied,
    /// not_found also when the old one is gone.
    [[nodiscard]] Task<Result<store::Placed>> replace(const Mailbox& who, store::FolderId folder, NewItem item,
                                                      store::FolderId source, store::Uid old);
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
    /// What the text index knows: bit i of `absent` is set when the item does not hold texts[i] (casemapped, at most 64,
    /// as store::can_find() likes them) in any header field or text part. A clear bit says nothing. Ascending UIDs; items
    /// the index knows nothing about may be missing.
    struct AbsentTexts {
        store::Uid uid = 0;
        std::uint64_t absent = 0;
    };
    [[nodiscard]] Task<Result<std::vector<AbsentTexts>>> absent_texts(store::AccountId who, store::FolderId folder,
                                                                      const store::UidSet& uids,
                                                                      const std::vector<std::string>& texts);
    /// Both outlive this. Before any session.
    void use_text_index(store::TextIndex& index, async::WorkerPool& pool);
    [[nodiscard]] Task<Result<store::UidSet>> vanished(store::AccountId who, store::FolderId folder,
                                                                      store::ModSeq since);
    [[nodiscard]] Task<Result<store::MailStore::Usage>> usage(store::AccountId who);
    [[nodiscard]] ChangeBus& bus() noexcept;

  private:
    /// What appending them comes to; asks for the right to.
    [[nodiscard]] Task<Result<std::vector<store::AcceptPlan>>> plan_append(const Mailbox& who, store::FolderId folder,
                                                                           std::vector<NewItem> items);
    /// Where a name leads.
    struct Place {
        store::AccountId account = 0;
        std::string shown_before; ///< what `who` sees before the name; empty in the own mailbox
        std::string name;
    };
    [[nodiscard]] Task<Result<RightSet>> rights(store::AccountId who, store::AccountId owner, store::FolderId folder) const;
    [[nodiscard]] Task<Result<RightSet>> authorize(store::AccountId who, store::FolderId folder, Right right) const;
    [[nodiscard]] static bool is_reserved(const Place& place);
    [[nodiscard]] Task<Result<Place>> locate(store::AccountId who, std::string name) const;
    [[nodiscard]] std::optional<store::AccountId> public_account(std::string_view address) const;
    [[nodiscard]] Task<Result<store::AccountId>> metadata_owner(store::AccountId who, store::FolderId folder) const;
    [[nodiscard]] Task<Result<std::uint64_t>> quota_of(store::AccountId owner) const;
    [[nodiscard]] Task<Result<void>> append_shared(store::AccountId who, std::vector<store::Folder>& out);
    /// The access list that a new folder gets from the one above it; checks the right to create there.
    [[nodiscard]] Task<Result<AccessList>> list_for_child(store::AccountId who, store::AccountId owner, std::string name) const;
    [[nodiscard]] Task<Result<store::Folder>> make_folder(store::AccountId account, std::string name, store::SpecialUse use,
                                                          const AccessList& list);
    [[nodiscard]] Task<Result<void>> make_parents(store::AccountId account, std::string name, const AccessList& list);
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace mail::service
