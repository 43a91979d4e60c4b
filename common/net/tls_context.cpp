#include "common/net/tls_openssl.hpp"

#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/net/bind.hpp"

#include <array>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace mail::net {
namespace {

// RFC 9325 §4.2: forward secrecy and AEAD only.
constexpr const char* tls12_ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr std::string_view session_context = "maild";

/// Index under which an SSL object knows its ServerTls.
int server_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

ServerTls* server_of(SSL* ssl) { return static_cast<ServerTls*>(SSL_get_ex_data(ssl, server_index())); }

/// The handshake goes on whatever the certificate is worth; the verdict stays readable.
int take_any_certificate(int /*ok*/, X509_STORE_CTX* /*chain*/) { return 1; }

/// Also after SSL_set_SSL_CTX, which forgets it.
bool ask_for_certificate(SSL* ssl, const ClientCheck& clients) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, take_any_certificate);
    const auto* context = reinterpret_cast<const unsigned char*>(clients.context.data());
    return (!clients.authorities ||
            SSL_ctrl(ssl, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, clients.authorities.get()) == 1) &&
           SSL_set_session_id_context(ssl, context, static_cast<unsigned>(clients.context.size())) == 1;
}

int choose_certificate(SSL* ssl, int* /*alert*/, void* /*unused*/) {
    const ServerTls* server = server_of(ssl);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (server == nullptr || name == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_CTX* context = server->set->find(name); context != nullptr)
        SSL_set_SSL_CTX(ssl, context);
    if (server->clients && !ask_for_certificate(ssl, *server->clients))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    // An unknown name gets the default certificate: mail clients are often set to other names (RFC 6066 §3 allows it).
    return SSL_TLSEXT_ERR_OK;
}

/// RFC 7301 §3.2: without a common protocol the handshake ends; that stops ALPACA attacks.
int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void* /*unused*/) {
    const ServerTls* server = server_of(ssl);
    if (server == nullptr || server->alpn.empty())
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char* chosen = nullptr;
    const auto* own = reinterpret_cast<const unsigned char*>(server->alpn.data());
    if (SSL_select_next_proto(&chosen, out_size, own, static_cast<unsigned>(server->alpn.size()), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt) {
    const ServerTls* server = server_of(ssl);
    TicketKeys::Key key{};
    bool renew = false;
    if (server == nullptr)
        return -1;
    if (encrypt == 1) {
        if (!server->set->tickets->current(key) || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
        std::memcpy(name, key.name, sizeof key.name);
    } else if (!server->set->tickets->named(name, key, renew)) {
        return 0; // an old ticket: full handshake
    }
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof key.mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
    const bool ready = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1 &&
                       EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes, iv, encrypt) == 1;
    wipe(&key, sizeof key);
    if (!ready)
        return -1;
    return renew ? 2 : 1;
}

void set_common(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // Idle connections give their record buffers back.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); // one system call for a record's head and body
    SSL_CTX_set_cipher_list(context, tls12_ciphers);
}

Result<void> use_chain(SSL_CTX* context, const TlsCertificate& source) {
    MAIL_DO(check_key_pair(source.cert_pem, source.key_pem));
    const BioPtr in(BIO_new_mem_buf(source.cert_pem.data(), static_cast<int>(source.cert_pem.size())));
    const X509Ptr leaf(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    const KeyPtr key = read_key(source.key_pem);
    if (!leaf || !key || SSL_CTX_use_certificate(context, leaf.get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return fail(ErrorCode::invalid, "the certificate cannot be used: " + openssl_reason());
    for (int links = 0; links < 10; ++links) {
        X509Ptr next(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
        if (!next)
            break;
        if (SSL_CTX_add0_chain_cert(context, next.get()) == 1)
            (void)next.release();
    }
    ERR_clear_error(); // the end of the PEM text
    return {};
}

Result<SslCtxPtr> server_context(const TlsCertificate& source) {
    SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
    if (!context)
        return fail(ErrorCode::internal, "TLS cannot be set up: " + openssl_reason());
    set_common(context.get());
    SSL_CTX_set1_groups_list(context.get(), "X25519:P-256:P-384");
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF); // tickets carry the state
    SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(session_context.data()),
                                   static_cast<unsigned>(session_context.size()));
    SSL_CTX_set_timeout(context.get(), 43200);
    // The macros for these two cast in the old way.
    SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(choose_certificate));
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), ticket_key);
    MAIL_DO(use_chain(context.get(), source));
    return context;
}

/// RFC 5929 §4.1: the certificate's own signature hash, but SHA-256 instead of MD5 and SHA-1.
std::string end_point_hash_of(X509* certificate) {
    int digest_nid = NID_undef;
    const EVP_MD* digest = EVP_sha256();
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, nullptr) == 1 && digest_nid != NID_undef &&
        digest_nid != NID_md5 && digest_nid != NID_sha1)
        if (const EVP_MD* own = EVP_get_digestbynid(digest_nid); own != nullptr)
            digest = own;
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (X509_digest(certificate, digest, out.data(), &size) != 1)
        return {};
    return {reinterpret_cast<const char*>(out.data()), size};
}

Result<std::shared_ptr<const CertificateSet>> build_set(std::vector<TlsCertificate> sources,
                                                        std::shared_ptr<TicketKeys> tickets) {
    auto set = std::make_shared<CertificateSet>();
    set->tickets = std::move(tickets);
    for (auto& source : sources) {
        MAIL_TRY(auto context, server_context(source));
        MAIL_TRY(const auto info, certificate_info(source.cert_pem));
        for (const auto& name : source.names.empty() ? info.names : source.names)
            set->by_name.emplace(text::to_lower(name), context.get()); // the first one of a name wins
        if (set->contexts.empty())
            set->end_point_hash = end_point_hash_of(SSL_CTX_get0_certificate(context.get()));
        set->contexts.push_back(std::move(context));
    }
    set->sources = std::move(sources);
    return std::shared_ptr<const CertificateSet>(std::move(set));
}

std::shared_ptr<const CertificateSet> current_set(const TlsServer::State& state) {
    const std::lock_guard lock(state.shared->mutex);
    return state.shared->set;
}

} // namespace

TicketKeys::~TicketKeys() { wipe(keys_.data(), keys_.size() * sizeof(Key)); }

bool TicketKeys::rotate(SteadyTime now) {
    constexpr auto life = std::chrono::hours(12);
    if (!keys_.empty() && now - keys_.front().since < life)
        return true;
    Key fresh{};
    if (RAND_bytes(fresh.name, sizeof fresh.name) != 1 || RAND_bytes(fresh.aes, sizeof fresh.aes) != 1 ||
        RAND_bytes(fresh.mac, sizeof fresh.mac) != 1)
        return false;
    fresh.since = now;
    keys_.reserve(3);
    keys_.insert(keys_.begin(), fresh);
    if (keys_.size() > 2) {
        wipe(&keys_.back(), sizeof(Key));
        keys_.pop_back();
    }
    wipe(&fresh, sizeof fresh);
    return true;
}

bool TicketKeys::current(Key& out) {
    const std::lock_guard lock(mutex_);
    if (!rotate(std::chrono::steady_clock::now()))
        return false;
    out = keys_.front();
    return true;
}

bool TicketKeys::named(const unsigned char* name, Key& out, bool& renew) {
    const std::lock_guard lock(mutex_);
    for (const auto& key : keys_)
        if (std::memcmp(key.name, name, sizeof key.name) == 0) {
            out = key;
            renew = &key != &keys_.front();
            return true;
        }
    return false;
}

SSL_CTX* CertificateSet::find(std::string_view server_name) const {
    const std::string name = text::to_lower(server_name.ends_with('.') ? server_name.substr(0, server_name.size() - 1)
                                                                       : server_name);
    auto found = by_name.find(name);
    if (found == by_name.end()) // RFC 9525 §6.3: a wildcard stands for one whole label
        if (const std::size_t dot = name.find('.'); dot != std::string::npos)
            found = by_name.find("*" + name.substr(dot));
    return found == by_name.end() ? nullptr : found->second;
}

std::string wire_alpn(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const auto& protocol : protocols)
        if (!protocol.empty() && protocol.size() < 256) {
            wire += static_cast<char>(protocol.size());
            wire += protocol;
        }
    return wire;
}

TlsServer::TlsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::create(std::vector<TlsCertificate> certificates, std::vector<std::string> alpn) {
    auto state = std::make_unique<State>();
    state->shared = std::make_shared<State::Shared>();
    state->shared->tickets = std::make_shared<TicketKeys>();
    state->alpn = wire_alpn(alpn);
    MAIL_TRY(state->shared->set, build_set(std::move(certificates), state->shared->tickets));
    return std::unique_ptr<TlsServer>(new TlsServer(std::move(state)));
}

Result<void> TlsServer::add_certificate(TlsCertificate certificate) {
    auto sources = current_set(*state_)->sources;
    sources.push_back(std::move(certificate));
    return replace(std::move(sources));
}

Result<void> TlsServer::replace(std::vector<TlsCertificate> certificates) {
    MAIL_TRY(auto set, build_set(std::move(certificates), state_->shared->tickets));
    const std::lock_guard lock(state_->shared->mutex);
    state_->shared->set = std::move(set);
    return {};
}

std::unique_ptr<TlsServer> TlsServer::with_alpn(std::vector<std::string> protocols) const {
    auto state = std::make_unique<State>(*state_);
    state->alpn = wire_alpn(protocols);
    return std::unique_ptr<TlsServer>(new TlsServer(std::move(state)));
}

Result<std::unique_ptr<TlsServer>> TlsServer::with_client_check(std::string_view authorities_pem) const {
    auto check = std::make_shared<ClientCheck>();
    check->context = crypto::sha256(authorities_pem);
    if (!authorities_pem.empty()) {
        MAIL_TRY(check->authorities, read_authorities(authorities_pem));
    }
    auto state = std::make_unique<State>(*state_);
    state->clients = std::move(check);
    return std::unique_ptr<TlsServer>(new TlsServer(std::move(state)));
}

bool TlsServer::has_certificates() const noexcept { return !current_set(*state_)->contexts.empty(); }
std::string TlsServer::end_point_hash() const { return current_set(*state_)->end_point_hash; }

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::create(TlsClientOptions options) {
    auto state = std::make_unique<State>();
    state->alpn = wire_alpn(options.alpn);
    state->context.reset(SSL_CTX_new(TLS_client_method()));
    if (!state->context)
        return fail(ErrorCode::internal, "TLS cannot be set up: " + openssl_reason());
    set_common(state->context.get());
    if (SSL_CTX_dane_enable(state->context.get()) != 1)
        return fail(ErrorCode::internal, "DANE cannot be set up: " + openssl_reason());
    const bool loaded = options.ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(state->context.get()) == 1
                            : SSL_CTX_load_verify_file(state->context.get(), options.ca_file.c_str()) == 1;
    if (!loaded)
        return fail(ErrorCode::invalid, "the CA certificates cannot be read from " +
                                            (options.ca_file.empty() ? "the system's store" : options.ca_file) + ": " +
                                            openssl_reason());
    return std::unique_ptr<TlsClient>(new TlsClient(std::move(state)));
}

Result<SslPtr> new_server_ssl(const TlsServer& server, ServerTls& context) {
    context.set = current_set(server.state());
    context.alpn = server.state().alpn;
    context.clients = server.state().clients;
    if (context.set->contexts.empty())
        return fail(ErrorCode::unavailable, "there is no certificate", "add a tls resource");
    SslPtr ssl(SSL_new(context.set->contexts.front().get()));
    if (!ssl || SSL_set_ex_data(ssl.get(), server_index(), &context) != 1)
        return fail(ErrorCode::temporary, "TLS cannot be set up: " + openssl_reason());
    SSL_set_accept_state(ssl.get());
    if (context.clients && !ask_for_certificate(ssl.get(), *context.clients))
        return fail(ErrorCode::temporary, "TLS cannot be set up: " + openssl_reason());
    return ssl;
}

namespace {
/// RFC 7672 §3: the records decide alone, and with usage 3 no name counts (§3.1.1).
Result<void> expect_tlsa(SSL* ssl, const TlsExpectation& expectation) {
    if (SSL_dane_enable(ssl, expectation.server_name.c_str()) != 1)
        return fail(ErrorCode::internal, "DANE cannot be set up: " + openssl_reason());
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    int usable = 0;
    for (const TlsaRecord& record : expectation.tlsa) {
        const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());
        if (SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data, record.data.size()) == 1)
            ++usable;
    }
    ERR_clear_error();
    if (usable == 0)
        return fail(ErrorCode::invalid, "none of the TLSA records can be used");
    return {};
}
} // namespace

Result<SslPtr> new_client_ssl(const TlsClient& client, const TlsExpectation& expectation) {
    SslPtr ssl(SSL_new(client.state().context.get()));
    if (!ssl)
        return fail(ErrorCode::temporary, "TLS cannot be set up: " + openssl_reason());
    SSL_set_connect_state(ssl.get());
    const std::string& name = expectation.server_name;
    X509_VERIFY_PARAM* check = SSL_get0_param(ssl.get());
    const bool ip = is_ipv4(name) || is_ipv6(name);
    bool ready = true;
    if (ip)
        ready = X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str()) == 1;
    else if (!name.empty()) {
        X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ready = X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size()) == 1 &&
                SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                         const_cast<char*>(name.c_str())) == 1;
    }
    if (!ready || (name.empty() && expectation.require_valid))
        return fail(ErrorCode::invalid, "the server's name cannot be checked");
    if (!expectation.tlsa.empty()) {
        MAIL_DO(expect_tlsa(ssl.get(), expectation));
    }
    for (const std::string& further : expectation.further_names)
        if (X509_VERIFY_PARAM_add1_host(check, further.c_str(), further.size()) != 1)
            return fail(ErrorCode::invalid, "the server's name cannot be checked");
    SSL_set_verify(ssl.get(), expectation.require_valid ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    // RFC 7435: opportunistic encryption with a weak key is still better than none.
    if (!expectation.require_valid)
        SSL_set_security_level(ssl.get(), 1);
    const std::string& alpn = client.state().alpn;
    if (!alpn.empty())
        SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
    return ssl;
}

TlsInfo describe_tls(SSL* ssl, const std::string& expected_name, bool client) {
    TlsInfo info;
    info.version = SSL_get_version(ssl);
    info.cipher = SSL_get_cipher_name(ssl);
    if (!client) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        info.server_name = name != nullptr ? name : "";
        if (const X509Ptr shown(SSL_get1_peer_certificate(ssl)); shown)
            info.client = describe_client(shown.get(), SSL_get_verify_result(ssl));
        return info;
    }
    info.server_name = expected_name;
    const long verdict = SSL_get_verify_result(ssl);
    info.verified = verdict == X509_V_OK && !expected_name.empty();
    info.by_dane = info.verified && SSL_get0_dane_authority(ssl, nullptr, nullptr) >= 0;
    if (!info.verified)
        info.verify_error = verdict == X509_V_OK ? "no name was expected" : X509_verify_cert_error_string(verdict);
    return info;
}

} // namespace mail::net
