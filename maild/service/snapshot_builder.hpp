// SnapshotBuilder: a folder's first snapshot, made of its listing while the store reads it, on the store's thread. Used by Mailboxes.
#pragma once

#include "maild/service/folder_snapshot.hpp"
#include "maild/store/store.hpp"

namespace mail::service {

class SnapshotBuilder final : public store::ListingSink {
  public:
    void begin(const store::Folder& folder) override { snapshot_ = FolderSnapshot::build(folder, {}); }
    void add(std::span<const store::ItemRow> items) override { FolderSnapshot::append(*snapshot_, items); }
    /// Once, after a scan that went well.
    [[nodiscard]] SnapshotPtr finish() { return std::move(snapshot_); }

  private:
    std::shared_ptr<FolderSnapshot> snapshot_;
};

} // namespace mail::service
