// Sizes with units, both ways. Powers of 1024: KiB MiB GiB TiB (also K M G T), powers of 1000: kB MB GB TB; a
// bare number and "B" are bytes. Case of the letters does not matter; fractions are refused. Durations:
// common/base/time.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::schema {

/// Nullopt on anything else, and beyond 2^62.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// The shortest exact form: "2GiB", "10MB", "1234567".
[[nodiscard]] std::string format_size(std::uint64_t bytes);
/// For people, rounded to three digits: "1.95 GiB".
[[nodiscard]] std::string humane_size(std::uint64_t bytes);

} // namespace mail::schema
