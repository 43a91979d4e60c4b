// Rules about what is gone and can come back that every engine shares. Pure functions. Used by store/memory and
// store/sqlite.
#pragma once

#include "maild/store/store.hpp"

namespace mail::store {

/// What maintenance asks of one account: the account's own word counts first, then its domain's, then that for all.
struct AccountAges {
    Time recoverable_before{};
    std::uint64_t recoverable_bytes = 0; ///< 0: no bound
    Time removed_before{};
};
[[nodiscard]] AccountAges ages_of(const Maintenance& what, std::string_view name, const AccountKeeping& keeping, Time now);
/// The latest removed_before of any account.
[[nodiscard]] Time latest_removal(const Maintenance& what, Time now);

/// The names above a folder, from the top: "a", "a/b" of "a/b/c".
[[nodiscard]] std::vector<std::string> parents_of(std::string_view name);
/// What a default folder of this name is for; none for other names.
[[nodiscard]] SpecialUse default_use(std::string_view name) noexcept;

} // namespace mail::store
