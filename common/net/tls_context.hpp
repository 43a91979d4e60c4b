// TLS settings of servers and clients: certificates by name, protocol versions, ciphers, trust. Sessions get at them
// through Stream::start_tls only. Thread-safe; a change never touches running sessions (they keep what they began with).
// Server: TLS 1.2 and 1.3 with ECDHE and AEAD only, session tickets with rotating keys, no renegotiation, no
// compression (RFC 9325); ALPN is checked when the client sends it (RFC 7301 §3.2, against cross-protocol attacks).
#pragma once

#include "common/base/time.hpp"
#include "common/net/certificate.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mail::net {

struct TlsCertificate {
    std::vector<std::string> names; ///< "mail.example.org" or "*.example.org"; empty: the names in the certificate
    std::string cert_pem;           ///< with its chain
    std::string key_pem;
};

class TlsServer {
  public:
    /// Without certificates every handshake fails. The first certificate is the default for unknown names.
    [[nodiscard]] static Result<std::unique_ptr<TlsServer>> create(std::vector<TlsCertificate> certificates = {},
                                                                   std::vector<std::string> alpn = {});
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    Result<void> add_certificate(TlsCertificate certificate);
    /// All at once, or nothing at an error. New handshakes use the new ones; ticket keys stay.
    Result<void> replace(std::vector<TlsCertificate> certificates);
    /// Another view of the same certificates that takes only these ALPN protocols ("imap", "http/1.1") from clients that
    /// send any. Later changes through either are seen by both.
    [[nodiscard]] std::unique_ptr<TlsServer> with_alpn(std::vector<std::string> protocols) const;
    /// Another view that asks clients for a certificate. They need not show one, and any is taken: TlsInfo::client says
    /// whether one of these authorities (PEM; empty: none is known) vouches for it. Errors: invalid.
    [[nodiscard]] Result<std::unique_ptr<TlsServer>> with_client_check(std::string_view authorities_pem) const;
    [[nodiscard]] bool has_certificates() const noexcept;
    /// DER SHA-256-style hash of the default certificate for tls-server-end-point (RFC 5929 §4.1); may be empty.
    [[nodiscard]] std::string end_point_hash() const;

    struct State;
    [[nodiscard]] const State& state() const noexcept { return *state_; } ///< for common/net itself

  private:
    explicit TlsServer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

struct TlsClientOptions {
    std::string ca_file; ///< PEM; empty: the system's store
    std::vector<std::string> alpn;
};

class TlsClient {
  public:
    [[nodiscard]] static Result<std::unique_ptr<TlsClient>> create(TlsClientOptions options = {});
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    struct State;
    [[nodiscard]] const State& state() const noexcept { return *state_; } ///< for common/net itself

  private:
    explicit TlsClient(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace mail::net
