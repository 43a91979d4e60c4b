// The registry: every kind there is, in the order in which a person sets up a server. A new kind is one line
// in registry.cpp. Constant data; safe from any thread.
#pragma once

#include "common/schema/kind.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

using Kinds = std::span<const Kind* const>;

[[nodiscard]] Kinds all_kinds() noexcept;
/// By name or plural; null when there is none.
[[nodiscard]] const Kind* find_kind(std::string_view name_or_plural, Kinds kinds = all_kinds()) noexcept;
/// The same; the error (not_found) names the nearest kind.
[[nodiscard]] Result<const Kind*> need_kind(std::string_view name_or_plural, Kinds kinds = all_kinds());
/// Kinds so that each comes after the kinds it refers to.
[[nodiscard]] std::vector<const Kind*> in_reference_order(Kinds kinds = all_kinds());

} // namespace mail::schema
