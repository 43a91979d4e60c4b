// Store: everything that must survive. Interfaces that an embedded engine (store/sqlite), an in-memory one
// (store/memory) and later a distributed one implement; the same tests run on all of them. Used only by
// service/*.
//
// Promises: a call that changes something returns after the change is durable, all of it or nothing; changes
// of one account commit in modseq order; UIDs and ids are never reused. Errors: no_space (the disk is full;
// nothing changed), over_quota, not_found, conflict, stale, temporary (try again), internal. Thread-safe;
// coroutines resume on the caller's own executor. Small reads may run on the calling thread.
#pragma once

#include "maild/store/change_model.hpp"
#include "maild/store/mail_store.hpp"
#include "maild/store/maintenance.hpp"
#include "maild/store/queue_store.hpp"
#include "maild/store/recovery_store.hpp"
#include "maild/store/resource_store.hpp"
#include "maild/store/story_store.hpp"

#include <functional>

namespace mail::store {

class Store {
  public:
    virtual ~Store() = default;
    [[nodiscard]] virtual MailStore& mail() = 0;
    [[nodiscard]] virtual QueueStore& queue() = 0;
    [[nodiscard]] virtual ResourceStore& resources() = 0;
    [[nodiscard]] virtual MetaStore& meta() = 0;
    [[nodiscard]] virtual StoryStore& stories() = 0;
    [[nodiscard]] virtual RecoveryStore& recovery() = 0;
    /// Called after every commit, in commit order, on the engine's own thread: be quick, never call the
    /// store.
    virtual void on_commit(std::function<void(const Changes&)> listener) = 0;
    /// Called once when the store can no longer write (fsync or I/O error).
    virtual void on_failure(std::function<void(const Error&)> listener) = 0;
    [[nodiscard]] virtual StoreStats stats() const = 0;
    /// One bounded turn of housekeeping: recoverable items, removed accounts and stories whose time has come, segments without
    /// live bytes, compaction of thin ones. An account's hold and age are read in the transaction that removes its rows.
    /// Errors: no_space also when compaction has no room for its copies.
    [[nodiscard]] virtual Task<Result<Maintained>> maintain(Maintenance what) = 0;
    [[nodiscard]] virtual Task<Result<SpaceReport>> space(unsigned compact_percent) = 0;
    /// Finishes what was handed in and closes; later calls fail with closed.
    virtual void close() = 0;
};

} // namespace mail::store
