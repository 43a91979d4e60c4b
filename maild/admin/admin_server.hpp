// AdminServer: the admin socket: HTTP/1.1 and JSON on a Unix socket for mailctl and curl. Who asks is told by the kernel
// (SO_PEERCRED): root and the user maild runs as are owners; nobody else gets in.
#pragma once

#include "maild/admin/api.hpp"

#include <memory>
#include <string>

namespace mail::admin {

class AdminServer {
  public:
    AdminServer(async::Runtime& runtime, Services services);
    ~AdminServer();
    /// Makes the socket at `path` (mode 0660; its folder must be private). Errors: conflict (another maild listens).
    [[nodiscard]] Result<void> open(const std::string& path, const net::InheritedSockets* inherited = nullptr);
    /// Stops accepting, ends the connections.
    void close();

  private:
    static Task<void> serve(AdminServer* self, std::unique_ptr<net::Stream> stream);

    async::Runtime& runtime_;
    Services services_;
    std::unique_ptr<net::Listener> listener_;
    async::TaskGroup accepting_;
    async::TaskGroup connections_;
};

} // namespace mail::admin
