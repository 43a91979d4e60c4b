#include "mailctl/transfer/tree.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::mailctl {
namespace {

constexpr std::size_t most_entries = 5000000; // of one directory

Failure io_failure(std::string_view what) {
    const int why = errno;
    const auto code = why == ENOENT || why == ENOTDIR ? ErrorCode::not_found
                      : why == ELOOP                 ? ErrorCode::invalid
                                                     : ErrorCode::denied;
    return fail(code, std::string(what) + ": " + (why == ELOOP ? "a symbolic link is not followed" : std::strerror(why)));
}

Time time_of(const struct stat& about) { return Time{std::chrono::seconds(about.st_mtim.tv_sec)}; }

std::string oddity_of(const struct stat& about) {
    if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
        return {};
    return S_ISLNK(about.st_mode) ? "a symbolic link is not followed" : "it is no regular file";
}

} // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0)
        ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Result<Tree> Tree::open(const std::string& path) {
    Tree out;
    out.root_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat about {};
    if (!out.root_ || ::fstat(out.root_.get(), &about) != 0)
        return io_failure(path);
    if (!S_ISDIR(about.st_mode) && !S_ISREG(about.st_mode))
        return fail(ErrorCode::invalid, path + ": neither a file nor a directory");
    out.is_file_ = S_ISREG(about.st_mode);
    out.file_ = {"", static_cast<std::uint64_t>(about.st_size), time_of(about)};
    return out;
}

Result<Descriptor> Tree::descend(std::string_view path, int last_flags) const {
    int at = root_.get();
    Descriptor held;
    if (path.empty()) {
        // A description of its own: readers must not share a position.
        Descriptor again(::open(("/proc/self/fd/" + std::to_string(at)).c_str(), last_flags | O_RDONLY | O_CLOEXEC));
        return again ? Result<Descriptor>(std::move(again)) : Result<Descriptor>(io_failure("the root"));
    }
    const auto steps = text::split(path, '/');
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const bool is_last = i + 1 == steps.size();
        const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (is_last ? last_flags : O_DIRECTORY);
        Descriptor next(::openat(at, std::string(steps[i]).c_str(), flags));
        if (!next)
            return io_failure(path);
        held = std::move(next);
        at = held.get();
    }
    return held;
}

Result<std::vector<Tree::Entry>> Tree::list(const std::string& directory) const {
    MAIL_TRY(Descriptor folder, descend(directory, O_DIRECTORY));
    const int fd = ::dup(folder.get());
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    if (!listing) {
        if (fd >= 0)
            ::close(fd);
        return io_failure(directory);
    }
    std::vector<Entry> out;
    while (const dirent* each = ::readdir(listing.get())) {
        Entry entry;
        entry.name = each->d_name;
        struct stat about {};
        if (entry.name == "." || entry.name == ".." || ::fstatat(folder.get(), each->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (out.size() >= most_entries)
            return fail(ErrorCode::too_large, directory + ": too many files in one directory");
        entry.is_directory = S_ISDIR(about.st_mode);
        entry.oddity = oddity_of(about);
        entry.size = static_cast<std::uint64_t>(about.st_size);
        entry.modified = time_of(about);
        out.push_back(std::move(entry));
    }
    std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return out;
}

Result<Descriptor> Tree::open_file(const std::string& path) const {
    MAIL_TRY(Descriptor file, descend(path, 0));
    struct stat about {};
    if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode))
        return fail(ErrorCode::invalid, path + ": it is no regular file");
    return file;
}

Result<std::string> Tree::read(const std::string& path, std::uint64_t most) const {
    MAIL_TRY(const Descriptor file, open_file(path));
    struct stat about {};
    ::fstat(file.get(), &about);
    const auto expected = static_cast<std::uint64_t>(about.st_size);
    if (expected > most)
        return fail(ErrorCode::too_large, path + ": larger than " + std::to_string(most) + " bytes");
    std::string out(static_cast<std::size_t>(expected) + 1, '\0');
    std::size_t held = 0;
    for (;;) {
        const auto got = ::read(file.get(), out.data() + held, out.size() - held);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return io_failure(path);
        held += static_cast<std::size_t>(got);
        if (held > most)
            return fail(ErrorCode::too_large, path + ": larger than " + std::to_string(most) + " bytes"); // it grows
        if (got == 0)
            break;
        if (held == out.size())
            out.resize(out.size() * 2);
    }
    out.resize(held);
    return out;
}

} // namespace mail::mailctl
