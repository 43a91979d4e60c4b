// Supervisor: what maild tells the service manager that started it (sd_notify(3)): ready, reloading, stopping, alive. A
// datagram on the socket that NOTIFY_SOCKET names; without one nothing happens. Thread-safe after construction.
#pragma once

#include "common/base/time.hpp"

#include <string>
#include <string_view>

namespace mail {

class Supervisor {
  public:
    /// Reads and removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; single-threaded, as root if at all.
    Supervisor();
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    void ready() const { send("READY=1\nSTATUS=Serving mail"); }
    void reloading() const;
    void stopping() const { send("STOPPING=1\nSTATUS=Letting sessions finish"); }
    void alive() const { send("WATCHDOG=1"); }
    /// How often alive() is expected, halved to be on the safe side; zero: never.
    [[nodiscard]] Duration beat() const noexcept { return beat_; }

  private:
    void send(std::string_view state) const;
    int socket_ = -1; ///< connected
    Duration beat_{};
};

} // namespace mail
