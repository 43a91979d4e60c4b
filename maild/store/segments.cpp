#include "maild/store/segments.hpp"

#include "common/base/text.hpp"
#include "common/crypto/checksum.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::store {
namespace {
constexpr std::size_t most_open_files = 256;
constexpr std::uint64_t smallest_segment = std::uint64_t{1} << 20;
constexpr std::uint64_t smallest_hole = std::uint64_t{64} << 10;
} // namespace

struct Segments::File {
    std::uint32_t number = 0;
    FileHandle handle;
    std::uint64_t size = 0;
    bool dirty = false; // guarded by Segments::mutex_
    std::chrono::steady_clock::time_point written{};
    // Copies are given out under Segments::mutex_ and dropped anywhere: one owner means that nobody pins the segment.
    std::shared_ptr<const void> pin = std::make_shared<char>();
    [[nodiscard]] bool pinned() const noexcept { return pin.use_count() > 1; }
};

Segments::~Segments() = default;

std::string segment_path(const std::string& directory, std::uint32_t segment) {
    const std::string digits = std::to_string(segment);
    return directory + "/" + std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits +
           ".segment";
}

std::string Segments::path_of(std::uint32_t segment) const {
    return segment_path(options_.directory, segment);
}

Result<void> Segments::usable() const {
    if (failed_)
        return fail(ErrorCode::internal, "the store has seen an I/O error and writes no more");
    return {};
}

Result<std::unique_ptr<Segments>> Segments::open(SegmentOptions options, std::vector<SegmentUse> known) {
    static const FileOps plain;
    if (options.files == nullptr)
        options.files = &plain;
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    if (error)
        return file_failure("cannot make " + options.directory, error.value());
    std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
    std::unique_ptr<Segments> segments(new Segments(std::move(options)));
    std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.segment < b.segment; });
    if (!known.empty()) {
        const SegmentUse& newest = known.back();
        segments->last_number_ = newest.segment;
        if (auto file = segments->file_of(newest.segment)) {
            // Bytes after the used part belong to nobody: whoever wrote them was never answered.
            segments->current_ = *file;
            segments->end_ = newest.used;
        }
    }
    MAIL_DO(segments->sweep(known));
    return segments;
}

Result<void> Segments::sweep(const std::vector<SegmentUse>& known) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
        const std::string name = entry.path().filename().string();
        if (!name.ends_with(".segment"))
            continue;
        const auto number = text::number<std::uint32_t>(std::string_view(name).substr(0, name.size() - 8));
        if (!number)
            continue;
        const auto use =
            std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.segment == *number; });
        last_number_ = std::max(last_number_, *number);
        const bool wanted =
            use != known.end() && (use->live_bytes != 0 || (current_ && current_->number == *number));
        if (!wanted && ::unlink(entry.path().c_str()) != 0)
            return file_failure("cannot remove " + entry.path().string(), errno);
    }
    if (error)
        return file_failure("cannot read " + options_.directory, error.value());
    return {};
}

Result<std::shared_ptr<Segments::File>> Segments::create(std::uint64_t needed) {
    const std::uint64_t spare = free_bytes_of(options_.directory) / 8;
    std::uint64_t size = std::min(options_.segment_bytes, std::max(smallest_segment, spare));
    size = std::max(size, needed);
    auto file = std::make_shared<File>();
    file->number = last_number_ + 1;
    const std::string path = path_of(file->number);
    file->handle =
        FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file->handle)
        return file_failure("cannot make " + path, errno);
    Result<void> ready = options_.files->allocate(file->handle.get(), size);
    while (!ready && ready.error().code == ErrorCode::no_space &&
           size / 2 >= std::max(needed, smallest_segment)) {
        size /= 2; // what a nearly full disk still gives
        ready = options_.files->allocate(file->handle.get(), size);
    }
    file->size = size;
    if (ready)
        ready = options_.files->sync(file->handle.get());
    if (ready)
        ready = options_.files->sync_directory(options_.directory);
    if (!ready) {
        ::unlink(path.c_str());
        failed_ = failed_ || ready.error().code != ErrorCode::no_space;
        return fail(std::move(ready).error());
    }
    last_number_ = file->number;
    return file;
}

Result<void> Segments::roll(std::uint64_t needed) {
    std::shared_ptr<File> file;
    if (next_ && next_->size >= needed) {
        file = std::exchange(next_, nullptr);
    } else {
        MAIL_TRY(file, create(needed));
    }
    if (current_ && end_ < current_->size) {
        // What a sealed segment does not use goes back; a failure costs space only.
        if (::ftruncate(current_->handle.get(), static_cast<off_t>(end_)) == 0)
            current_->size = end_;
    }
    current_ = std::move(file);
    files_[current_->number] = current_;
    end_ = 0;
    return {};
}

Result<void> Segments::prepare() {
    const std::lock_guard lock(mutex_);
    if (failed_ || next_ || !current_ || end_ < current_->size / 4 * 3)
        return {};
    auto file = create(options_.segment_bytes);
    if (file)
        next_ = std::move(*file);
    else if (file.error().code != ErrorCode::no_space) // whoever needs the room then hears of a full disk
        return fail(std::move(file).error());
    return {};
}

Result<Segments::Region> Segments::reserve(std::uint64_t length) {
    const std::lock_guard lock(mutex_);
    MAIL_DO(usable());
    if (!current_ || end_ + length > current_->size) {
        MAIL_DO(roll(length));
    }
    Region region{current_->number, end_, length, current_->pin};
    end_ += length;
    return region;
}

bool Segments::resize(Region& region, std::uint64_t length) {
    const std::lock_guard lock(mutex_);
    if (!current_ || current_->number != region.segment || end_ != region.offset + region.length ||
        region.offset + length > current_->size)
        return false;
    end_ = region.offset + length;
    region.length = length;
    return true;
}

Result<void> Segments::write(const Region& region, std::uint64_t position, std::string_view bytes) {
    MAIL_TRY(const auto file, file_of(region.segment));
    MAIL_DO(options_.files->write(file->handle.get(), bytes, region.offset + position));
    const std::lock_guard lock(mutex_);
    MAIL_DO(usable());
    file->written = std::chrono::steady_clock::now();
    if (!std::exchange(file->dirty, true))
        dirty_.push_back(file);
    return {};
}

Result<SpooledBytes> Segments::write(std::string_view bytes) {
    MAIL_TRY(const Region region, reserve(bytes.size()));
    if (auto written = write(region, 0, bytes); !written) {
        abandon(region);
        return fail(std::move(written).error());
    }
    return SpooledBytes{region.segment, region.offset, bytes.size(), crypto::crc32c(bytes), region.pin};
}

void Segments::abandon(const Region& region) {
    Region given = region;
    if (region.length == 0 || resize(given, 0) || region.length < smallest_hole)
        return;
    if (const auto file = file_of(region.segment))
        (void)::fallocate((*file)->handle.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(region.offset), static_cast<off_t>(region.length));
}

Result<void> Segments::sync() {
    const std::lock_guard one_at_a_time(sync_mutex_);
    std::vector<std::shared_ptr<File>> files;
    {
        const std::lock_guard lock(mutex_);
        MAIL_DO(usable());
        files.swap(dirty_);
        for (const auto& file : files)
            file->dirty = false;
    }
    const auto start = std::chrono::steady_clock::now();
    for (const auto& file : files) {
        ++syncs_;
        if (auto synced = options_.files->sync(file->handle.get()); !synced) {
            failed_ = true; // the kernel has dropped the pages: a second sync would lie
            return fail(ErrorCode::internal, std::move(synced).error().message, "check the disk");
        }
    }
    if (!files.empty()) {
        const auto took =
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
        const std::int64_t before = sync_time_;
        sync_time_ = before == 0 ? took.count() : (before * 7 + took.count()) / 8;
    }
    return {};
}

Result<std::shared_ptr<Segments::File>> Segments::file_of(std::uint32_t segment) {
    const std::lock_guard lock(mutex_);
    if (const auto open = files_.find(segment); open != files_.end())
        return open->second;
    auto file = std::make_shared<File>();
    file->number = segment;
    const std::string path = path_of(segment);
    file->handle = FileHandle(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!file->handle) {
        if (errno == ENOENT)
            return fail(ErrorCode::not_found, "the segment " + path + " does not exist");
        return file_failure("cannot open " + path, errno);
    }
    const off_t size = ::lseek(file->handle.get(), 0, SEEK_END);
    file->size = size < 0 ? 0 : static_cast<std::uint64_t>(size);
    if (files_.size() >= most_open_files)
        std::erase_if(files_, [&](const auto& f) {
            return f.second != current_ && !f.second->dirty && !f.second->pinned();
        });
    files_[segment] = file;
    return file;
}

Result<std::string> Segments::read(std::uint32_t segment, std::uint64_t offset, std::uint64_t length) {
    MAIL_TRY(const auto file, file_of(segment));
    return options_.files->read(file->handle.get(), offset, length);
}

bool Segments::holds(const SpooledBytes& bytes) {
    const auto file = file_of(bytes.segment);
    const std::lock_guard lock(mutex_);
    return file && bytes.offset + bytes.length <= (*file)->size;
}

bool Segments::is_sealed(std::uint32_t segment, std::chrono::steady_clock::duration quiet) {
    const std::lock_guard lock(mutex_);
    if ((current_ && current_->number == segment) || (next_ && next_->number == segment))
        return false;
    const auto open = files_.find(segment);
    return open == files_.end() ||
           (!open->second->dirty && !open->second->pinned() &&
            std::chrono::steady_clock::now() - open->second->written >= quiet);
}

bool Segments::exists(std::uint32_t segment) const {
    return ::access(path_of(segment).c_str(), F_OK) == 0;
}

Result<std::shared_ptr<const void>> Segments::pin(std::uint32_t segment) {
    for (;;) {
        MAIL_TRY(const auto file, file_of(segment));
        const std::lock_guard lock(mutex_);
        // Only the file that is known here is asked whether it is pinned.
        if (const auto open = files_.find(segment); open != files_.end() && open->second == file)
            return file->pin;
    }
}

Result<std::uint64_t> Segments::remove(std::uint32_t segment) {
    const std::lock_guard lock(mutex_);
    if (const auto open = files_.find(segment); open != files_.end()) {
        if (open->second->pinned())
            return std::uint64_t{0};
        files_.erase(open);
    }
    const std::string path = path_of(segment);
    struct stat info {};
    const bool known = ::stat(path.c_str(), &info) == 0;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return file_failure("cannot remove " + path, errno);
    return known ? static_cast<std::uint64_t>(info.st_blocks) * 512 : 0;
}

} // namespace mail::store
