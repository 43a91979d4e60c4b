#include "maild/store/file_ops.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace mail::store {

FileHandle::~FileHandle() {
    if (file_ >= 0)
        ::close(file_);
}

FileHandle open_to_read(const std::string& path) {
    return FileHandle(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

bool is_full(int error) noexcept {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

Failure file_failure(std::string_view what, int error) {
    std::string message = std::string(what) + ": " + std::generic_category().message(error);
    if (is_full(error))
        return fail(ErrorCode::no_space, std::move(message), "free disk space");
    return fail(ErrorCode::internal, std::move(message), "check the disk");
}

Result<void> FileOps::allocate(int file, std::uint64_t bytes) const {
    if (const int error = fault(FileOperation::segment_allocate))
        return file_failure("cannot reserve a segment", error);
    const int error = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    if (error != 0)
        return file_failure("cannot reserve a segment", error);
    return {};
}

Result<void> FileOps::write(int file, std::string_view bytes, std::uint64_t offset) const {
    if (const int error = fault(FileOperation::segment_write))
        return file_failure("cannot write to a segment", error);
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return file_failure("cannot write to a segment", count < 0 ? errno : ENOSPC);
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<std::string> FileOps::read(int file, std::uint64_t offset, std::uint64_t length) const {
    if (const int error = fault(FileOperation::segment_read))
        return file_failure("cannot read a segment", error);
    std::string bytes(length, '\0');
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count =
            ::pread(file, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(offset + filled));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return file_failure("cannot read a segment", errno);
        if (count == 0)
            break;
        filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);
    return bytes;
}

Result<void> FileOps::sync(int file) const {
    if (const int error = fault(FileOperation::segment_sync))
        return file_failure("cannot sync a segment", error);
    if (::fdatasync(file) != 0)
        return file_failure("cannot sync a segment", errno);
    return {};
}

Result<void> FileOps::sync_directory(const std::string& path) const {
    if (const int error = fault(FileOperation::directory_sync))
        return file_failure("cannot sync " + path, error);
    const FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0)
        return file_failure("cannot sync " + path, errno);
    return {};
}

bool is_read_only(const std::string& directory) {
    // Not every file system that has stopped after an error says so in its flags; a file without a name asks it.
    const FileHandle probe(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    return !probe && errno == EROFS;
}

std::uint64_t free_bytes_of(const std::string& path) {
    struct statvfs space {};
    if (::statvfs(path.c_str(), &space) != 0)
        return 0;
    return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

} // namespace mail::store
