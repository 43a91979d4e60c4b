// Memory streams: two connected ends without a socket, for unit tests, transcripts and fuzz targets. Both ends live on
// one executor. Bounded like a socket buffer: a writer waits while the other end does not read.
// start_tls exchanges nothing: it sets a made-up TlsInfo, so that sessions can be tested past STARTTLS. Tests only.
#pragma once

#include "common/net/stream.hpp"

#include <functional>
#include <utility>

namespace mail::net {

struct MemoryOptions {
    std::size_t capacity = 65536; ///< bytes in flight per direction
    /// Most bytes the next read of the first end may return; empty: no cut. 0 counts as 1.
    std::function<std::size_t()> chunk;
    std::string peer_address = "127.0.0.1"; ///< what the first end's peer().address says
};

/// The first end is the server's. Dropping an end closes it: the other reads what is left, then the end.
[[nodiscard]] std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_memory_pair(MemoryOptions options = {});

/// A stream whose input is fixed and whose output is kept: no executor is needed beyond the caller's; for fuzz targets.
/// After `input` a read reports the clean end. `output` may be null.
[[nodiscard]] std::unique_ptr<Stream> make_script_stream(std::string input, std::string* output,
                                                         std::function<std::size_t()> chunk = {});

} // namespace mail::net
