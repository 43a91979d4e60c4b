#include "maild/store/sqlite/place_watch.hpp"

#include <cerrno>

#include <sys/stat.h>

namespace mail::store::sqlite {

PlaceWatch::PlaceWatch(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0)
            places_.push_back({path, info.st_dev, info.st_ino});
    }
}

Result<void> PlaceWatch::look() const {
    for (const Place& place : places_) {
        struct stat info {};
        const bool there = ::stat(place.path.c_str(), &info) == 0;
        if (there && info.st_dev == place.device && info.st_ino == place.inode)
            continue;
        if (!there && errno != ENOENT && errno != ENOTDIR)
            continue; // not known: the disk has its own ways to fail
        return fail(ErrorCode::internal, place.path + (there ? " is another file than the one in use" : " is gone") +
                                             ": it was moved, deleted or replaced while maild runs",
                    "put it back; mail that was accepted meanwhile is in the files maild had open");
    }
    return {};
}

} // namespace mail::store::sqlite
