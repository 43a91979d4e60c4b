// What maild may do: it becomes its own user before it opens the store or binds, keeping CAP_NET_BIND_SERVICE alone.
#pragma once

#include "common/base/result.hpp"

#include <string>

namespace mail {

/// Started as root: becomes `user`, or the owner of `data_dir` when empty, with one capability left. When that owner is
/// root it stays uid 0 with that one capability. Not root: nothing changes. Sets no_new_privs, no core files, umask 077,
/// ignores SIGPIPE and SIGXFSZ. Single-threaded, at the very start. Returns what maild runs as, in words.
/// When root is given up and the folder of `socket` is absent (a fresh /run without a service manager), it is made for the
/// new user first.
[[nodiscard]] Result<std::string> drop_privileges(const std::string& user, const std::string& data_dir,
                                                  const std::string& socket = {});

} // namespace mail
