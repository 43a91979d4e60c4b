// A peer asks for the mail that waits for it (RFC 1985 ETRN): what was deferred is due now. What an administrator holds, and
// what its sender wants later, stays where it is.
#pragma once

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string>

namespace mail::store {
class QueueStore;
}

namespace mail::service {

/// `node`: a domain, "@domain" for everything below it too, or "#route". How many items are due now.
/// Errors: invalid (no domain), and those of the store.
[[nodiscard]] Task<Result<std::size_t>> call_queue(store::QueueStore& queue, std::string node, Time now);

} // namespace mail::service
