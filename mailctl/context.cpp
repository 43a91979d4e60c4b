#include "mailctl/context.hpp"

#include "common/base/text.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mail::mailctl {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(20);

/// A host, user or port as ssh takes it: nothing it could read as an option or a shell could split.
bool is_word(std::string_view text) {
    for (const char c : text)
        if (!text::is_alnum(c) && std::string_view("._-@[]:%").find(c) == std::string_view::npos)
            return false;
    return !text.empty() && text.front() != '-' && text.find("@-") == std::string_view::npos;
}

} // namespace

Result<RemoteHost> parse_remote(const std::string& url) {
    constexpr std::string_view scheme = "ssh://";
    const auto refuse = [&] {
        return fail(ErrorCode::usage, "--host cannot be " + text::escape(url, 100),
                    "write ssh://[user@]host[:port][/path/of/admin.sock] or unix:/path/of/admin.sock");
    };
    if (!url.starts_with(scheme))
        return refuse();
    RemoteHost remote;
    remote.destination = url.substr(scheme.size());
    if (const std::size_t slash = remote.destination.find('/'); slash != std::string::npos) {
        if (slash + 1 < remote.destination.size())
            remote.socket = remote.destination.substr(slash);
        remote.destination.resize(slash);
    }
    // A colon after the last bracket is a port; within brackets it belongs to an IPv6 address.
    const std::size_t bracket = remote.destination.rfind(']');
    const std::size_t colon = remote.destination.rfind(':');
    if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
        remote.port = remote.destination.substr(colon + 1);
        remote.destination.resize(colon);
        if (!text::number<std::uint16_t>(remote.port))
            return refuse();
    }
    std::erase_if(remote.destination, [](char c) { return c == '[' || c == ']'; });
    if (!is_word(remote.destination) || remote.socket.find(':') != std::string::npos)
        return refuse();
    return remote;
}

Tunnel::~Tunnel() {
    if (ssh_ > 0) {
        ::kill(ssh_, SIGTERM);
        ::waitpid(ssh_, nullptr, 0);
    }
    if (!folder_.empty()) {
        ::unlink((folder_ + "/admin.sock").c_str());
        ::rmdir(folder_.c_str());
    }
}

bool Tunnel::has_ended() {
    if (::waitpid(ssh_, nullptr, WNOHANG) != ssh_)
        return false;
    ssh_ = -1;
    return true;
}

Result<std::string> Tunnel::open(const RemoteHost& remote, Duration patience) {
    const char* base = std::getenv("XDG_RUNTIME_DIR");
    std::string folder = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/mailctl-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) // mode 0700
        return fail(ErrorCode::unavailable, "cannot make a folder for the ssh tunnel: " + std::generic_category().message(errno));
    folder_ = folder;
    const std::string socket = folder_ + "/admin.sock";
    const std::string forward = socket + ":" + remote.socket;
    std::vector<const char*> args{"ssh", "-N", "-T", "-o", "ExitOnForwardFailure=yes", "-L", forward.c_str()};
    if (!remote.port.empty())
        args.insert(args.end(), {"-p", remote.port.c_str()});
    args.insert(args.end(), {"--", remote.destination.c_str(), nullptr});
    ssh_ = ::fork();
    if (ssh_ == 0) {
        ::execvp("ssh", const_cast<char* const*>(args.data()));
        ::_exit(127);
    }
    if (ssh_ < 0)
        return fail(ErrorCode::unavailable, "cannot start ssh: " + std::generic_category().message(errno));
    const SteadyTime deadline = system_clock().steady() + patience;
    struct stat info {};
    while (::stat(socket.c_str(), &info) != 0) {
        if (has_ended())
            return fail(ErrorCode::unavailable, "ssh to " + remote.destination + " failed",
                        "try: ssh " + remote.destination + " mailctl status");
        if (system_clock().steady() > deadline)
            return fail(ErrorCode::unavailable, "ssh to " + remote.destination + " takes too long", "wait longer with --timeout");
        std::this_thread::sleep_for(poll_interval);
    }
    return socket;
}

} // namespace mail::mailctl
