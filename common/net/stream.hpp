// Stream: one connection as every session sees it: TCP, TLS, Unix or memory. A virtual call is noise beside a system
// call, and buys one compiled session, memory streams in tests and STARTTLS inside the stream.
// A stream belongs to one I/O thread; other threads reach it through closer() and ender() alone.
#pragma once

#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/net/tlsa.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::net {

class TlsServer; // certificates by name; common/net/tls_context.hpp
class TlsClient;

/// Where the other side is. `address` is an IPv4 or IPv6 address without brackets, empty for Unix and memory streams.
struct Peer {
    std::string address;
    std::uint16_t port = 0;
    bool loopback = false; ///< 127.0.0.0/8, ::1, Unix or memory
    [[nodiscard]] std::string text() const;
};

/// The certificate a client showed to a server that asked for one.
struct ClientCertificate {
    std::string fingerprint;        ///< SHA-256 of it, as lower-case hexadecimal
    std::vector<std::string> names; ///< subject's common name and alternative names (DNS, e-mail), lower case
    bool trusted = false;           ///< the server's CAs for clients vouch for it
    std::string problem;            ///< why not
};

struct TlsInfo {
    std::string version; ///< "TLSv1.3"
    std::string cipher;
    std::string server_name; ///< SNI the client sent, or the name a client connection verified; may be empty
    bool verified = false;   ///< client side: chain and name were checked and hold
    std::string verify_error; ///< client side: why not, in words
    bool by_dane = false;     ///< client side: verified by TLSA records
    std::optional<ClientCertificate> client; ///< server side: nullopt: none was shown, or asked for
};

/// What a client connection asks of the server's certificate.
struct TlsExpectation {
    std::string server_name; ///< for SNI and the name check
    bool require_valid = false; ///< false: opportunistic, any certificate will do
    /// Not empty: the certificate must match one of these, whatever the CAs say (RFC 7672 §3); usages 2 and 3 only.
    std::vector<TlsaRecord> tlsa;
    std::vector<std::string> further_names; ///< that a certificate may also name, with server_name
};

class Stream {
  public:
    virtual ~Stream() = default;

    /// At least one byte, or 0 at the clean end. Errors: timeout, closed.
    [[nodiscard]] virtual Task<Result<std::size_t>> read_some(std::span<char> buffer) = 0;
    /// All of `data`. Errors: timeout, closed.
    [[nodiscard]] virtual Task<Result<void>> write(std::string_view data) = 0;
    /// Server side handshake. The caller has checked that no plaintext is buffered (RFC 3207 §4.2).
    [[nodiscard]] virtual Task<Result<void>> start_tls(const TlsServer& server) = 0;
    /// Client side handshake.
    [[nodiscard]] virtual Task<Result<void>> start_tls(const TlsClient& client, TlsExpectation expectation) = 0;
    /// Every pending and later read or write fails with timeout once `after` has passed since this call, until it is
    /// set again; one watchdog per connection. Duration::max(): no limit.
    virtual void set_timeout(Duration after) = 0;
    /// Tells the peer that nothing more comes (TLS close_notify, then FIN). Never fails. Reading goes on; a stream that is
    /// then dropped still takes in what the peer sends for a second, so that our last words are not lost in a reset.
    [[nodiscard]] virtual Task<void> shutdown() = 0;
    /// Little will be read or written for a while: memory that the next bytes can bring back goes.
    virtual void rest() noexcept {}
    /// Ends at once; pending operations fail with closed.
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual const Peer& peer() const noexcept = 0;
    /// Whom a trusted other side speaks for (PROXY, XCLIENT); peer() says so from then on.
    virtual void set_peer(Peer /*peer*/) {}
    /// Own end of the connection.
    [[nodiscard]] virtual const Peer& local() const noexcept = 0;
    [[nodiscard]] virtual const TlsInfo* tls() const noexcept = 0; ///< null while plain
    /// tls-exporter bytes for channel binding (RFC 9266); empty where there is none.
    [[nodiscard]] virtual std::string channel_binding() const { return {}; }
    /// A function that closes this stream from any thread; does nothing once the stream is gone.
    [[nodiscard]] virtual std::function<void()> closer() = 0;

    /// A function that asks the session on this stream to end, from any thread: is_ending() holds from then on, and a
    /// read or handshake that is interruptible, pending or later, fails with closed. Writing goes on, so that the session
    /// can finish what it is at and say its last words. Does nothing once the stream is gone.
    [[nodiscard]] virtual std::function<void()> ender() { return closer(); }
    [[nodiscard]] virtual bool is_ending() const noexcept { return false; }
    /// See Interruptible.
    virtual void set_interruptible(bool /*yes*/) noexcept {}
};

/// While it lives, the stream's session only waits: ender() may interrupt it, nothing is lost.
class Interruptible {
  public:
    explicit Interruptible(Stream& stream, bool yes = true) noexcept : stream_(stream) { stream_.set_interruptible(yes); }
    ~Interruptible() { stream_.set_interruptible(false); }
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

  private:
    Stream& stream_;
};

} // namespace mail::net
