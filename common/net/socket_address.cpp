#include "common/net/socket_address.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace mail::net {

std::optional<SocketAddress> SocketAddress::numeric(std::string_view address, std::uint16_t port) {
    const std::string text(address);
    SocketAddress result;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&result.storage_, &v4, sizeof v4);
        result.size_ = sizeof v4;
        return result;
    }
    if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&result.storage_, &v6, sizeof v6);
        result.size_ = sizeof v6;
        return result;
    }
    return std::nullopt;
}

std::optional<SocketAddress> SocketAddress::unix_path(std::string_view path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != std::string_view::npos)
        return std::nullopt;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    SocketAddress result;
    std::memcpy(&result.storage_, &address, sizeof address);
    result.size_ = sizeof address;
    return result;
}

} // namespace mail::net
