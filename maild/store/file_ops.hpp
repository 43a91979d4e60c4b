// FileOps: the store's way to the disk. It adds one thing to the system calls: a place where a test lets the
// n-th write or sync fail, for segments and for the database alike. Thread-safe if the fault function is.
#pragma once

#include "common/base/result.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace mail::store {

enum class FileOperation : std::uint8_t {
    segment_allocate,
    segment_write,
    segment_sync,
    segment_read,
    directory_sync,
    database_write,
    database_sync
};

class FileOps {
  public:
    /// Asked before every operation; a number other than 0 is the errno it fails with, without being done.
    using Fault = std::function<int(FileOperation)>;
    FileOps() = default;
    explicit FileOps(Fault fault) : fault_(std::move(fault)) {}

    [[nodiscard]] int fault(FileOperation operation) const { return fault_ ? fault_(operation) : 0; }
    /// Reserves `bytes` from the start. Errors: no_space.
    [[nodiscard]] Result<void> allocate(int file, std::uint64_t bytes) const;
    /// All of `bytes`. Errors: no_space, internal.
    [[nodiscard]] Result<void> write(int file, std::string_view bytes, std::uint64_t offset) const;
    /// Up to `length` bytes; fewer at the end of the file.
    [[nodiscard]] Result<std::string> read(int file, std::uint64_t offset, std::uint64_t length) const;
    /// Never call it again after it failed: the kernel then forgets what was not written.
    [[nodiscard]] Result<void> sync(int file) const;
    [[nodiscard]] Result<void> sync_directory(const std::string& path) const;

  private:
    Fault fault_;
};

/// An open file that closes itself.
class FileHandle {
  public:
    explicit FileHandle(int file = -1) noexcept : file_(file) {}
    FileHandle(FileHandle&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    FileHandle& operator=(FileHandle&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~FileHandle();
    [[nodiscard]] int get() const noexcept { return file_; }
    [[nodiscard]] explicit operator bool() const noexcept { return file_ >= 0; }

  private:
    int file_;
};

[[nodiscard]] FileHandle open_to_read(const std::string& path);

/// no_space for ENOSPC, EDQUOT and EFBIG, else internal; the text names what was done and why it failed.
[[nodiscard]] Failure file_failure(std::string_view what, int error);
[[nodiscard]] bool is_full(int error) noexcept;
/// Whether its file system refuses every write, so that nothing but an administrator can help.
[[nodiscard]] bool is_read_only(const std::string& directory);
/// Bytes that this process may still use on the file system of `path`; 0 when that cannot be told.
[[nodiscard]] std::uint64_t free_bytes_of(const std::string& path);

} // namespace mail::store
