// Where things lie in a store's directory, the lock on it, and bringing its database to the present version.
#pragma once

#include "maild/store/file_ops.hpp"
#include "maild/store/sqlite/database.hpp"

namespace mail::store::sqlite {

/// A store's directory, locked by this process until it is destroyed. The kernel gives the lock back after
/// any kind of death: there is no lock file that could prevent a start.
class Directory {
  public:
    /// Makes it if missing. Errors: conflict (in use), unavailable.
    [[nodiscard]] static Result<Directory> lock(const std::string& path, bool make);
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string database() const { return path_ + "/maild.db"; }
    [[nodiscard]] std::string segments() const { return path_ + "/segments"; }

    Directory() = default; ///< no directory; for Result

  private:
    std::string path_;
    FileHandle lock_;
};

/// Message bytes without the database that names them would be swept as nobody's. Errors: unavailable.
[[nodiscard]] Result<void> find_database(const Directory& directory);
/// The version this program reads and writes.
[[nodiscard]] int newest_version() noexcept;
/// Errors: unsupported (the store is newer), no_space, internal.
[[nodiscard]] Result<void> migrate(Database& database, const Directory& directory);
/// Copies what the body journal holds into the segments, which a crash may have left without it, and empties
/// it.
[[nodiscard]] Result<void> replay_bodies(Database& database, const Directory& directory,
                                         const FileOps& files);
/// Looks at the structure of the database for at most a second after an unclean end; damage is logged.
[[nodiscard]] Result<void> check_after_crash(Database& database);

} // namespace mail::store::sqlite
