// The in-memory engine: the simplest thing that keeps the promises of store.hpp but survival. For tests of
// the protocols and for `maild simulate`. One mutex over everything; nothing is bounded but by what it is
// given.
#pragma once

#include "common/base/time.hpp"
#include "maild/store/store.hpp"

#include <memory>

namespace mail::store {

/// `clock` must outlive the store.
[[nodiscard]] std::unique_ptr<Store> open_memory(const Clock& clock);

} // namespace mail::store
