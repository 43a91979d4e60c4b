// RecoveryStore: what expunge, retention and removal leave behind, and how it comes back. Part of store::Store; see there for
// promises and errors. Used by service/recovery and service/housekeeping. How long things stay is decided by
// Store::maintain, which honours holds inside the transaction that removes rows.
#pragma once

#include "common/async/task.hpp"
#include "maild/store/recovery_model.hpp"

namespace mail::store {

class RecoveryStore {
  public:
    virtual ~RecoveryStore() = default;
    [[nodiscard]] virtual Task<Result<std::vector<RecoverableItem>>> list(AccountId account, RecoverablePage page) = 0;
    [[nodiscard]] virtual Task<Result<RecoverableUse>> use(AccountId account) = 0;
    /// Items go back with flags (but for \Deleted, or the next EXPUNGE would take them again), keywords, internal date and
    /// prefix under new UIDs, in one transaction; an item comes back once, however often it is asked for. Errors: not_found
    /// (account, folder).
    [[nodiscard]] virtual Task<Result<RestoreReceipt>> restore(RestoreRequest request) = 0;
    /// What a rule would take from its folder, at most `limit`. Errors: not_found.
    [[nodiscard]] virtual Task<Result<OldItems>> old_items(AgeRule rule, std::size_t limit) = 0;
    /// One transaction. Errors: not_found.
    [[nodiscard]] virtual Task<Result<Expired>> expire(Expiry expiry) = 0;
    /// Removed accounts, the last removed first; `name` empty: all of them.
    [[nodiscard]] virtual Task<Result<std::vector<RemovedAccount>>> removed(std::string name) = 0;
};

} // namespace mail::store
