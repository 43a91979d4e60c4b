// Packs: stretches of a large folder's listing in compact form, so that it opens without reading a row for every message. A pack
// is always true: it goes in the transaction that changes one of its rows (PackIndex), listings read the rows of what is in no
// pack, and the engine packs behind (Packer). New mail costs nothing: its UIDs lie behind every pack. Private to store/sqlite.
#pragma once

#include "maild/store/sqlite/database.hpp"
#include "maild/store/store.hpp"

#include <unordered_map>

namespace mail::store::sqlite {

class WriteContext;

/// Which UIDs are packed, as the writer knows it; part of its context, used by its thread alone.
class PackIndex {
  public:
    using Ranges = std::vector<UidRange>;
    /// Ascending, without overlap; valid until the next call.
    [[nodiscard]] Result<const Ranges*> of(Database& db, FolderId folder);
    /// To be called when items of `uids` changed or went, after WriteContext::touch().
    [[nodiscard]] Result<void> drop(Database& db, FolderId folder, UidRange uids);
    /// `rows` are all that `covers` holds; nothing of it is packed yet.
    [[nodiscard]] Result<void> add(Database& db, FolderId folder, UidRange covers, std::span<const ItemRow> rows);
    /// After a rollback, and to stay small.
    void forget() noexcept { folders_.clear(); }
    [[nodiscard]] std::size_t size() const noexcept { return folders_.size(); }

  private:
    [[nodiscard]] Result<Ranges*> load(Database& db, FolderId folder);
    std::unordered_map<FolderId, Ranges> folders_;
};

/// Packs the next stretch of up to `items` rows behind `after`. Returns where to go on, 0 at the end: what is left there is
/// less than a pack. Runs on the writer thread.
[[nodiscard]] Result<Uid> pack_next(WriteContext& context, FolderId folder, Uid after, std::size_t items);

/// What a scan shows of the packs.
struct PackedScan {
    std::size_t rows = 0;
    std::size_t beside = 0;    ///< of them, rows that were in no pack
    PackIndex::Ranges damaged; ///< packs that cannot be used
};
/// `items` is the size of a pack; smaller folders have none.
[[nodiscard]] Result<PackedScan> scan_folder(Database& db, FolderId folder, std::size_t items, ListingSink& sink);
/// One sentence for each pack that does not equal its rows.
[[nodiscard]] Result<std::vector<std::string>> check_packs(Database& db);

} // namespace mail::store::sqlite
