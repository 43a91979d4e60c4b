#include "common/net/unix_path.hpp"

#include "common/net/socket_address.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::net {
namespace {

/// Whether a process accepts connections at `path`.
bool somebody_listens(const std::string& path) {
    const auto address = SocketAddress::unix_path(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!address || fd < 0)
        return true; // not known: rather refuse
    const bool refused = ::connect(fd, address->data(), address->size()) != 0 && errno == ECONNREFUSED;
    ::close(fd);
    return !refused;
}

/// Nobody but us and root can put files into the folder of `path`.
bool folder_is_ours(const std::string& path) {
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    struct stat info {};
    return ::stat(folder.c_str(), &info) == 0 && (info.st_uid == ::geteuid() || info.st_uid == 0) &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

} // namespace

Result<void> clear_stale_socket(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT)
            return {};
        return fail(ErrorCode::denied, path + " cannot be looked at: " + std::strerror(errno));
    }
    if (!S_ISSOCK(info.st_mode))
        return fail(ErrorCode::conflict, path + " exists and is not a socket", "remove it, or choose another path");
    if (somebody_listens(path))
        return fail(ErrorCode::conflict, path + " is in use by another process");
    if (info.st_uid != ::geteuid())
        return fail(ErrorCode::denied, path + " is a left-over socket of another user", "remove it by hand");
    if (!folder_is_ours(path))
        return fail(ErrorCode::denied, path + " is a left-over socket in a folder that others can write to",
                    "remove it by hand, or use a folder of mode 0700 or 0750");
    if (::unlink(path.c_str()) != 0)
        return fail(ErrorCode::denied, path + " cannot be removed: " + std::strerror(errno));
    return {};
}

Result<SocketFile> adopt_socket_file(const std::string& path, const ListenOptions& options) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode))
        return fail(ErrorCode::unavailable, path + " vanished");
    if (options.unix_group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *options.unix_group) != 0)
        return fail(ErrorCode::denied, path + " cannot be given to its group: " + std::strerror(errno));
    if (::chmod(path.c_str(), options.unix_mode) != 0)
        return fail(ErrorCode::denied, path + " cannot get its mode: " + std::strerror(errno));
    return SocketFile{path, info.st_dev, info.st_ino};
}

void remove_socket_file(const SocketFile& file) noexcept {
    struct stat info {};
    if (!file.path.empty() && ::lstat(file.path.c_str(), &info) == 0 && info.st_dev == file.device && info.st_ino == file.inode)
        ::unlink(file.path.c_str());
}

} // namespace mail::net
