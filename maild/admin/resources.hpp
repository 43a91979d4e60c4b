// Resources: the one way configuration changes. Every put, delete, plan and apply, from the admin socket or from
// `maild serve --apply`, becomes documents, a plan computed against the store, and one transaction. Thread-safe; planning
// and password hashing run on the worker pool.
#pragma once

#include "common/async/runtime.hpp"
#include "common/schema/document.hpp"
#include "common/schema/plan.hpp"
#include "maild/store/store.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mail::admin {

struct ChangeRequest {
    std::vector<schema::Document> documents;
    schema::PlanOptions options;
    std::string plan_hash;  ///< not empty: only this very plan may be applied
    std::string actor;      ///< for the history: "uid:0"
    std::string applied_hash; ///< remembered with the transaction (maild serve --apply)
    bool dry_run = false;
    bool only_create = false;   ///< conflict when the object exists
    bool only_update = false;   ///< not_found when it does not
    store::AccountId reconnect = 0; ///< the one object gets this removed account instead of a new one
    std::string was;                ///< the name that account was removed by
    std::optional<std::uint64_t> if_version; ///< stale when the one object has another version
};

struct ChangeOutcome {
    schema::Plan plan;
    std::uint64_t revision = 0; ///< after the transaction; unchanged when there was nothing to do
    bool applied = false;
};

/// Why a change was not made; `issues` has every fault found in the documents.
struct ChangeFailure {
    Error error;
    schema::Issues issues;
    bool stale_plan = false;
};

class Resources {
  public:
    /// `settle` returns once a revision is in force (listeners open, sessions ended).
    Resources(store::Store& store, async::WorkerPool& pool, std::function<Task<void>(std::uint64_t)> settle);
    ~Resources();
    /// Makes or reads the key of the fingerprints that tell equal passwords apart from new ones.
    [[nodiscard]] Result<void> open();

    /// Plans and, unless dry_run, applies. The failure is in `why` when the Result is an error.
    [[nodiscard]] Task<Result<ChangeOutcome>> change(ChangeRequest request, ChangeFailure& why);

    /// An object as `show -o json` prints it.
    [[nodiscard]] Task<Result<boost::json::object>> show(const schema::Kind& kind, std::string name);
    /// The same for a row.
    [[nodiscard]] boost::json::object describe(const schema::Kind& kind, const store::Resource& row) const;
    [[nodiscard]] Task<Result<std::vector<store::Resource>>> rows(store::ResourcePage page);
    [[nodiscard]] Task<Result<boost::json::object>> export_documents(std::string kind, std::string set);
    [[nodiscard]] Task<Result<boost::json::object>> history(std::size_t limit);

    /// Applies YAML files as `mailctl apply --yes` does, unless their hash is that of the last time. Returns whether
    /// anything was done; the error's message lists every fault as FILE:LINE:COLUMN lines.
    /// For a rescue they are applied in any case and their hash is not kept, so that the next start does not undo them.
    [[nodiscard]] Task<Result<bool>> apply_files(std::vector<std::string> paths, bool rescue = false);

  private:
    class View;
    class Sealer;
    struct Prepared;
    [[nodiscard]] Result<Prepared> prepare(const ChangeRequest& request, ChangeFailure& why) const;

    store::Store& store_;
    async::WorkerPool& pool_;
    std::function<Task<void>(std::uint64_t)> settle_;
    std::unique_ptr<Sealer> sealer_;
};

/// {"kind","name","path","code","message","hint","severity"} per issue.
[[nodiscard]] boost::json::array issues_json(const schema::Issues& issues);

} // namespace mail::admin
