// RetentionRules: which rules (schema::Retention) say what of which folders of a mailbox. Asked by housekeeping, which makes
// them true, and by `mailctl retention test`, which only looks. Each rule stands for itself: where several fit, the shortest
// age counts.
#pragma once

#include "maild/service/directory.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/store/recovery_model.hpp"

namespace mail::service {

/// One rule on one folder.
struct RetentionCase {
    std::string rule;
    std::string folder;
    store::AgeRule age;
    bool for_good = false;
};

class RetentionRules {
  public:
    RetentionRules(std::shared_ptr<const ConfigSnapshot> config, Directory& directory)
        : config_(std::move(config)), directory_(directory) {}

    /// Whether any rule is in force.
    [[nodiscard]] bool any() const;
    /// The shortest age of a rule in force; nullopt: there is none.
    [[nodiscard]] std::optional<Duration> shortest() const;
    /// What applies to the mailbox at `now`; `folders` are all of its own.
    [[nodiscard]] std::vector<RetentionCase> cases(const Mailbox& mailbox, const std::vector<store::Folder>& folders, Time now) const;

  private:
    std::shared_ptr<const ConfigSnapshot> config_;
    Directory& directory_;
};

} // namespace mail::service
