// fill_within: the one way in which sessions wait for a client that may be hurried. From the moment its listener is overloaded
// a wait that has lasted limit::overload_seconds ends, also one that began before, so that silent clients make room for
// others. Used by SMTP at all times, by IMAP and POP3 before sign-in.
#pragma once

#include "common/base/time.hpp"
#include "common/net/reader.hpp"

#include <functional>

namespace mail::net {

/// Reads once, as Reader::fill. Error: timeout after `patience`, or sooner while `is_overloaded` (empty: never) says so.
/// The stream's timeout is `patience` afterwards: writing the answer may take longer than a hurried wait. All arguments outlive it.
[[nodiscard]] Task<Result<bool>> fill_within(Stream& stream, Reader& reader, Duration patience,
                                             const std::function<bool()>& is_overloaded, std::size_t want = 16384);

} // namespace mail::net
