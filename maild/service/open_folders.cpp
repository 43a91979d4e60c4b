#include "maild/service/open_folders.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <iterator>

namespace mail::service {
namespace {
// A session that asks for nothing for half an hour must not let changes pile up.
constexpr std::size_t pending_limit = 64;
// A smaller folder is read in less time than it takes to notice; keeping it would make every delivery to it dearer.
constexpr std::size_t worth_keeping = 1000;
} // namespace

std::shared_ptr<OpenFolders::Entry> OpenFolders::enter(store::FolderId folder) {
    const std::lock_guard lock(mutex_);
    auto& slot = entries_[folder];
    if (auto entry = slot.lock())
        return entry;
    auto entry = std::make_shared<Entry>(folder, shared_from_this());
    slot = entry;
    return entry;
}

OpenFolders::Entry::~Entry() {
    const std::lock_guard lock(owner_->mutex_);
    const auto it = owner_->entries_.find(id_);
    if (it != owner_->entries_.end() && it->second.expired()) // another session may have opened it again by now
        owner_->entries_.erase(it);
}

void OpenFolders::keep(const std::shared_ptr<Entry>& entry) {
    const std::size_t items = entry->current()->size();
    KeptList out;
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.entry == entry; });
    if (known != kept_.end()) {
        kept_items_ -= known->items;
        out.splice(out.end(), kept_, known);
    }
    if (items < worth_keeping)
        return;
    kept_.push_front({entry, items});
    kept_items_ += items;
    trim(out);
}

void OpenFolders::trim(KeptList& out) {
    while (kept_items_ > std::size_t{limit::warm_folder_items}) {
        kept_items_ -= kept_.back().items;
        out.splice(out.end(), kept_, std::prev(kept_.end()));
    }
}

void OpenFolders::clear() {
    KeptList out;
    const std::lock_guard lock(mutex_);
    out.swap(kept_);
    kept_items_ = 0;
}

void OpenFolders::note(const store::Changes& changes) {
    for (const auto& change : changes.folders) {
        std::shared_ptr<Entry> entry;
        {
            const std::lock_guard lock(mutex_);
            const auto it = entries_.find(change.folder);
            if (it != entries_.end())
                entry = it->second.lock();
        }
        if (!entry)
            continue;
        const std::lock_guard lock(entry->mutex_);
        entry->pending_.push_back(change);
        if (entry->pending_.size() >= pending_limit && entry->snapshot_)
            entry->fold();
        entry->gone_ = entry->gone_ || change.folder_deleted;
    }
}

void OpenFolders::Entry::fold() {
    if (!gone_)
        for (const auto& change : pending_)
            snapshot_ = FolderSnapshot::apply(snapshot_, change);
    pending_.clear();
}

SnapshotPtr OpenFolders::Entry::current() {
    const std::lock_guard lock(mutex_);
    fold();
    return snapshot_;
}

bool OpenFolders::Entry::is_gone() const {
    const std::lock_guard lock(mutex_);
    return gone_;
}

bool OpenFolders::Entry::loaded() const {
    const std::lock_guard lock(mutex_);
    return snapshot_ != nullptr;
}

void OpenFolders::Entry::load(SnapshotPtr snapshot) {
    const std::lock_guard lock(mutex_);
    if (!snapshot_)
        snapshot_ = std::move(snapshot);
}

} // namespace mail::service
