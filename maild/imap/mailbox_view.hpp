// MailboxView: what the client of one selected mailbox knows: the order of its messages and their flags, as one shared
// FolderSnapshot. sync() compares it with a newer snapshot and writes what the client must be told (RFC 9051 §7.3-§7.5);
// chunks that both share by pointer are skipped, so an unchanged mailbox of any size costs nothing.
// Pure: used by Session on its own thread, and by the unit tests.
#pragma once

#include "maild/imap/proto/sequence_set.hpp"
#include "maild/service/folder_snapshot.hpp"
#include "maild/store/mail_model.hpp"

#include <span>
#include <string>
#include <vector>

namespace mail::imap {

/// How changes are told to this client.
struct SyncStyle {
    bool allow_expunge = true; ///< false while a command with sequence numbers is answered (RFC 9051 §7.5.1)
    bool vanished = false;     ///< VANISHED instead of EXPUNGE (RFC 7162 §3.2.10)
    bool modseq = false;       ///< MODSEQ in every FETCH (RFC 7162 §3.1.1)
    bool uid_only = false;     ///< UIDFETCH with the UID in the number's place (RFC 9586)
    bool recent = false;       ///< IMAP4rev1: RECENT after EXISTS
    std::span<const store::ModSeq> own_changes = {}; ///< flag changes with these were told already; ascending
};

class MailboxView {
  public:
    explicit MailboxView(service::SnapshotPtr snapshot);

    [[nodiscard]] const service::FolderSnapshot& snapshot() const noexcept { return *snapshot_; }
    [[nodiscard]] const service::SnapshotPtr& shared_snapshot() const noexcept { return snapshot_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return snapshot_->size(); }
    /// UID of the last message; 0 when there is none.
    [[nodiscard]] store::Uid last_uid() const;
    /// Some message known here is gone from the store and the client was not told yet.
    [[nodiscard]] bool holds_expunged() const noexcept { return holds_expunged_; }

    /// Makes `now` the client's knowledge and appends the untagged responses that take it there.
    void sync(std::string& out, const service::SnapshotPtr& now, const SyncStyle& style);

    /// Appends FLAGS and PERMANENTFLAGS when `now` knows other keywords than the client was told.
    void tell_keywords(std::string& out, const service::FolderSnapshot& now);

    /// Message numbers (from 1) that a set names, sorted and merged. UIDs that do not exist are left out.
    [[nodiscard]] std::vector<NumberRange> positions_of_uids(const SequenceSet& set) const;
    [[nodiscard]] std::vector<NumberRange> positions_of(std::span<const NumberRange> uids) const;
    /// Message numbers beyond the end are clipped; callers that must refuse them ask out_of_range() first.
    [[nodiscard]] std::vector<NumberRange> positions_of_numbers(const SequenceSet& set) const;
    [[nodiscard]] bool out_of_range(const SequenceSet& set) const;
    /// UIDs of message numbers, as ranges that hold no other message of this view.
    [[nodiscard]] store::UidSet uids_of(std::span<const NumberRange> positions) const;
    [[nodiscard]] static std::uint64_t count(std::span<const NumberRange> positions) noexcept;

  private:
    service::SnapshotPtr snapshot_;
    std::vector<std::string> keywords_; ///< as last told in FLAGS
    bool holds_expunged_ = false;
};

/// Adds what both hold; both ascend without overlap.
void add_common(NumberList& out, std::span<const store::UidRange> a, std::span<const NumberRange> b);

/// "* n FETCH (UID u MODSEQ (m) FLAGS (...))"; `number` counts from 1.
void append_fetch_flags(std::string& out, std::uint32_t number, const service::FolderItem& item,
                        const service::FolderSnapshot& snapshot, bool modseq, bool uid_only);
/// "(\Answered \Flagged \Deleted \Seen \Draft $Work)": FLAGS and, with `permanent`, PERMANENTFLAGS with "\*".
[[nodiscard]] std::string flags_line(const std::vector<std::string>& keywords, bool permanent);

} // namespace mail::imap
