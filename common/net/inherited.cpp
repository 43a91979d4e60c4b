#include "common/net/inherited.hpp"

#include "common/base/text.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mail::net {
namespace {

constexpr int first_fd = 3; // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr int most_sockets = 1000;

BindAddress address_of(int fd) {
    sockaddr_storage raw{};
    socklen_t size = sizeof raw;
    BindAddress out;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) != 0)
        return out;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (raw.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &raw, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        out = {BindKind::tcp4, text.data(), ntohs(v4.sin_port), -1};
    } else if (raw.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &raw, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        out = {BindKind::tcp6, text.data(), ntohs(v6.sin6_port), -1};
    } else if (raw.ss_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
        sockaddr_un local{};
        std::memcpy(&local, &raw, sizeof local);
        const std::size_t length = std::min<std::size_t>(size - offsetof(sockaddr_un, sun_path), sizeof local.sun_path);
        out = {BindKind::unix_socket, std::string(local.sun_path, ::strnlen(local.sun_path, length)), 0, -1};
    }
    return out;
}

int option(int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : 0;
}

std::string taken_variable(const char* name) {
    const char* value = ::getenv(name);
    std::string out = value != nullptr ? value : "";
    ::unsetenv(name);
    return out;
}

BindAddress by_number(int fd) { return {BindKind::inherited, {}, 0, fd}; }

} // namespace

InheritedSockets::Socket::Socket(int number, std::string title)
    : fd(number), name(std::move(title)), address(address_of(number)),
      takes_ipv4(address.kind == BindKind::tcp6 && address.address == "::" && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0) {}

InheritedSockets::InheritedSockets() {
    const auto process = text::number<int>(taken_variable("LISTEN_PID"));
    const auto count = text::number<int>(taken_variable("LISTEN_FDS"));
    const std::string names = taken_variable("LISTEN_FDNAMES");
    if (!process || *process != ::getpid() || !count || *count < 1 || *count > most_sockets)
        return;
    std::string_view rest = names;
    for (int fd = first_fd; fd < first_fd + *count; ++fd) {
        const std::size_t colon = rest.find(':');
        const std::string_view name = rest.substr(0, colon);
        rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
            sockets_.emplace_back(fd, std::string(name));
    }
}

InheritedSockets::~InheritedSockets() {
    for (const auto& socket : sockets_)
        ::close(socket.fd);
}

const InheritedSockets::Socket* InheritedSockets::bound_to(const BindAddress& address) const {
    for (const auto& socket : sockets_) {
        const bool dual = socket.takes_ipv4 && address.kind == BindKind::tcp4 && address.address == "0.0.0.0" &&
                          address.port == socket.address.port;
        const bool named = !socket.address.address.empty() &&
                           (socket.address.port != 0 || socket.address.kind == BindKind::unix_socket);
        if ((named && socket.address == address) || dual)
            return &socket;
    }
    return nullptr;
}

Result<std::vector<BindAddress>> InheritedSockets::choose(const std::vector<BindAddress>& wanted) const {
    std::vector<BindAddress> out;
    const auto add = [&out](const BindAddress& address) {
        for (const auto& present : out)
            if (present == address)
                return;
        out.push_back(address);
    };
    for (const auto& address : wanted) {
        if (address.kind == BindKind::inherited && address.fd < 0) {
            bool found = false;
            for (const auto& socket : sockets_)
                if (socket.name == address.address) {
                    add(by_number(socket.fd));
                    found = true;
                }
            if (!found)
                return fail(ErrorCode::invalid, "no socket named " + address.address + " was passed to maild",
                            "name it by FileDescriptorName= in the .socket unit");
        } else if (const auto* socket = bound_to(address)) {
            add(by_number(socket->fd));
        } else {
            add(address);
        }
    }
    return out;
}

Result<int> InheritedSockets::duplicate(int fd) const {
    for (const auto& socket : sockets_) {
        if (socket.fd != fd)
            continue;
        if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0 || option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
            return fail(ErrorCode::invalid, "fd:" + std::to_string(fd) + " is no listening stream socket",
                        "check the .socket unit");
        const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_fd);
        if (copy < 0)
            return fail(ErrorCode::temporary, std::string("cannot use the inherited socket: ") + std::strerror(errno));
        ::fcntl(copy, F_SETFL, ::fcntl(copy, F_GETFL) | O_NONBLOCK);
        socket.used = true;
        return copy;
    }
    return fail(ErrorCode::invalid, "fd:" + std::to_string(fd) + " was not passed to maild", "check the .socket unit");
}

std::vector<std::string> InheritedSockets::unused() const {
    std::vector<std::string> out;
    for (const auto& socket : sockets_)
        if (!socket.used)
            out.push_back("fd:" + std::to_string(socket.fd) + " (" + (socket.name.empty() ? "" : socket.name + ", ") +
                          socket.address.text() + ")");
    return out;
}

} // namespace mail::net
