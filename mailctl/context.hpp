// Which server a command talks to: a local socket, or one behind ssh. Called once, before the first request.
// ssh://[user@]host[:port][/path/of/admin.sock] runs ssh with a forwarded socket in a private folder; identity and
// permissions are those of the account on the other side. The tunnel ends with the object.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace mail::mailctl {

inline constexpr std::string_view default_socket = "/run/maild/admin.sock";

/// What --host says, taken apart.
struct RemoteHost {
    std::string destination; ///< "root@mx1", as ssh takes it
    std::string port;        ///< may be empty
    std::string socket = std::string(default_socket);
};
/// Errors: usage. Nothing that ssh could take for an option gets through.
[[nodiscard]] Result<RemoteHost> parse_remote(const std::string& url);

class Tunnel {
  public:
    Tunnel() = default;
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;
    ~Tunnel();
    /// Starts ssh and waits until the local socket is there. Errors: unavailable. Returns the local path.
    [[nodiscard]] Result<std::string> open(const RemoteHost& remote, Duration patience);

  private:
    [[nodiscard]] bool has_ended();

    pid_t ssh_ = -1;
    std::string folder_;
};

} // namespace mail::mailctl
