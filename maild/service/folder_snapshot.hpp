// FolderSnapshot: flags, UIDs and modseqs of one open folder as an immutable value shared by all sessions that have it
// selected. Structure of arrays in chunks of up to 1,024 items; a change copies only the chunks it touches, so two
// snapshots of one folder share the rest: equal chunk pointers mean equal content.
#pragma once

#include "maild/store/change_model.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mail::service {

/// Distinct keyword sets of a folder; only grows, so that indexes in old chunks stay valid.
class KeywordSets;

struct FolderChunk {
    static constexpr std::size_t capacity = 1024;
    std::vector<store::Uid> uids; ///< ascending, never empty
    std::vector<std::uint8_t> flags;
    std::vector<std::uint16_t> keywords; ///< index into the snapshot's keyword sets; 0 is "none"
    std::vector<store::ModSeq> modseqs;
    std::vector<std::uint32_t> sizes;
    std::vector<std::int64_t> dates; ///< INTERNALDATE in UTC microseconds
};

/// One item by value, for callers that want all of it.
struct FolderItem {
    store::Uid uid = 0;
    std::uint8_t flags = 0;
    std::uint16_t keywords = 0;
    store::ModSeq modseq = 0;
    std::uint32_t size = 0;
    Time internal_date{};
};

class FolderSnapshot {
  public:
    [[nodiscard]] const store::Folder& folder() const noexcept { return folder_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] store::ModSeq modseq() const noexcept { return folder_.modseq; }
    [[nodiscard]] std::span<const std::shared_ptr<const FolderChunk>> chunks() const noexcept { return chunks_; }
    /// Items before chunk `index`; chunks().size() gives size().
    [[nodiscard]] std::uint32_t first_of(std::size_t chunk) const noexcept { return starts_[chunk]; }
    /// Item at `position` (0-based sequence order), position < size().
    [[nodiscard]] FolderItem at(std::uint32_t position) const;
    [[nodiscard]] store::Uid uid_at(std::uint32_t position) const;
    /// Position of `uid`, or of the first greater one with found == false.
    struct Found {
        std::uint32_t position = 0;
        bool found = false;
    };
    [[nodiscard]] Found find(store::Uid uid) const;
    /// Space separated keywords of a set index.
    [[nodiscard]] std::string_view keywords(std::uint16_t index) const;
    /// All different keywords in use or once used in this folder, for FLAGS.
    [[nodiscard]] std::vector<std::string> all_keywords() const;
    /// First position without \Seen, or size().
    [[nodiscard]] std::uint32_t first_unseen() const;

    /// From a whole listing.
    [[nodiscard]] static std::shared_ptr<FolderSnapshot> build(store::Folder folder, std::span<const store::ItemRow> items);
    /// Goes on with items that follow, as long as nobody shares the snapshot.
    static void append(FolderSnapshot& snapshot, std::span<const store::ItemRow> items);
    /// The next one after `change`; changes at or below modseq() give `this` back unchanged.
    [[nodiscard]] static std::shared_ptr<const FolderSnapshot>
    apply(const std::shared_ptr<const FolderSnapshot>& before, const store::FolderChange& change);
    /// Like `after`, but what was expunged since `before` is still there, in its place, with its last known flags: for
    /// commands during which no EXPUNGE may be told (RFC 9051 §7.5.1).
    [[nodiscard]] static std::shared_ptr<const FolderSnapshot>
    keeping_expunged(const FolderSnapshot& before, const std::shared_ptr<const FolderSnapshot>& after);

  private:
    store::Folder folder_;
    std::uint32_t size_ = 0;
    std::vector<std::shared_ptr<const FolderChunk>> chunks_;
    std::vector<std::uint32_t> starts_{0}; ///< chunks_.size() + 1 entries
    std::shared_ptr<const KeywordSets> keyword_sets_;
};
using SnapshotPtr = std::shared_ptr<const FolderSnapshot>;

} // namespace mail::service
