#include "common/net/listener.hpp"

#include "common/base/log.hpp"
#include "common/net/socket_address.hpp"
#include "common/net/socket_stream.hpp"
#include "common/net/unix_path.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::net {
namespace asio = boost::asio;

struct Listener::State {
    State(const async::Executor& executor, int socket, BindAddress where)
        : descriptor(executor, socket), fd(socket), address(std::move(where)) {}
    asio::posix::stream_descriptor descriptor;
    const int fd; ///< the descriptor's, for calls from other threads
    BindAddress address;
    SocketFile file;
    std::atomic<bool> closed{false};
};

namespace {

/// Closes the descriptor unless it was handed on.
struct FdGuard {
    int fd;
    ~FdGuard() {
        if (fd >= 0)
            ::close(fd);
    }
    int release() noexcept { return std::exchange(fd, -1); }
};

Failure bind_failure(const BindAddress& address, int error) {
    const std::string text = "cannot listen on " + address.text() + ": " + std::strerror(error);
    switch (error) {
    case EADDRINUSE:
        return fail(ErrorCode::conflict, text, "another process uses it; `ss -ltnp` shows which");
    case EACCES:
    case EPERM:
        return fail(ErrorCode::denied, text, "ports below 1024 need CAP_NET_BIND_SERVICE");
    case EADDRNOTAVAIL:
        return fail(ErrorCode::invalid, text, "this machine does not have the address");
    default:
        return fail(ErrorCode::unavailable, text);
    }
}

Result<int> inherited_socket(const BindAddress& address, const ListenOptions& options) {
    if (options.inherited == nullptr)
        return fail(ErrorCode::invalid, address.text() + ": no sockets were passed on");
    return options.inherited->duplicate(address.fd);
}

Result<int> bound_socket(const BindAddress& address, const ListenOptions& options) {
    const bool is_unix = address.kind == BindKind::unix_socket;
    const auto where = is_unix ? SocketAddress::unix_path(address.address)
                               : SocketAddress::numeric(address.address, address.port);
    if (!where)
        return fail(ErrorCode::invalid, address.text() + " is no address");
    if (is_unix) {
        MAIL_DO(clear_stale_socket(address.address));
    }
    FdGuard socket{::socket(where->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (socket.fd < 0)
        return bind_failure(address, errno);
    const int on = 1;
    if (is_unix)
        ::fchmod(socket.fd, 0600); // until its mode is set, nobody else may connect
    else
        ::setsockopt(socket.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (where->family() == AF_INET6)
        ::setsockopt(socket.fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(socket.fd, where->data(), where->size()) != 0 || ::listen(socket.fd, options.backlog) != 0)
        return bind_failure(address, errno);
    return socket.release();
}

std::uint16_t bound_port(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return 0;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(&v6, &address, sizeof v6);
    if (address.ss_family == AF_INET)
        return ntohs(v4.sin_port);
    return address.ss_family == AF_INET6 ? ntohs(v6.sin6_port) : std::uint16_t{0};
}

bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

} // namespace

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() { close(); }

Result<std::unique_ptr<Listener>> Listener::open(const async::Executor& executor, const BindAddress& address,
                                                 ListenOptions options) {
    const bool inherited = address.kind == BindKind::inherited;
    MAIL_TRY(const int fd, inherited ? inherited_socket(address, options) : bound_socket(address, options));
    auto state = std::make_shared<State>(executor, fd, address);
    if (address.kind == BindKind::unix_socket) {
        MAIL_TRY(state->file, adopt_socket_file(address.address, options));
    } else {
        state->address.port = bound_port(fd);
    }
    return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Task<Result<std::unique_ptr<Stream>>> Listener::accept() {
    const auto executor = state_->descriptor.get_executor();
    co_return co_await accept(executor);
}

Task<Result<std::unique_ptr<Stream>>> Listener::accept(async::Executor owner) {
    const auto state = state_; // the listener may go while this waits
    for (;;) {
        if (state->closed)
            co_return fail(ErrorCode::closed, "the listener is closed");
        const int fd = ::accept4(state->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            std::unique_ptr<Stream> stream = std::make_unique<SocketStream>(owner, fd);
            co_return stream;
        }
        const int error = errno;
        if (is_shortage(error))
            co_return fail(ErrorCode::temporary, std::string("cannot accept: ") + std::strerror(error));
        if (error != EAGAIN && error != EINTR && state->closed)
            co_return fail(ErrorCode::closed, "the listener is closed");
        if (error == EBADF || error == EINVAL || error == ENOTSOCK)
            co_return fail(ErrorCode::closed, std::string("cannot accept: ") + std::strerror(error));
        if (error != EAGAIN)
            continue; // that connection is gone already (accept(2) lists the network's errors)
        boost::system::error_code failed;
        co_await state->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                              asio::redirect_error(asio::use_awaitable, failed));
        if (failed)
            co_return fail(ErrorCode::closed, "the listener is closed");
    }
}

void Listener::close() noexcept {
    if (state_->closed.exchange(true))
        return;
    // Frees the port at once. An inherited socket belongs to the supervisor, which goes on listening.
    if (state_->address.kind != BindKind::inherited)
        ::shutdown(state_->fd, SHUT_RDWR);
    remove_socket_file(state_->file);
    asio::post(state_->descriptor.get_executor(), [state = state_] {
        boost::system::error_code ignored;
        state->descriptor.cancel(ignored);
    });
}

std::uint16_t Listener::port() const noexcept { return state_->address.port; }
const BindAddress& Listener::address() const noexcept { return state_->address; }

std::optional<PeerCredentials> peer_credentials(const Stream& stream) {
    const auto* socket = dynamic_cast<const SocketStream*>(&stream);
    ucred who{};
    socklen_t size = sizeof who;
    if (socket == nullptr || !socket->peer().address.empty() ||
        ::getsockopt(socket->native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return std::nullopt;
    PeerCredentials result{who.uid, who.gid, who.pid, {}};
    result.groups.resize(64);
    for (int attempt = 0; attempt < 2; ++attempt) {
        size = static_cast<socklen_t>(result.groups.size() * sizeof(gid_t));
        const int got = ::getsockopt(socket->native_handle(), SOL_SOCKET, SO_PEERGROUPS, result.groups.data(), &size);
        if (got != 0 && errno != ERANGE)
            size = 0;
        result.groups.resize(size / sizeof(gid_t));
        if (got == 0 || size == 0)
            break;
    }
    return result;
}

} // namespace mail::net
