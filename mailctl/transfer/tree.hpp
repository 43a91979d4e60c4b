// A tree of files that may be hostile, read without ever leaving it: every step is opened beneath the one before, symbolic
// links are never followed, and only regular files are read (a FIFO would wait for ever). Bounded in depth and number.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::mailctl {

/// An open file descriptor.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept;
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  private:
    int fd_;
};

struct TreeFile {
    std::string path; ///< beneath the root, "" for the root itself when it is a file
    std::uint64_t size = 0;
    Time modified{};
};

class Tree {
  public:
    /// `path` itself may be a symbolic link: who names it means where it leads. Errors: not_found, denied, invalid.
    [[nodiscard]] static Result<Tree> open(const std::string& path);

    struct Entry {
        std::string name;
        bool is_directory = false;
        std::string oddity; ///< why it is neither a file nor a directory to read, or empty
        std::uint64_t size = 0;
        Time modified{};
    };
    [[nodiscard]] bool is_file() const noexcept { return is_file_; }
    [[nodiscard]] const TreeFile& file() const noexcept { return file_; } ///< when it is one
    /// What is in a directory, by name. Errors: denied, too_large.
    [[nodiscard]] Result<std::vector<Entry>> list(const std::string& directory) const;
    /// A regular file, for reading. Errors: not_found, denied, invalid (no regular file).
    [[nodiscard]] Result<Descriptor> open_file(const std::string& path) const;
    /// All of a file. Errors: too_large beyond `most`.
    [[nodiscard]] Result<std::string> read(const std::string& path, std::uint64_t most) const;

  private:
    [[nodiscard]] Result<Descriptor> descend(std::string_view path, int last_flags) const;
    Descriptor root_;
    bool is_file_ = false;
    TreeFile file_;
};

} // namespace mail::mailctl
