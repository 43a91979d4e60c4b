#include "common/net/connect.hpp"

#include "common/base/text.hpp"
#include "common/net/bind.hpp"
#include "common/net/socket_address.hpp"
#include "common/net/socket_stream.hpp"

#include <cerrno>
#include <cstring>

#include <boost/asio/this_coro.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace mail::net {
namespace {

Failure connect_failure(const std::string& where, int error) {
    const std::string text = "cannot connect to " + where + ": " + std::strerror(error);
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return fail(ErrorCode::not_found, text);
    case EACCES:
    case EPERM:
        return fail(ErrorCode::denied, text);
    case ETIMEDOUT:
        return fail(ErrorCode::timeout, text);
    default:
        return fail(ErrorCode::unavailable, text);
    }
}

Task<Result<std::unique_ptr<Stream>>> connect_to(SocketAddress target, std::optional<SocketAddress> source, Duration timeout,
                                                 std::string where) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const int fd = ::socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        co_return fail(ErrorCode::temporary, std::string("no socket can be made: ") + std::strerror(errno));
    if (source && ::bind(fd, source->data(), source->size()) != 0) {
        const int error = errno;
        ::close(fd);
        co_return fail(ErrorCode::invalid, std::string("cannot send from the source address: ") + std::strerror(error));
    }
    const int begun = ::connect(fd, target.data(), target.size());
    const int error = begun == 0 ? 0 : errno;
    if (error != 0 && error != EINPROGRESS) {
        ::close(fd);
        co_return connect_failure(where, error);
    }
    auto stream = std::make_unique<SocketStream>(executor, fd);
    if (error == EINPROGRESS) {
        stream->set_timeout(timeout);
        auto connected = co_await stream->wait_connected();
        if (!connected) {
            Error why = std::move(connected).error();
            if (why.code == ErrorCode::timeout)
                why.message = "no answer";
            why.message = where + ": " + why.message;
            co_return fail(std::move(why));
        }
    }
    stream->set_timeout(Duration::max());
    co_return std::unique_ptr<Stream>(std::move(stream));
}

} // namespace

Task<Result<std::unique_ptr<Stream>>> connect_tcp(std::string address, std::uint16_t port, Duration timeout,
                                                  std::string source) {
    const auto target = SocketAddress::numeric(address, port);
    if (!target)
        co_return fail(ErrorCode::invalid, "\"" + text::escape(address, 100) + "\" is no numeric address");
    std::optional<SocketAddress> from;
    if (!source.empty()) {
        from = SocketAddress::numeric(source, 0);
        if (!from || from->family() != target->family())
            co_return fail(ErrorCode::invalid, "the source address does not fit " + address);
    }
    Peer where{address, port, false};
    co_return co_await connect_to(*target, from, timeout, where.text());
}

Task<Result<std::unique_ptr<Stream>>> connect_unix(std::string path, Duration timeout) {
    const auto target = SocketAddress::unix_path(path);
    if (!target)
        co_return fail(ErrorCode::invalid, "the socket path is empty or longer than 107 bytes");
    co_return co_await connect_to(*target, std::nullopt, timeout, path);
}

} // namespace mail::net
