// Packer: has folders packed behind their changes, a few packs in one transaction, when many rows of them are in no pack: after so
// many new or changed items, or when a listing had to read them. Private to store/sqlite. Thread-safe.
#pragma once

#include "maild/store/sqlite/packs.hpp"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace mail::store::sqlite {

class Writer;

class Packer {
  public:
    /// `items`: rows of one pack, and how many may be in none before it is time; 0: nothing is ever packed.
    Packer(Writer& writer, std::size_t items) : writer_(writer), items_(items) {}
    /// Counts what changed; on the writer's thread after every commit.
    void note(const Changes& changes);
    /// Looks at what a scan found.
    void note(FolderId folder, const PackedScan& scan);
    [[nodiscard]] std::size_t items() const noexcept { return items_; }

  private:
    void want(FolderId folder, PackIndex::Ranges damaged);
    /// The next transaction, or the end of it.
    void go_on(FolderId folder, Uid after, PackIndex::Ranges damaged);
    Writer& writer_;
    const std::size_t items_;
    std::mutex mutex_;
    std::unordered_map<FolderId, std::size_t> changed_; ///< items since the folder was packed last
    std::unordered_set<FolderId> busy_;
};

} // namespace mail::store::sqlite
