#include "maild/store/recovery_rules.hpp"

#include "maild/store/rules.hpp"

#include <algorithm>

namespace mail::store {

AccountAges ages_of(const Maintenance& what, std::string_view name, const AccountKeeping& keeping, Time now) {
    AccountAges ages{what.recoverable_before, what.recoverable_bytes, what.removed_before};
    const std::string_view domain = name.substr(std::min(name.rfind('@'), name.size() - 1) + 1);
    for (const Maintenance::DomainAge& own : what.domains) {
        if (own.domain != domain)
            continue;
        if (own.recoverable != Duration::zero())
            ages.recoverable_before = now - own.recoverable;
        if (own.removed != Duration::zero())
            ages.removed_before = now - own.removed;
    }
    if (keeping.recoverable != Duration::zero())
        ages.recoverable_before = now - keeping.recoverable;
    if (keeping.recoverable_bytes != 0)
        ages.recoverable_bytes = keeping.recoverable_bytes;
    return ages;
}

Time latest_removal(const Maintenance& what, Time now) {
    Time latest = what.removed_before;
    for (const Maintenance::DomainAge& own : what.domains)
        if (own.removed != Duration::zero())
            latest = std::max(latest, now - own.removed);
    return latest;
}

std::vector<std::string> parents_of(std::string_view name) {
    std::vector<std::string> parents;
    for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1))
        parents.emplace_back(name.substr(0, slash));
    return parents;
}

SpecialUse default_use(std::string_view name) noexcept {
    for (const DefaultFolder& folder : default_folders())
        if (folder.name == name)
            return folder.special_use;
    return SpecialUse::none;
}

} // namespace mail::store
