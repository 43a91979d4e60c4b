// PlaceWatch: whether the files of a store are still those it was opened with. An operator may rename the directory or
// delete the database under a running maild, which would then go on writing into files that nobody finds again.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace mail::store::sqlite {

class PlaceWatch {
  public:
    PlaceWatch() = default; ///< watches nothing
    /// Remembers what is at `paths` now; a path where nothing is yet is not watched.
    explicit PlaceWatch(const std::vector<std::string>& paths);
    /// Errors: internal, when nothing or something else is at one of them.
    [[nodiscard]] Result<void> look() const;

  private:
    struct Place {
        std::string path;
        dev_t device = 0;
        ino_t inode = 0;
    };
    std::vector<Place> places_;
};

} // namespace mail::store::sqlite
