// Plan: what an apply would do, computed from the objects that exist and the documents desired, without doing
// it. Pure: the same view, documents and options give the same plan and hash, so that a plan reviewed is the
// plan applied. The server computes it for /v1/plan and again inside the transaction of /v1/apply; a single
// put or delete goes the same way.
#pragma once

#include "common/schema/document.hpp"
#include "common/schema/secrets.hpp"
#include "common/schema/view.hpp"

#include <boost/json/fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

/// reconnect: a create that gets what a removed object left behind; whoever asks for that makes it of a planned create.
enum class Action : std::uint8_t { none, adopt, create, update, replace, remove, reconnect };
/// "create", "delete" ...
[[nodiscard]] std::string_view action_name(Action action) noexcept;

struct FieldChange {
    std::string field;  ///< path within spec
    std::string before; ///< for people; empty: not set. "(changed)" on both sides of a secret
    std::string after;
    bool secret = false;
    bool operator==(const FieldChange&) const = default;
};

struct Operation {
    Action action = Action::none;
    std::string kind;
    std::string name;
    std::string set; ///< owner after the operation; empty: by hand
    std::string was; ///< of reconnect: the name it was removed by
    std::vector<FieldChange> changes;
    SpecPtr before;                     ///< null for create
    SpecPtr after;                      ///< settled; null for remove. Secrets may still need seal_secrets
    std::vector<std::string> addresses; ///< keys the object answers to afterwards
};

struct PlanOptions {
    std::string set = "default"; ///< empty: objects made by hand; whatever set an object has is kept
    bool prune = false;          ///< delete objects of `set` that no document names
    bool take_over = false;      ///< objects of other sets may be taken
    std::optional<std::size_t>
        max_deletes; ///< allows a prune above the guard: 10 objects, or 10 % of the set and more than one
    std::vector<std::pair<std::string, std::string>>
        removals; ///< (kind, name) to delete besides: a plain delete
};

struct Plan {
    std::vector<Operation> operations; ///< deletions first, referrers before what they refer to; then the
                                       ///< rest the other way round
    Issues issues;                     ///< errors: the plan may not be applied
    std::vector<std::string> effects;  ///< predictions in words
    std::uint64_t base_revision = 0;
    std::string hash; ///< of operations and base revision; 32 hex digits
    /// Anything but none and adopt.
    [[nodiscard]] bool has_changes() const noexcept;
    [[nodiscard]] std::size_t count(Action action) const noexcept;
};

[[nodiscard]] Plan compute_plan(const ResourceView& current, std::span<const Document> desired,
                                const PlanOptions& options, const SecretSealer& sealer,
                                Kinds kinds = all_kinds());

/// What Plan::hash is made of; changes with anything the plan would write.
[[nodiscard]] std::string hash_of(const Plan& plan, Kinds kinds = all_kinds());
/// {"plan_hash","base_revision","changed","operations":[{"action","kind","name","changes":[{"field","before","after"}],"was"}],"warnings",
/// "effects","summary":{"create":1,...}}; operations of action none are left out, "was" is there for reconnect. Without secrets.
[[nodiscard]] boost::json::object to_json(const Plan& plan);
/// Lines such as "+ mailbox ann@example.org", "~ mailbox ...", "    quota: 1GiB -> 2GiB"; "no changes" alone
/// when there are none. Ends in a line end.
[[nodiscard]] std::string to_text(const Plan& plan);

} // namespace mail::schema
