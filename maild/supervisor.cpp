#include "maild/supervisor.hpp"

#include "common/base/text.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mail {
namespace {

std::string taken_variable(const char* name) {
    const char* value = ::getenv(name);
    std::string out = value != nullptr ? value : "";
    ::unsetenv(name);
    return out;
}

} // namespace

Supervisor::Supervisor() {
    const std::string path = taken_variable("NOTIFY_SOCKET");
    const auto period = text::number<std::int64_t>(taken_variable("WATCHDOG_USEC"));
    const std::string process = taken_variable("WATCHDOG_PID");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@')
        address.sun_path[0] = '\0'; // the abstract name space
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ >= 0 && ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        ::close(socket_);
        socket_ = -1;
    }
    if (socket_ >= 0 && period && *period > 0 && (process.empty() || process == std::to_string(::getpid())))
        beat_ = std::chrono::microseconds(*period) / 2;
}

Supervisor::~Supervisor() {
    if (socket_ >= 0)
        ::close(socket_);
}

void Supervisor::reloading() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
    send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void Supervisor::send(std::string_view state) const {
    if (socket_ >= 0)
        (void)::send(socket_, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

} // namespace mail
