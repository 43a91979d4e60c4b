// Unix socket files of listeners: a left-over one of ours is removed, anything else is left alone and refused.
#pragma once

#include "common/net/listener.hpp"

namespace mail::net {

/// Which file on disk a listener made, so that it removes only that one.
struct SocketFile {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

/// Makes `path` free to bind: removes a stale socket that we own in a folder only we can write to. Errors: conflict
/// (someone listens there, or it is no socket), denied (the folder or socket belongs to others).
[[nodiscard]] Result<void> clear_stale_socket(const std::string& path);
/// Sets mode and group of the file just bound.
[[nodiscard]] Result<SocketFile> adopt_socket_file(const std::string& path, const ListenOptions& options);
/// Removes the file if it is still the one we made.
void remove_socket_file(const SocketFile& file) noexcept;

} // namespace mail::net
