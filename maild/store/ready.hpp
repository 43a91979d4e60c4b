// A result that is there already, for the engines: what has nothing to wait for returns ready(result) instead of being a
// coroutine of its own, each of which costs the compiler as much as all else in its function. Unlike a coroutine's, the
// work is then done at the call, on the calling thread, and not at the co_await.
#pragma once

#include "common/async/task.hpp"

namespace mail::store {

template <class T> [[nodiscard]] Task<T> ready(T value) {
    co_return value;
}

} // namespace mail::store
