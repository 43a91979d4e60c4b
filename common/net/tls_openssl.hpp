// What common/net itself needs of OpenSSL behind tls_context.hpp: how a stream gets its SSL object. Included only by
// the sources of common/net that talk to OpenSSL.
#pragma once

#include "common/net/stream.hpp"
#include "common/net/tls_context.hpp"

#include <map>
#include <mutex>

#include <openssl/ssl.h>

namespace mail::net {

struct OpenSslDelete {
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(BIO* p) const noexcept { BIO_free_all(p); }
    void operator()(X509_STORE* p) const noexcept { X509_STORE_free(p); }
};
using SslPtr = std::unique_ptr<SSL, OpenSslDelete>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpenSslDelete>;
using X509Ptr = std::unique_ptr<X509, OpenSslDelete>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDelete>;
using BioPtr = std::unique_ptr<BIO, OpenSslDelete>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpenSslDelete>;

/// The oldest queued OpenSSL error in words; empties the queue.
[[nodiscard]] std::string openssl_reason();
/// First certificate and private key of a PEM text. Null when there is none.
[[nodiscard]] X509Ptr read_certificate(std::string_view pem);
[[nodiscard]] KeyPtr read_key(std::string_view pem);

/// All certificates of a PEM text. Errors: invalid.
[[nodiscard]] Result<X509StorePtr> read_authorities(std::string_view pem);
/// A client's certificate; `verdict` is what the handshake found (SSL_get_verify_result).
[[nodiscard]] ClientCertificate describe_client(X509* certificate, long verdict);

/// Keys of session tickets (RFC 5077 §4): a new one every 12 hours, tickets of the last one still open. Thread-safe.
class TicketKeys {
  public:
    struct Key {
        unsigned char name[16];
        unsigned char aes[32];
        unsigned char mac[32];
        SteadyTime since;
    };
    TicketKeys() = default;
    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;
    /// The key to make tickets with; false without randomness.
    [[nodiscard]] bool current(Key& out);
    /// The key of that name; `renew` is set when a newer one exists.
    [[nodiscard]] bool named(const unsigned char* name, Key& out, bool& renew);

  private:
    bool rotate(SteadyTime now);
    std::mutex mutex_;
    std::vector<Key> keys_; // newest first, at most two
};

/// How a server asks its clients for certificates. Any is taken: what it is worth is for the session to judge.
struct ClientCheck {
    X509StorePtr authorities; ///< null: nobody vouches for any, only fingerprints count
    std::string context;      ///< of TLS sessions, so that one made under another check is not resumed
};

/// An immutable set of certificates.
struct CertificateSet {
    std::vector<TlsCertificate> sources;
    std::vector<SslCtxPtr> contexts;
    std::map<std::string, SSL_CTX*, std::less<>> by_name;
    std::string end_point_hash;
    std::shared_ptr<TicketKeys> tickets;
    [[nodiscard]] SSL_CTX* find(std::string_view server_name) const;
};

struct TlsServer::State {
    struct Shared {
        std::mutex mutex;
        std::shared_ptr<const CertificateSet> set;
        std::shared_ptr<TicketKeys> tickets;
    };
    std::shared_ptr<Shared> shared;
    std::string alpn; ///< wire form; empty: not checked
    std::shared_ptr<const ClientCheck> clients; ///< null: they are not asked
};

struct TlsClient::State {
    SslCtxPtr context;
    std::string alpn;
};

/// What the callbacks of one server connection need; lives as long as its SSL object.
struct ServerTls {
    std::shared_ptr<const CertificateSet> set;
    std::string alpn;
    std::shared_ptr<const ClientCheck> clients;
};

/// The SSL object of a new server connection; `context` must outlive it.
[[nodiscard]] Result<SslPtr> new_server_ssl(const TlsServer& server, ServerTls& context);
[[nodiscard]] Result<SslPtr> new_client_ssl(const TlsClient& client, const TlsExpectation& expectation);
/// After the handshake.
[[nodiscard]] TlsInfo describe_tls(SSL* ssl, const std::string& expected_name, bool client);
[[nodiscard]] std::string wire_alpn(const std::vector<std::string>& protocols);

} // namespace mail::net
