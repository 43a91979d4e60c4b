// Compression inside a connection (RFC 4978 COMPRESS=DEFLATE): a Stream whose bytes travel as raw DEFLATE (RFC 1951) through
// another one, TLS included. Every write leaves at once (a sync flush), so nothing waits for more text. Used by sessions that
// a client asked to compress. Memory is bounded: the windows of zlib and one small buffer, whatever the peer sends; a peer whose
// few bytes unpack to very many is cut off (limit::inflate_ratio). A stream at rest keeps only what the peer may still refer to:
// the last 32 KiB that it sent, or as much as there was.
#pragma once

#include "common/net/stream.hpp"

namespace mail::net {

/// Owns `inner`; everything but reading and writing goes straight to it. Null when there is no memory for the windows, and
/// `inner` is then left as it was.
[[nodiscard]] std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream>& inner);

} // namespace mail::net
