#include "maild/queue/work_journal.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mail::queue {
namespace {
constexpr std::size_t slot_count = 8192; ///< what is beyond it goes unmarked
constexpr std::size_t file_bytes = slot_count * sizeof(store::QueueId);
} // namespace

Result<std::unique_ptr<WorkJournal>> WorkJournal::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(ErrorCode::temporary, "cannot open " + path + ": " + std::strerror(errno));
    // posix_fallocate, not ftruncate: a full disk must not show up as a bus error later.
    const int failed = ::posix_fallocate(fd, 0, static_cast<off_t>(file_bytes));
    void* mapped = failed == 0 ? ::mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    const int error = failed != 0 ? failed : errno;
    ::close(fd);
    if (mapped == MAP_FAILED)
        return fail(ErrorCode::temporary, "cannot map " + path + ": " + std::strerror(error));
    return std::unique_ptr<WorkJournal>(new WorkJournal(static_cast<store::QueueId*>(mapped)));
}

WorkJournal::WorkJournal(store::QueueId* slots) : slots_(slots) {
    free_.reserve(slot_count);
    for (std::size_t i = slot_count; i-- > 0;)
        free_.push_back(i);
}

WorkJournal::~WorkJournal() { ::munmap(slots_, file_bytes); }

std::vector<store::QueueId> WorkJournal::take_left() {
    std::vector<store::QueueId> left;
    for (std::size_t i = 0; i < slot_count; ++i) {
        if (slots_[i] > 0)
            left.push_back(slots_[i]);
        slots_[i] = 0;
    }
    return left;
}

WorkJournal::Mark::Mark(WorkJournal* journal, std::span<const store::QueueItem> items) : journal_(journal) {
    if (journal_ == nullptr)
        return;
    slots_.reserve(items.size());
    const std::lock_guard lock(journal_->mutex_);
    for (const store::QueueItem& item : items) {
        if (journal_->free_.empty())
            break;
        slots_.push_back(journal_->free_.back());
        journal_->free_.pop_back();
        journal_->slots_[slots_.back()] = item.id;
    }
}

WorkJournal::Mark::~Mark() {
    if (journal_ == nullptr)
        return;
    const std::lock_guard lock(journal_->mutex_);
    for (const std::size_t slot : slots_) {
        journal_->slots_[slot] = 0;
        journal_->free_.push_back(slot);
    }
}

} // namespace mail::queue
