// AccessLists: the access lists of all shared folders, read from the store's attributes once and kept current by its commits;
// also who was given something, so that a listing of other people's folders costs no search. Used by Mailboxes alone.
// Thread-safe.
#pragma once

#include "common/async/task.hpp"
#include "maild/service/rights.hpp"
#include "maild/store/change_model.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace mail::store {
class MailStore;
}

namespace mail::service {

using AccessListPtr = std::shared_ptr<const AccessList>;

class AccessLists {
  public:
    explicit AccessLists(store::MailStore& store) : store_(store) {}

    /// Runs on the store's thread at every commit.
    void note(const store::Changes& changes);
    /// Never null: a folder that nobody shared has an empty list.
    [[nodiscard]] Task<Result<AccessListPtr>> of(store::FolderId folder);
    struct Granted {
        store::FolderId folder = 0;
        store::AccountId owner = 0;
    };
    /// Folders of others that `who` may look up, ordered by owner and number.
    [[nodiscard]] Task<Result<std::vector<Granted>>> granted(store::AccountId who);
    /// Makes `list` that of the folder; returns when it is durable and of() answers with it.
    [[nodiscard]] Task<Result<void>> put(store::AccountId owner, store::FolderId folder, AccessList list);

  private:
    struct Kept {
        store::AccountId owner = 0;
        AccessListPtr list;
    };
    struct Stale {
        store::AccountId owner = 0;
        std::uint64_t at = 0; ///< number of the change that made it so
    };
    [[nodiscard]] Task<Result<void>> load();
    [[nodiscard]] Task<Result<void>> refresh();
    void keep(store::AccountId owner, store::FolderId folder, AccessList list); ///< under the mutex

    store::MailStore& store_;
    std::mutex mutex_;
    bool loaded_ = false;
    std::uint64_t changes_ = 0;
    std::unordered_map<store::FolderId, Kept> lists_;
    std::unordered_map<store::AccountId, std::unordered_set<store::FolderId>> grants_; ///< by who is named
    std::unordered_map<store::FolderId, Stale> stale_;
};

} // namespace mail::service
