// Outgoing connections. Numeric addresses only: names go through dns.hpp first, so that nothing here blocks.
// The stream belongs to the caller's executor.
#pragma once

#include "common/net/stream.hpp"

namespace mail::net {

/// Connects within `timeout`. `source`: own address to connect from, empty for the system's choice.
/// Errors: timeout, unavailable (refused, no route), invalid (not a numeric address).
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_tcp(std::string address, std::uint16_t port, Duration timeout,
                                                                std::string source = {});
/// Errors: not_found (no such socket), denied, unavailable (nobody listens), timeout.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_unix(std::string path, Duration timeout);

} // namespace mail::net
