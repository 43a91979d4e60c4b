// BootConfig: the little that is needed before the store opens, from the command line and --config FILE. Everything else
// is a resource in the store.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mail {

struct BootConfig {
    std::string data_dir = "/var/lib/maild";
    std::string socket;             ///< empty: /run/maild/admin.sock, or DIR/admin.sock with --data-dir
    std::string user;               ///< to become when started as root; empty: the owner of the data directory
    std::string store = "embedded"; ///< engine
    std::vector<std::string> apply; ///< --apply FILE, in order
    unsigned threads = 0;           ///< I/O threads; 0: as many as cores
    std::uint64_t segment_bytes = 0; ///< of a new segment file; 0: the engine's own size
    bool data_dir_given = false;
    bool repair = false; ///< `maild check --repair`
    bool rescue = false; ///< `maild rescue-admin`: the admin socket alone, or --apply and out

    [[nodiscard]] std::string socket_path() const;
};

/// Reads `maild serve`'s arguments; a --config file is read where it stands. Errors: usage, invalid (with FILE:LINE).
[[nodiscard]] Result<BootConfig> read_boot_config(const std::vector<std::string>& arguments);
/// "key: value" lines with # comments; keys data_dir, socket, user, store, segment_bytes, threads.
[[nodiscard]] Result<void> read_boot_file(const std::string& path, BootConfig& config);

} // namespace mail
