// The embedded engine: rows in one SQLite database in WAL mode, message bytes in segments, one writer thread
// that commits in groups. For `maild serve`; one process per directory. What survives what: see store.hpp and
// segments.hpp.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "maild/store/file_ops.hpp"
#include "maild/store/store.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace mail::store {

struct SqliteOptions {
    std::string directory;        ///< made if missing; holds maild.db and segments/
    const Clock* clock = nullptr; ///< must outlive the store
    unsigned readers = 4;         ///< read connections
    std::uint64_t segment_bytes = std::uint64_t{256} << 20;
    std::uint64_t reserve_bytes =
        static_cast<std::uint64_t>(limit::reserve_bytes); ///< free space below which new mail is refused
    std::chrono::seconds segment_quiet{0}; ///< a segment goes so long after its last byte was written at the earliest
    std::size_t pack_items = static_cast<std::size_t>(limit::pack_items); ///< rows of one pack; 0: none are made or used
    std::uint64_t log_bytes =
        static_cast<std::uint64_t>(limit::store_log_bytes); ///< of the database, then readers are waited for
    const FileOps* files = nullptr; ///< for tests; must outlive the store
};

/// Opens or makes the store; brings an older one to the present version after a snapshot beside it. SIGXFSZ
/// is ignored from then on. Errors: conflict (another process uses it), unsupported (made by a newer maild),
/// unavailable (path, rights), no_space, internal.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

/// What `maild check` found.
struct CheckReport {
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;
    std::uint64_t segments = 0;
    std::uint64_t orphan_bytes = 0; ///< in segments, named by no row: swept in time, no damage
    std::uint64_t derived_rows = 0;
    std::vector<std::string> problems; ///< one sentence each; empty: all is well. At most 1,000 are listed
    std::uint64_t problem_count = 0; ///< that are left
    std::uint64_t repaired = 0;      ///< of those listed
    [[nodiscard]] bool healthy() const noexcept { return problem_count == 0; }
};
/// Every row has its bytes, every checksum holds, every counter agrees. The store must not be in use.
/// `drop_derived` also throws away what can be computed again; `with_repair` puts right what can be without losing
/// anything: counts, and rows that belong to nothing. Errors: conflict, unavailable, unsupported, internal.
[[nodiscard]] Result<CheckReport> check_store(const std::string& directory, bool drop_derived = false,
                                              bool with_repair = false);

} // namespace mail::store
