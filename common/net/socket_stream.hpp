// SocketStream: a TCP or Unix connection, with TLS inside. Made by the listener and by connect.hpp only.
// Reads and writes try the system call first and wait for readiness only when there is nothing to do; after a run of
// calls that never waited it lets other connections go first. One timer per connection is the watchdog: moving the
// deadline later only writes a number, the timer looks again when it fires.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/stream.hpp"

namespace mail::net {

class SocketStream final : public Stream {
  public:
    /// Takes over `fd`, a connected stream socket; makes it non-blocking.
    SocketStream(const async::Executor& executor, int fd);
    ~SocketStream() override;
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

    [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<char> buffer) override;
    [[nodiscard]] Task<Result<void>> write(std::string_view data) override;
    [[nodiscard]] Task<Result<void>> start_tls(const TlsServer& server) override;
    [[nodiscard]] Task<Result<void>> start_tls(const TlsClient& client, TlsExpectation expectation) override;
    void set_timeout(Duration after) override;
    [[nodiscard]] Task<void> shutdown() override;
    void close() noexcept override;
    [[nodiscard]] const Peer& peer() const noexcept override { return peer_; }
    void set_peer(Peer peer) override { peer_ = std::move(peer); }
    [[nodiscard]] const Peer& local() const noexcept override { return local_; }
    [[nodiscard]] const TlsInfo* tls() const noexcept override;
    [[nodiscard]] std::string channel_binding() const override;
    [[nodiscard]] std::function<void()> closer() override;
    [[nodiscard]] std::function<void()> ender() override;
    [[nodiscard]] bool is_ending() const noexcept override;
    void set_interruptible(bool yes) noexcept override;

    /// -1 once closed.
    [[nodiscard]] int native_handle() const noexcept;
    /// Finishes a non-blocking connect(): waits until the socket is writable. For connect.cpp.
    [[nodiscard]] Task<Result<void>> wait_connected();

  private:
    struct Core;
    enum class Want { read, write };
    [[nodiscard]] Task<Result<void>> wait(Want want);
    [[nodiscard]] Task<void> let_others_go();
    [[nodiscard]] Task<Result<void>> handshake(std::string expected_name, bool client);
    [[nodiscard]] Task<Result<void>> write_tls(std::string_view data);
    void read_addresses();

    std::shared_ptr<Core> core_;
    Peer peer_;
    Peer local_;
};

} // namespace mail::net
