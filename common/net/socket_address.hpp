// SocketAddress: a sockaddr of any family, for the sources of common/net.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace mail::net {

class SocketAddress {
  public:
    /// IPv4 or IPv6 text.
    [[nodiscard]] static std::optional<SocketAddress> numeric(std::string_view address, std::uint16_t port);
    [[nodiscard]] static std::optional<SocketAddress> unix_path(std::string_view path);
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const noexcept { return size_; }

  private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

} // namespace mail::net
