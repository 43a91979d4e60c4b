#include "common/schema/plan.hpp"

#include "common/base/text.hpp"
#include "common/schema/diff.hpp"
#include "common/schema/validate.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace mail::schema {

namespace json = boost::json;

std::string_view action_name(Action action) noexcept {
    switch (action) {
    case Action::none:
        return "none";
    case Action::adopt:
        return "adopt";
    case Action::create:
        return "create";
    case Action::update:
        return "update";
    case Action::replace:
        return "replace";
    case Action::remove:
        return "delete";
    case Action::reconnect:
        return "reconnect";
    }
    return "none";
}

bool Plan::has_changes() const noexcept {
    return std::any_of(operations.begin(), operations.end(), [](const Operation& o) {
        return o.action != Action::none && o.action != Action::adopt;
    });
}

std::size_t Plan::count(Action action) const noexcept {
    return static_cast<std::size_t>(std::count_if(operations.begin(), operations.end(),
                                                  [&](const Operation& o) { return o.action == action; }));
}

namespace {

using Name = std::pair<std::string, std::string>;

class Planner {
  public:
    Planner(const ResourceView& current, const PlanOptions& options, const SecretSealer& sealer, Kinds kinds,
            Plan& plan)
        : current_(current), options_(options), sealer_(sealer), kinds_(kinds), plan_(plan),
          whole_(current, kinds) {}

    void run(std::span<const Document> desired) {
        plan_.base_revision = current_.revision();
        check_duplicates(desired, plan_.issues);
        for (const auto& document : desired)
            if (desired_.emplace(document.kind, document.name).second)
                want(document);
        for (const auto& [kind, name] : options_.removals)
            remove_one(kind, name);
        if (options_.prune)
            prune();
        validate();
        locate(plan_.issues, desired);
        order();
        predict();
    }

  private:
    Issue& fault(std::string_view kind, std::string_view name, std::string message, std::string hint = {}) {
        Issue& issue = report(plan_.issues, {}, std::move(message), std::move(hint));
        issue.kind = kind;
        issue.name = name;
        issue.code = ErrorCode::conflict;
        return issue;
    }

    /// The set that owns the object afterwards; a fault when it may not be taken.
    std::string owner_after(const Document& document, const std::optional<Current>& before) {
        if (options_.set.empty())
            return before ? before->set : std::string{};
        if (before && !before->set.empty() && before->set != options_.set && !options_.take_over)
            fault(document.kind, document.name, "belongs to set " + before->set, "take it with --take-over");
        return options_.set;
    }

    void want(const Document& document) {
        const Kind* kind = find_kind(document.kind, kinds_);
        if (kind == nullptr) {
            fault(document.kind, document.name, "there is no such kind").code = ErrorCode::invalid;
            return;
        }
        const auto before = current_.find(document.kind, document.name);
        const json::object* before_spec = before ? before->spec.get() : nullptr;
        Operation operation;
        operation.kind = document.kind;
        operation.name = document.name;
        operation.set = owner_after(document, before);
        operation.after = std::make_shared<const json::object>(
            settle(*kind, document.name, *document.spec, before_spec, sealer_, plan_.issues));
        operation.changes = diff(*kind, before_spec, operation.after.get());
        operation.addresses = addresses_of(*kind, document.name, *operation.after);
        if (before)
            operation.before = before->spec;
        if (!before)
            operation.action = Action::create;
        else if (!operation.changes.empty())
            operation.action = touches_immutable(*kind, operation.changes) ? Action::replace : Action::update;
        else
            operation.action = before->set != operation.set ? Action::adopt : Action::none;
        whole_.put({operation.kind, operation.name, operation.after, operation.set});
        if (before)
            release(*kind, *before);
        plan_.operations.push_back(std::move(operation));
    }

    void release(const Kind& kind, const Current& before) {
        for (auto& key : addresses_of(kind, before.name, *before.spec))
            released_.insert(std::move(key));
    }

    void remove_one(const std::string& kind_name, const std::string& name) {
        const auto before = current_.find(kind_name, name);
        if (before)
            return remove(*before);
        const std::string near = nearest_name(current_, kind_name, name);
        fault(kind_name, name, "does not exist", near.empty() ? std::string{} : "did you mean " + near + "?")
            .code = ErrorCode::not_found;
    }

    void remove(const Current& before) {
        const Kind* kind = find_kind(before.kind, kinds_);
        if (kind == nullptr || !removed_.objects.emplace(before.kind, before.name).second)
            return;
        Operation operation;
        operation.action = Action::remove;
        operation.kind = before.kind;
        operation.name = before.name;
        operation.set = before.set;
        operation.before = before.spec;
        whole_.remove(before.kind, before.name);
        release(*kind, before);
        plan_.operations.push_back(std::move(operation));
    }

    void prune() {
        if (options_.set.empty())
            return;
        std::size_t members = 0;
        std::vector<Current> gone;
        for (const Kind* kind : kinds_)
            current_.each(kind->name, [&](const Current& object) {
                if (object.set != options_.set)
                    return true;
                ++members;
                if (!desired_.contains({object.kind, object.name}))
                    gone.push_back(object);
                return true;
            });
        // A file that lost its users must not take the users with it: above 10 objects, or above a tenth of
        // the set when it is more than one object, only a number that was asked for is deleted.
        const bool is_large = gone.size() > 10 || (gone.size() > 1 && gone.size() * 10 > members);
        if (options_.max_deletes ? gone.size() > *options_.max_deletes : is_large)
            fault({}, {},
                  "prune would delete " + std::to_string(gone.size()) + " of " + std::to_string(members) +
                      " objects of set " + options_.set,
                  "allow it with --max-deletes " + std::to_string(gone.size()));
        for (const auto& object : gone)
            remove(object);
    }

    void validate() {
        for (const auto& operation : plan_.operations) {
            const Kind* kind = find_kind(operation.kind, kinds_);
            if (operation.action == Action::remove || kind == nullptr || plan_.issues.size() >= most_issues)
                continue;
            check_object(*kind, {operation.kind, operation.name, operation.after, operation.set}, whole_,
                         plan_.issues, kinds_);
        }
        for (const auto& key : released_)
            if (!whole_.find_address(key))
                removed_.addresses.insert(key);
        check_removals(removed_, whole_, plan_.issues, kinds_);
    }

    void order() {
        std::map<std::string, int, std::less<>> ranks;
        for (const Kind* kind : in_reference_order(kinds_))
            ranks.emplace(kind->name, static_cast<int>(ranks.size()));
        std::sort(plan_.operations.begin(), plan_.operations.end(),
                  [&](const Operation& a, const Operation& b) {
                      const bool a_goes = a.action == Action::remove;
                      const bool b_goes = b.action == Action::remove;
                      if (a_goes != b_goes)
                          return a_goes;
                      const auto key = [&](const Operation& o) {
                          return std::tuple(ranks[o.kind], std::string_view(o.name));
                      };
                      return a_goes ? key(b) < key(a) : key(a) < key(b);
                  });
    }

    void predict() {
        std::map<std::string_view, std::vector<std::string_view>> gone;
        for (const auto& operation : plan_.operations)
            if (operation.action == Action::remove)
                gone[operation.kind].push_back(operation.name);
        for (const Kind* kind : kinds_) {
            const auto found = gone.find(kind->name);
            if (found == gone.end() || kind->when_deleted.empty())
                continue;
            const auto& names = found->second;
            std::string who = names.size() == 1
                                  ? std::string(kind->name) + " " + std::string(names.front())
                                  : std::to_string(names.size()) + " " + std::string(kind->plural);
            plan_.effects.push_back(who + ": " + std::string(kind->when_deleted));
        }
    }

    const ResourceView& current_;
    const PlanOptions& options_;
    const SecretSealer& sealer_;
    Kinds kinds_;
    Plan& plan_;
    OverlayView whole_;
    std::set<Name> desired_;
    std::set<std::string> released_;
    Removals removed_;
};

} // namespace

Plan compute_plan(const ResourceView& current, std::span<const Document> desired, const PlanOptions& options,
                  const SecretSealer& sealer, Kinds kinds) {
    Plan plan;
    Planner(current, options, sealer, kinds, plan).run(desired);
    plan.hash = hash_of(plan, kinds);
    return plan;
}

} // namespace mail::schema
