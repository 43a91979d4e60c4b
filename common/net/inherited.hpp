// InheritedSockets: listening sockets that a supervisor bound and passed on (the LISTEN_FDS protocol of sd_listen_fds(3)).
// A listener uses one by number or name ("fd:3", "fd:imap"), or because it is bound to the very address the listener
// wants, so that a configuration works the same with and without a supervisor.
// The sockets stay open here for the life of the process: a listener gets a duplicate, and may be opened again. Immutable
// but for which were used; thread-safe.
#pragma once

#include "common/net/bind.hpp"

#include <atomic>
#include <deque>
#include <string>
#include <vector>

namespace mail::net {

class InheritedSockets {
  public:
    /// Takes what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES promise this process, and removes the variables. Call once,
    /// single-threaded, before anything else opens descriptors. Other processes' promises are ignored.
    InheritedSockets();
    ~InheritedSockets();
    InheritedSockets(const InheritedSockets&) = delete;
    InheritedSockets& operator=(const InheritedSockets&) = delete;

    /// What a listener is to open for `wanted` (of parse_bind): addresses that have a socket here become "fd:N".
    /// Errors: invalid when a number or name was not passed.
    [[nodiscard]] Result<std::vector<BindAddress>> choose(const std::vector<BindAddress>& wanted) const;
    /// A new descriptor for the socket `fd`, close-on-exec and non-blocking. Errors: invalid (not passed, or not listening).
    [[nodiscard]] Result<int> duplicate(int fd) const;
    /// Sockets that no duplicate() was made of, in words: "fd:4 (imap, 127.0.0.1:143)".
    [[nodiscard]] std::vector<std::string> unused() const;

  private:
    struct Socket {
        Socket(int number, std::string title);
        int fd;
        std::string name;    ///< of LISTEN_FDNAMES, or empty
        BindAddress address; ///< where it is bound
        bool takes_ipv4 = false; ///< an IPv6 wildcard that serves IPv4 too
        mutable std::atomic<bool> used{false};
    };
    [[nodiscard]] const Socket* bound_to(const BindAddress& address) const;
    std::deque<Socket> sockets_;
};

} // namespace mail::net
