#include "common/net/socket_stream.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/bind.hpp"
#include "common/net/tls_openssl.hpp"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mail::net {
namespace asio = boost::asio;
namespace {

constexpr SteadyTime never = SteadyTime::max();

/// Sockets under OpenSSL: like its own socket BIO, but a peer that went away never raises SIGPIPE.
int bio_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(*static_cast<int*>(BIO_get_data(bio)), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto got = ::recv(*static_cast<int*>(BIO_get_data(bio)), data, static_cast<std::size_t>(size), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

BIO_METHOD* bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mail socket");
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

Peer describe(const sockaddr_storage& address) {
    Peer peer;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        peer.port = ntohs(v4.sin_port);
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        peer.port = ntohs(v6.sin6_port);
    } else {
        peer.loopback = true;
        return peer;
    }
    peer.address = canonical_address(text.data());
    peer.loopback = is_loopback(peer.address);
    return peer;
}

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

Failure closed() { return fail(ErrorCode::closed, "the connection is closed"); }
Failure interrupted() { return fail(ErrorCode::closed, "the session is to end"); }
constexpr auto late = std::chrono::seconds(1);

Failure timed_out() { return fail(ErrorCode::timeout, "the peer was silent for too long"); }

} // namespace

/// Shared with the timer's handler, which may run once more after the stream is gone.
struct SocketStream::Core : std::enable_shared_from_this<Core> {
    Core(const async::Executor& executor, int socket) : descriptor(executor, socket), timer(executor), fd(socket) {}

    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    int fd; ///< also read by the BIO; -1 once closed
    std::unique_ptr<ServerTls> server_tls; // before ssl: its callbacks use it
    SslPtr ssl;
    std::optional<TlsInfo> info;
    SteadyTime deadline = never; ///< of set_timeout
    SteadyTime stall = never;    ///< of the write or handshake under way
    SteadyTime armed = never;    ///< when the timer fires
    bool expired = false;
    bool excused = false;
    bool tls_broken = false; ///< after a fatal error nothing may be sent, not even close_notify
    bool ended = false; ///< shutdown() was called
    bool ending = false; ///< ender() was used
    bool interruptible = false;
    int at_once = 0; ///< calls in a row that did not wait
    std::size_t wasted = 0; ///< bytes read by linger()

    void arm() {
        const SteadyTime next = std::min(deadline, stall);
        if (next >= armed)
            return; // fires earlier and looks again
        armed = next;
        timer.expires_at(next);
        timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
            const auto core = weak.lock();
            if (core && !error)
                core->on_timer();
        });
    }
    /// A timer that comes late tells that this process stood still (SIGSTOP, a suspended machine), not the peer: what it has sent
    /// meanwhile is read first. Once for each time-out.
    [[nodiscard]] bool excuse(SteadyTime now, SteadyTime due) {
        if (now - due < late || std::exchange(excused, true))
            return false;
        for (SteadyTime* end : {&deadline, &stall})
            if (*end != never)
                *end = std::max(*end, now + late);
        return true;
    }
    void on_timer() {
        const SteadyTime due = std::exchange(armed, never);
        const auto now = std::chrono::steady_clock::now();
        if (now >= std::min(deadline, stall) && !excuse(now, due)) {
            expired = true;
            descriptor.cancel();
        } else {
            arm();
        }
    }
    /// Closing a socket that has unread bytes resets the connection, and the peer may lose our last reply. So what a
    /// peer still sends after our end is read for a second, without the stream.
    void linger() {
        std::array<char, 8192> waste;
        if (wasted == 0) {
            ssl.reset();
            expired = false;
            stall = never;
            deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        }
        ssize_t got = 0;
        while (wasted < (1U << 20U) && (got = ::recv(fd, waste.data(), waste.size(), 0)) > 0)
            wasted += static_cast<std::size_t>(got);
        if (got >= 0 || errno != EAGAIN || wasted == 0 || expired) {
            close();
            return;
        }
        arm();
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](boost::system::error_code error) {
                                  if (error)
                                      self->close();
                                  else
                                      self->linger();
                              });
    }
    [[nodiscard]] bool is_interrupted() const noexcept { return interruptible && ending; }
    void close() noexcept {
        if (fd < 0)
            return;
        fd = -1;
        boost::system::error_code ignored;
        descriptor.close(ignored);
        timer.cancel();
    }
};

SocketStream::SocketStream(const async::Executor& executor, int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    core_ = std::make_shared<Core>(executor, fd);
    read_addresses();
}

SocketStream::~SocketStream() {
    if (core_->ended && core_->fd >= 0)
        core_->linger();
    else
        core_->close();
}

void SocketStream::read_addresses() {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(core_->fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        local_ = describe(address);
    size = sizeof address;
    if (::getpeername(core_->fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        peer_ = describe(address);
    if (address.ss_family == AF_UNIX)
        return;
    set_option(core_->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // A client that vanished is found out while its session waits.
    set_option(core_->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(core_->fd, IPPROTO_TCP, TCP_KEEPIDLE, 120);
    set_option(core_->fd, IPPROTO_TCP, TCP_KEEPINTVL, 30);
    set_option(core_->fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

int SocketStream::native_handle() const noexcept { return core_->fd; }
const TlsInfo* SocketStream::tls() const noexcept { return core_->info ? &*core_->info : nullptr; }

void SocketStream::set_timeout(Duration after) {
    core_->expired = false;
    // A century is "no limit" too, and cannot overflow the clock.
    const bool limited = after < std::chrono::hours(24 * 36500);
    core_->excused = false;
    core_->deadline = limited ? std::chrono::steady_clock::now() + after : never;
    core_->arm();
}

Task<Result<void>> SocketStream::wait(Want want) {
    const auto core = core_;
    if (core->fd < 0)
        co_return closed();
    if (core->expired)
        co_return timed_out();
    core->at_once = 0;
    const auto type = want == Want::read ? asio::posix::stream_descriptor::wait_read
                                         : asio::posix::stream_descriptor::wait_write;
    for (;;) {
        if (want == Want::read && core->is_interrupted())
            co_return interrupted();
        boost::system::error_code error;
        co_await core->descriptor.async_wait(type, asio::redirect_error(asio::use_awaitable, error));
        if (core->expired)
            co_return timed_out();
        if (core->fd < 0)
            co_return closed();
        if (!error)
            co_return Result<void>{};
        // ender() ends every wait; only that of an interruptible read is meant.
        if (error != asio::error::operation_aborted || !core->ending)
            co_return closed();
    }
}

Task<void> SocketStream::let_others_go() {
    core_->at_once = 0;
    co_await asio::post(core_->descriptor.get_executor(), asio::use_awaitable);
}

Task<Result<std::size_t>> SocketStream::read_some(std::span<char> buffer) {
    if (buffer.empty())
        co_return fail(ErrorCode::internal, "a read needs room");
    const bool crowded = ++core_->at_once > 16;
    if (crowded)
        co_await let_others_go();
    for (;;) {
        if (core_->fd < 0)
            co_return closed();
        if (core_->expired)
            co_return timed_out();
        if (core_->is_interrupted())
            co_return interrupted();
        Want want = Want::read;
        if (core_->ssl) {
            if (core_->tls_broken)
                co_return closed();
            ERR_clear_error();
            std::size_t got = 0;
            const int result = SSL_read_ex(core_->ssl.get(), buffer.data(), buffer.size(), &got);
            if (result == 1)
                co_return got;
            const int why = SSL_get_error(core_->ssl.get(), result);
            if (why == SSL_ERROR_ZERO_RETURN)
                co_return std::size_t{0};
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                core_->tls_broken = true; // also an end without close_notify: what came may be cut (RFC 8446 §6.1)
                ERR_clear_error();
                co_return closed();
            }
            want = why == SSL_ERROR_WANT_READ ? Want::read : Want::write;
        } else {
            const auto got = ::recv(core_->fd, buffer.data(), buffer.size(), 0);
            if (got >= 0)
                co_return static_cast<std::size_t>(got);
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                co_return closed();
        }
        MAIL_CO_DO(co_await wait(want));
    }
}

Task<Result<void>> SocketStream::write(std::string_view data) {
    const bool crowded = ++core_->at_once > 64;
    if (crowded)
        co_await let_others_go();
    if (core_->ssl)
        co_return co_await write_tls(data);
    while (!data.empty()) {
        if (core_->fd < 0)
            co_return closed();
        if (core_->expired)
            co_return timed_out();
        const auto sent = ::send(core_->fd, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            data.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            co_return closed();
        core_->stall = std::chrono::steady_clock::now() + std::chrono::seconds(limit::write_stall_seconds);
        core_->arm();
        const auto ready = co_await wait(Want::write);
        core_->stall = never;
        MAIL_CO_DO(ready);
    }
    co_return Result<void>{};
}

Task<Result<void>> SocketStream::write_tls(std::string_view data) {
    while (!data.empty()) {
        if (core_->fd < 0 || core_->tls_broken)
            co_return closed();
        if (core_->expired)
            co_return timed_out();
        ERR_clear_error();
        std::size_t sent = 0;
        const int result = SSL_write_ex(core_->ssl.get(), data.data(), data.size(), &sent);
        if (result == 1) {
            data.remove_prefix(sent);
            continue;
        }
        const int why = SSL_get_error(core_->ssl.get(), result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            core_->tls_broken = true;
            ERR_clear_error();
            co_return closed();
        }
        core_->stall = std::chrono::steady_clock::now() + std::chrono::seconds(limit::write_stall_seconds);
        core_->arm();
        const auto ready = co_await wait(why == SSL_ERROR_WANT_READ ? Want::read : Want::write);
        core_->stall = never;
        MAIL_CO_DO(ready);
    }
    co_return Result<void>{};
}

Task<Result<void>> SocketStream::start_tls(const TlsServer& server) {
    if (core_->ssl)
        co_return fail(ErrorCode::conflict, "TLS is already on");
    core_->server_tls = std::make_unique<ServerTls>();
    MAIL_CO_TRY(core_->ssl, new_server_ssl(server, *core_->server_tls));
    std::string any_name;
    co_return co_await handshake(std::move(any_name), false);
}

Task<Result<void>> SocketStream::start_tls(const TlsClient& client, TlsExpectation expectation) {
    if (core_->ssl)
        co_return fail(ErrorCode::conflict, "TLS is already on");
    MAIL_CO_TRY(core_->ssl, new_client_ssl(client, expectation));
    co_return co_await handshake(expectation.server_name, true);
}

Task<Result<void>> SocketStream::handshake(std::string expected_name, bool client) {
    BIO* bio = BIO_new(bio_method());
    if (bio == nullptr)
        co_return fail(ErrorCode::temporary, "no memory for TLS");
    BIO_set_data(bio, &core_->fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(core_->ssl.get(), bio, bio);
    core_->stall = std::chrono::steady_clock::now() + std::chrono::seconds(limit::tls_handshake_seconds);
    core_->arm();
    Error error;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(core_->ssl.get());
        if (result == 1)
            break;
        const int why = SSL_get_error(core_->ssl.get(), result);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
            const auto ready = co_await wait(why == SSL_ERROR_WANT_READ ? Want::read : Want::write);
            if (ready)
                continue;
            error = ready.error();
        } else if (why == SSL_ERROR_SSL) {
            const long verdict = SSL_get_verify_result(core_->ssl.get());
            const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
            error = {ErrorCode::invalid, "TLS handshake failed: " + openssl_reason()};
            if (cut)
                error = {ErrorCode::closed, "the peer ended the connection in the TLS handshake"};
            else if (client && verdict != X509_V_OK)
                error.message += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
        } else {
            error = {ErrorCode::closed, "the peer ended the connection in the TLS handshake"};
        }
        core_->tls_broken = true;
        core_->stall = never;
        close();
        co_return fail(std::move(error));
    }
    core_->stall = never;
    core_->info = describe_tls(core_->ssl.get(), expected_name, client);
    co_return Result<void>{};
}

std::string SocketStream::channel_binding() const {
    // RFC 9266 §4.2: on TLS 1.2 only together with the extended master secret.
    if (!core_->info || core_->fd < 0 ||
        (SSL_version(core_->ssl.get()) < TLS1_3_VERSION && SSL_get_extms_support(core_->ssl.get()) != 1))
        return {};
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    std::string out(32, '\0');
    if (SSL_export_keying_material(core_->ssl.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), label.data(),
                                   label.size(), nullptr, 0, 1) != 1)
        return {};
    return out;
}

Task<void> SocketStream::shutdown() {
    if (core_->fd < 0)
        co_return;
    if (core_->ssl && core_->info && !core_->tls_broken) {
        ERR_clear_error();
        SSL_shutdown(core_->ssl.get());
        ERR_clear_error();
    }
    ::shutdown(core_->fd, SHUT_WR);
    core_->ended = true;
}

void SocketStream::close() noexcept { core_->close(); }

std::function<void()> SocketStream::closer() {
    return [weak = std::weak_ptr<Core>(core_), executor = core_->descriptor.get_executor()] {
        asio::post(executor, [weak] {
            if (const auto core = weak.lock())
                core->close();
        });
    };
}

std::function<void()> SocketStream::ender() {
    return [weak = std::weak_ptr<Core>(core_), executor = core_->descriptor.get_executor()] {
        asio::post(executor, [weak] {
            const auto core = weak.lock();
            if (!core || core->fd < 0)
                return;
            core->ending = true;
            if (core->interruptible)
                core->descriptor.cancel();
        });
    };
}

bool SocketStream::is_ending() const noexcept { return core_->ending; }
void SocketStream::set_interruptible(bool yes) noexcept { core_->interruptible = yes; }

Task<Result<void>> SocketStream::wait_connected() {
    MAIL_CO_DO(co_await wait(Want::write));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(core_->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        co_return fail(ErrorCode::unavailable, std::string("cannot connect: ") + std::strerror(error));
    read_addresses();
    co_return Result<void>{};
}

} // namespace mail::net
