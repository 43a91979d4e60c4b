// Server: the composition root: builds the services, opens the store, applies documents, opens listeners and last the admin
// socket, and stops everything in reverse order. The only place that names concrete engines.
#pragma once

#include "maild/boot_config.hpp"

namespace mail {

/// `maild serve`: runs until SIGTERM or SIGINT. Returns the exit status: 0 stopped, 75 the store failed (restart me),
/// 78 configuration is at fault (nothing changed), 1 anything else. With boot.rescue, `maild rescue-admin`: the admin socket
/// alone until a signal, or the files of --apply and out.
[[nodiscard]] int serve(const BootConfig& boot);

} // namespace mail
