// Segments: where message bytes lie. Append-only files of 256 MiB, preallocated because a file that does not
// grow syncs almost twice as fast; the rows of the engine say what lies where (segment, offset, length,
// checksum).
//
// Promises: bytes are written by the calling thread at a place that nobody else got; sync() makes everything
// written before it durable; a sealed segment never changes; a new segment's name is durable before its first
// use. A segment's number is never used again, so that an old place never leads to other bytes. After a failed sync the object refuses everything but reads. Thread-safe. Errors: no_space, internal,
// not_found (read).
#pragma once

#include "maild/store/file_ops.hpp"
#include "maild/store/accept_model.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>

namespace mail::store {

struct SegmentOptions {
    std::string directory;
    std::uint64_t segment_bytes = std::uint64_t{256} << 20;
    const FileOps* files = nullptr;
};

/// Path of a segment's file.
[[nodiscard]] std::string segment_path(const std::string& directory, std::uint32_t segment);

/// What the rows know of a segment.
struct SegmentUse {
    std::uint32_t segment = 0;
    std::uint64_t used = 0;       ///< end of the last byte that a row named
    std::uint64_t live_bytes = 0; ///< bytes that rows name now
};

class Segments {
  public:
    /// Makes the directory if needed, goes on in the newest segment after its used part, and removes files
    /// that no row knows and known segments without live bytes.
    [[nodiscard]] static Result<std::unique_ptr<Segments>> open(SegmentOptions options,
                                                                std::vector<SegmentUse> known);
    ~Segments();

    /// Writes all of `bytes` in one piece. Not durable before sync().
    [[nodiscard]] Result<SpooledBytes> write(std::string_view bytes);
    /// Makes what was written before this call durable.
    [[nodiscard]] Result<void> sync();
    /// How long a sync took lately, in microseconds; 0 before the first one.
    [[nodiscard]] std::int64_t sync_time() const noexcept { return sync_time_; }
    [[nodiscard]] Result<std::string> read(std::uint32_t segment, std::uint64_t offset, std::uint64_t length);
    /// The file is there and long enough to hold these bytes.
    [[nodiscard]] bool holds(const SpooledBytes& bytes);
    /// Makes the next segment ahead of time when the current one is nearly full. A full disk is no failure
    /// yet. Error: internal, the disk fails.
    [[nodiscard]] Result<void> prepare();
    /// True if the segment is not written to any more and has not been for `quiet`.
    /// Nor may anything in it be pinned: bytes whose rows are still to come, or a copy that a backup takes.
    [[nodiscard]] bool is_sealed(std::uint32_t segment, std::chrono::steady_clock::duration quiet);
    /// Keeps a segment's file, as it is, for as long as the pin lives: neither compaction nor housekeeping takes it away.
    /// Error: not_found.
    [[nodiscard]] Result<std::shared_ptr<const void>> pin(std::uint32_t segment);
    /// Returns the bytes it took on the disk; a pinned one stays. Who has it open reads on; others get not_found.
    [[nodiscard]] Result<std::uint64_t> remove(std::uint32_t segment);
    [[nodiscard]] bool exists(std::uint32_t segment) const;
    [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }

    // ---- for a spool, whose length is not known at its start ----
    struct Region {
        std::uint32_t segment = 0;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
        std::shared_ptr<const void> pin = nullptr;
    };
    [[nodiscard]] Result<Region> reserve(std::uint64_t length);
    /// Longer or shorter in place, which works while nothing was reserved after it. False: not possible.
    [[nodiscard]] bool resize(Region& region, std::uint64_t length);
    [[nodiscard]] Result<void> write(const Region& region, std::uint64_t position, std::string_view bytes);
    /// Gives back space that no row will name: at the end it is used again, elsewhere it becomes a hole.
    void abandon(const Region& region);

  private:
    struct File;
    explicit Segments(SegmentOptions options) : options_(std::move(options)) {}
    [[nodiscard]] std::string path_of(std::uint32_t segment) const;
    [[nodiscard]] Result<std::shared_ptr<File>> create(std::uint64_t needed);
    [[nodiscard]] Result<std::shared_ptr<File>> file_of(std::uint32_t segment);
    [[nodiscard]] Result<void> roll(std::uint64_t needed);
    [[nodiscard]] Result<void> sweep(const std::vector<SegmentUse>& known);
    [[nodiscard]] Result<void> usable() const;

    SegmentOptions options_;
    mutable std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<File>> files_; ///< open ones, bounded
    std::shared_ptr<File> current_;
    std::shared_ptr<File> next_;
    std::uint64_t end_ = 0; ///< of what was reserved in current_
    std::uint32_t last_number_ = 0;
    std::vector<std::shared_ptr<File>> dirty_;
    std::mutex
        sync_mutex_; ///< held during a sync, so that nobody takes another one's sync for done too early
    std::atomic<std::uint64_t> syncs_{0};
    std::atomic<std::int64_t> sync_time_{0};
    std::atomic<bool> failed_{false};
};

/// A spool on segments: grows by doubling, gives back what it did not need.
[[nodiscard]] Result<std::unique_ptr<class Spool>> make_spool(std::shared_ptr<Segments> segments,
                                                              std::uint64_t size_hint);

} // namespace mail::store
