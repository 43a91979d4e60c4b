// The database's log (WAL) after an unclean end. SQLite reads it up to the first frame whose checksum does not hold and takes the rest for
// writes that were cut off; but when frames after that one belong to the same log and end a transaction, the disk has changed a frame.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>

namespace mail::store::sqlite {

struct LogState {
    std::uint64_t frames = 0;  ///< up to the first that does not hold
    std::uint64_t commits = 0; ///< transactions that end in them
    std::uint64_t lost_commits = 0; ///< transactions of this log that end after that frame
};

/// Reads the log beside a database that nobody has open. A missing or empty log is sound. Errors: internal.
/// Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
[[nodiscard]] Result<LogState> read_log(const std::string& path);

/// One sentence when transactions were lost, else empty.
[[nodiscard]] std::string problem_of(const LogState& state);

} // namespace mail::store::sqlite
