// Offline jobs on a store that no maild serves: check, migrate.
#pragma once

#include "maild/boot_config.hpp"

namespace mail {

/// Every row has its bytes, every checksum holds, counters agree. Prints what it found; 0 only when all is well.
[[nodiscard]] int check(const BootConfig& boot);
/// Brings the store to this version; maild serve does the same at its start.
[[nodiscard]] int migrate(const BootConfig& boot);

} // namespace mail
