// OpenFolders: the table of folders that sessions hold open, each with its shared snapshot. Commits hand their changes to
// the entries concerned; current() folds them in. Large folders stay for a while after their last session, the most
// recently opened ones, so that opening one again reads nothing. Used by Mailboxes alone. Thread-safe.
#pragma once

#include "maild/service/folder_snapshot.hpp"
#include "maild/service/mailboxes.hpp"

#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace mail::service {

class OpenFolders : public std::enable_shared_from_this<OpenFolders> {
  public:
    class Entry;
    /// The entry of `folder`, made if nobody had it open. It collects changes from this moment on.
    [[nodiscard]] std::shared_ptr<Entry> enter(store::FolderId folder);
    /// Keeps a loaded entry warm when it is large: limit::warm_folder_items in all, the least recently opened go first.
    void keep(const std::shared_ptr<Entry>& entry);
    /// Runs on the store's thread.
    void note(const store::Changes& changes);
    /// Lets go of what is only kept warm; to be called before the table goes.
    void clear();

  private:
    struct Kept {
        std::shared_ptr<Entry> entry;
        std::size_t items = 0; ///< as it was opened last
    };
    using KeptList = std::list<Kept>;
    /// Moves what is too much to `out`; entries must be destroyed without the mutex. Under the mutex.
    void trim(KeptList& out);

    std::mutex mutex_;
    std::unordered_map<store::FolderId, std::weak_ptr<Entry>> entries_;
    KeptList kept_; ///< most recently opened first
    std::size_t kept_items_ = 0;
};

class OpenFolders::Entry final : public Mailboxes::OpenFolder {
  public:
    Entry(store::FolderId id, std::shared_ptr<OpenFolders> owner) : owner_(std::move(owner)), id_(id) {}
    ~Entry() override;
    [[nodiscard]] SnapshotPtr current() override;
    [[nodiscard]] store::FolderId id() const override { return id_; }
    [[nodiscard]] bool is_gone() const override;
    [[nodiscard]] bool loaded() const;
    /// The first snapshot, from a listing read after enter(); a second one is ignored.
    void load(SnapshotPtr snapshot);

  private:
    friend class OpenFolders;
    void fold(); ///< under the mutex
    std::shared_ptr<OpenFolders> owner_;
    store::FolderId id_;
    mutable std::mutex mutex_;
    SnapshotPtr snapshot_;
    std::vector<store::FolderChange> pending_;
    bool gone_ = false;
};

} // namespace mail::service
