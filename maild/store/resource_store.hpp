// ResourceStore: the configuration, its addresses and the history of who changed or did what; MetaStore: marks beside it. Parts
// of store::Store; see there for promises and errors that all calls share.
#pragma once

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "maild/store/resource_model.hpp"

namespace mail::store {

class ResourceStore {
  public:
    virtual ~ResourceStore() = default;
    [[nodiscard]] virtual Task<Result<std::uint64_t>> revision() = 0;
    [[nodiscard]] virtual Task<Result<Resource>> get(std::string_view kind, std::string_view name) = 0;
    [[nodiscard]] virtual Task<Result<std::vector<Resource>>> list(ResourcePage page) = 0;
    [[nodiscard]] virtual Task<Result<AddressEntry>> find_address(std::string_view key) = 0;
    /// Writes rows, index rows, accounts, history and the new revision. Errors: stale, conflict (address
    /// taken).
    [[nodiscard]] virtual Task<Result<std::uint64_t>> apply(ResourceBatch batch) = 0;
    /// The newest first.
    [[nodiscard]] virtual Task<Result<std::vector<HistoryEntry>>> history(std::size_t limit) = 0;
    /// Puts into the history what changed no resource; its time is the store's. Number 0: a new entry, otherwise it takes
    /// the place of the entry that has this number, if that is still there and changed no resource either. Returns its number.
    [[nodiscard]] virtual Task<Result<std::uint64_t>> record(HistoryEntry entry) = 0;
    /// Hash of the documents last applied by `maild serve --apply`.
    [[nodiscard]] virtual Task<Result<std::string>> applied_hash() = 0;
    /// The same reads without a coroutine, for hot paths (one indexed row, well under a millisecond).
    [[nodiscard]] virtual Result<AddressEntry> find_address_now(std::string_view key) = 0;
    [[nodiscard]] virtual Result<Resource> get_now(std::string_view kind, std::string_view name) = 0;
    [[nodiscard]] virtual Result<AccountId> find_account_now(std::string_view key) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> revision_now() = 0;
};

/// A small key/value corner for server secrets and marks (SCRAM key, node id).
class MetaStore {
  public:
    virtual ~MetaStore() = default;
    [[nodiscard]] virtual Result<std::string> meta(std::string_view key) = 0; ///< not_found
    [[nodiscard]] virtual Result<void> put_meta(std::string_view key, std::string_view value) = 0;
};

} // namespace mail::store
