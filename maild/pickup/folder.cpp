#include "maild/pickup/folder.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::pickup {
namespace {

constexpr std::size_t most_looked_at = 10000; ///< directory entries of one call; the rest comes later
constexpr int most_names = 1000;              ///< badmail of the same name

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  private:
    int fd_;
};

std::string reason_of(int error) { return std::strerror(error); }

Error failed(const std::string& what, const std::string& where) {
    return Error{ErrorCode::unavailable, what + " " + where + ": " + reason_of(errno)};
}

Descriptor open_directory(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Result<void> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0770) != 0 && errno != EEXIST)
        return fail(failed("cannot make the folder", path));
    if (!open_directory(path).is_open())
        return fail(failed("cannot open the folder", path));
    return {};
}

FileMark mark_of(const struct stat& status) {
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size),
            std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

bool is_unfinished(std::string_view name) { return name.starts_with('.') || name.ends_with(".tmp"); }

/// A lease is refused while somebody has the file open for writing; only the owner may ask.
bool is_open_for_writing(int fd) {
    if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        ::fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN || errno == EBUSY;
}

Result<std::string> read_all(int fd, std::uint64_t size) {
    std::string bytes(size, '\0');
    std::size_t at = 0;
    while (at < bytes.size()) {
        const ssize_t got = ::read(fd, bytes.data() + at, bytes.size() - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(ErrorCode::unavailable, "it cannot be read: " + reason_of(errno));
        if (got == 0)
            return fail(ErrorCode::stale, "it became shorter while it was read");
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

/// nullopt: not yet.
std::optional<FoundFile> read_file(int directory, const std::string& name, const FileMark& mark, std::uint64_t largest) {
    FoundFile found{name, mark, {}, {}};
    const Descriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT)
            return std::nullopt;
        found.problem = "it cannot be opened: " + reason_of(errno);
        return found;
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || !(mark_of(status) == mark) ||
        is_open_for_writing(file.get()))
        return std::nullopt; // another file than the one that was looked at, or still being written
    if (status.st_nlink != 1)
        found.problem = "the file has several names: it may be somebody else's";
    else if (mark.size > largest)
        found.problem = "it has " + std::to_string(mark.size) + " bytes; at most " + std::to_string(largest) + " are taken";
    else if (auto bytes = read_all(file.get(), mark.size))
        found.bytes = std::move(*bytes);
    else if (bytes.error().code == ErrorCode::stale)
        return std::nullopt;
    else
        found.problem = bytes.error().message;
    return found;
}

/// One entry of the directory; nullopt: nothing to do with it now.
std::optional<FoundFile> look_at(int directory, const std::string& name, std::map<std::string, FileMark>& now,
                                 const std::map<std::string, FileMark>& before, std::uint64_t largest) {
    struct stat status {};
    if (is_unfinished(name) || ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(status.st_mode))
        return std::nullopt;
    const FileMark mark = mark_of(status);
    now.emplace(name, mark);
    const auto last = before.find(name);
    if (last == before.end() || !(last->second == mark))
        return std::nullopt;
    if (!S_ISREG(status.st_mode))
        return FoundFile{name, mark, {}, S_ISLNK(status.st_mode) ? "it is a symbolic link" : "it is no regular file"};
    return read_file(directory, name, mark, largest);
}

Result<void> write_durably(int directory, const std::string& name, std::string_view bytes) {
    const Descriptor file(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!file.is_open())
        return fail(failed("cannot write", name));
    while (!bytes.empty()) {
        const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(failed("cannot write", name));
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0)
        return fail(failed("cannot write", name));
    return {};
}

/// A name that nothing has in the folder: "x", then "x.1", "x.2" ...
std::optional<std::string> free_name(int directory, const std::string& wanted) {
    struct stat status {};
    std::string name = wanted;
    for (int i = 1; i < most_names; ++i) {
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
            return name;
        name = wanted + "." + std::to_string(i);
    }
    return std::nullopt;
}

} // namespace

Result<void> PickupFolder::prepare() const {
    MAIL_DO(make_directory(directory_));
    return make_directory(badmail_);
}

Result<std::vector<FoundFile>> PickupFolder::take_whole(std::size_t most_files, std::uint64_t most_bytes, std::uint64_t largest) {
    const Descriptor directory = open_directory(directory_);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory_.c_str()), &::closedir);
    if (!directory.is_open() || !entries)
        return fail(failed("cannot open the folder", directory_));
    std::vector<FoundFile> out;
    std::map<std::string, FileMark> now;
    std::uint64_t bytes = 0;
    while (const dirent* entry = ::readdir(entries.get())) {
        if (now.size() >= most_looked_at || out.size() >= most_files || bytes >= most_bytes)
            break;
        auto found = look_at(directory.get(), entry->d_name, now, seen_, largest);
        if (!found)
            continue;
        bytes += found->bytes.size();
        out.push_back(std::move(*found));
    }
    seen_ = std::move(now);
    return out;
}

Result<void> PickupFolder::remove(const FoundFile& file) const {
    const Descriptor directory = open_directory(directory_);
    struct stat status {};
    if (!directory.is_open())
        return fail(failed("cannot open the folder", directory_));
    if (::fstatat(directory.get(), file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !(mark_of(status) == file.mark))
        return {};
    if (::unlinkat(directory.get(), file.name.c_str(), 0) != 0 && errno != ENOENT)
        return fail(failed("cannot remove", directory_ + "/" + file.name));
    if (::fsync(directory.get()) != 0)
        return fail(failed("cannot sync", directory_));
    return {};
}

Result<void> PickupFolder::give_up(const FoundFile& file, std::string_view reason) const {
    const Descriptor from = open_directory(directory_), to = open_directory(badmail_);
    if (!from.is_open() || !to.is_open())
        return fail(failed("cannot open the folder", from.is_open() ? badmail_ : directory_));
    // Renaming moves the link or FIFO itself. The reason comes first: no file lies there without one.
    const auto name = free_name(to.get(), file.name);
    if (!name)
        return fail(ErrorCode::unavailable, badmail_ + " has too many files named " + file.name);
    MAIL_DO(write_durably(to.get(), *name + ".reason", std::string(reason) + "\n"));
    if (::renameat2(from.get(), file.name.c_str(), to.get(), name->c_str(), RENAME_NOREPLACE) == 0) {
        static_cast<void>(::fsync(to.get()));
        static_cast<void>(::fsync(from.get()));
        return {};
    }
    const int error = errno;
    if (error == EXDEV && !file.bytes.empty()) {
        MAIL_DO(write_durably(to.get(), *name, file.bytes));
        return remove(file);
    }
    static_cast<void>(::unlinkat(to.get(), (*name + ".reason").c_str(), 0));
    return fail(ErrorCode::unavailable, "cannot move " + file.name + " to " + badmail_ + ": " + reason_of(error));
}

} // namespace mail::pickup
