// Runs a task of the store to its end; a benchmark has no use for what fails.
#pragma once

#include "common/async/runtime.hpp"
#include "common/base/result.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace mail::bench {

template <class T> Task<void> keep(Task<T> task, T& result) {
    auto value = co_await std::move(task);
    result = std::move(value);
}

/// The result, which holds a value; prints the error and ends the program otherwise.
template <class T> Result<T> wait(Task<Result<T>> task) {
    Result<T> result;
    async::run_until_done(keep(std::move(task), result));
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
    return result;
}

} // namespace mail::bench
