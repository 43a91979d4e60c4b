// CRC-32C (Castagnoli) of stored bytes: finds bit flips and torn writes in segments and bodies; no protection against
// people. Uses the processor's instruction where there is one (about 8 GB/s), a table otherwise. Thread-safe, pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace mail::crypto {

/// Checksum of `data`; to go on over several pieces pass the value so far: crc32c(b, crc32c(a)) == crc32c(a + b).
[[nodiscard]] std::uint32_t crc32c(std::string_view data, std::uint32_t seed = 0) noexcept;
/// The portable way, for machines without the instruction and for tests.
[[nodiscard]] std::uint32_t crc32c_portable(std::string_view data, std::uint32_t seed = 0) noexcept;

} // namespace mail::crypto
