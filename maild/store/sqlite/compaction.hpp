// Compaction: gives back the space of segments that are full and hold little that is still in use, while mail goes on. A turn
// copies some messages of the thinnest segment to where new ones are written, checks each against its checksum, makes the
// copies durable and then tells their rows the new place in one transaction. The emptied file goes in a later turn. At no
// moment is a message in no place: a crash before the transaction leaves the old places and copies that nobody names.
//
// A damaged message is reported once, stays where it is and keeps its segment. Sealed segments are only read. A segment
// that is pinned (segments.hpp), as a running backup does, is left alone. Private to store/sqlite; thread-safe.
#pragma once

#include "maild/store/sqlite/engine.hpp"

#include <set>

namespace mail::store::sqlite {

class Compaction {
  public:
    explicit Compaction(Engine& engine) : engine_(engine) {}
    /// One turn: at most what.slice messages and about limit::compact_turn_bytes. Errors: no_space, temporary.
    [[nodiscard]] Task<Result<void>> turn(Maintenance what, Maintained& done);

  private:
    /// A message copied but not moved yet.
    struct Copy {
        BlobRef from;
        SpooledBytes to;
    };
    struct Copied {
        std::vector<Copy> copies;
        std::vector<BlobRef> damaged;
    };
    using Work = std::vector<BlobRef>;

    [[nodiscard]] Task<Result<Work>> next_work(const Maintenance& what);
    [[nodiscard]] Task<Result<void>> move(Work work, Maintained& done);
    [[nodiscard]] Result<std::uint32_t> choose(Database& db, unsigned percent);
    [[nodiscard]] static Result<Work> load(Database& db, std::uint32_t segment);
    [[nodiscard]] Result<Copied> copy_all(const Work& work);
    [[nodiscard]] Result<std::optional<SpooledBytes>> copy(const BlobRef& blob);
    [[nodiscard]] Result<void> room_for(const Work& work) const;
    void report_damage(const BlobRef& blob);

    Engine& engine_;
    std::atomic<bool> busy_{false}; ///< guards the rest: one turn at a time
    Work waiting_;                  ///< messages of the segment in hand that were not looked at yet, the next one last
    std::uint32_t in_hand_ = 0;
    std::set<std::uint32_t> kept_; ///< segments that hold damaged messages; looked at again after a restart
};

} // namespace mail::store::sqlite
