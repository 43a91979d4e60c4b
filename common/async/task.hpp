// Task<T>: the coroutine type of the house. Asio's awaitable under a name of ours; the only Asio header that other
// folders see. Allowed shapes on g++ 12: `co_await f(args);`, `auto x = co_await f(args);`, `co_return co_await f(args);`.
#pragma once

#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

namespace mail {

template <class T = void> using Task = boost::asio::awaitable<T>;

} // namespace mail
