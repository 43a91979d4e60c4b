// What must hold between the rows of a store, as a table: a query whose every row is one disagreement, told in its first
// column, and where it can be done without losing anything the statements that put it right. Used by `maild check`.
#pragma once

#include <span>

namespace mail::store::sqlite {

struct CheckRule {
    const char* name;
    const char* disagreements;
    const char* repair; ///< nullptr: a person must decide. Statements separated by ';'
};

/// In the order in which repairs build on one another: what belongs to nothing goes first, then counts are made anew.
[[nodiscard]] std::span<const CheckRule> check_rules() noexcept;

} // namespace mail::store::sqlite
