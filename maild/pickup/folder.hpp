// PickupFolder: the file system's side of pickup: which files are whole, their bytes, and where they go. Nothing here ever
// follows a symbolic link, waits for a FIFO or reads more than it was told to. Blocking calls: for the worker pool.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::pickup {

/// One file as it was seen; equal marks: the same file, unchanged.
struct FileMark {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed = 0; ///< nanoseconds
    [[nodiscard]] bool operator==(const FileMark&) const = default;
};

struct FoundFile {
    std::string name;
    FileMark mark;
    std::string bytes;
    std::string problem; ///< not empty: why it cannot be read, and `bytes` are none
};

class PickupFolder {
  public:
    PickupFolder(std::string directory, std::string badmail) : directory_(std::move(directory)), badmail_(std::move(badmail)) {}

    /// Makes the folders that are not there. Errors: unavailable.
    [[nodiscard]] Result<void> prepare() const;
    /// Files that did not change since the last call and are open for writing nowhere that we could know of, at most
    /// `most_files` and about `most_bytes` of them. Names that begin with "." or end in ".tmp" are somebody's unfinished
    /// business and left alone. Errors: unavailable.
    [[nodiscard]] Result<std::vector<FoundFile>> take_whole(std::size_t most_files, std::uint64_t most_bytes,
                                                            std::uint64_t largest);
    /// Gone, durably. A file that was replaced meanwhile stays.
    [[nodiscard]] Result<void> remove(const FoundFile& file) const;
    /// Into the badmail folder, with `reason` in a file of the same name and ".reason" beside it.
    [[nodiscard]] Result<void> give_up(const FoundFile& file, std::string_view reason) const;
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] const std::string& badmail() const noexcept { return badmail_; }

  private:
    std::string directory_;
    std::string badmail_;
    std::map<std::string, FileMark> seen_; ///< of the last call; bounded by what it looks at
};

} // namespace mail::pickup
