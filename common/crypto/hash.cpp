#include "common/crypto/hash.hpp"

#include "common/base/text.hpp"

#include <cstdio>
#include <cstdlib>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace mail::crypto {
namespace {

// Without digests or randomness nothing here can go on safely: fail closed.
void demand(bool ok, const char* what) {
    if (!ok) {
        std::fprintf(stderr, "fatal: OpenSSL: %s failed\n", what);
        std::abort();
    }
}

// Fetched once: OpenSSL 3 otherwise looks the algorithm up in its providers at every call.
const EVP_MD* sha256_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    demand(method != nullptr, "SHA256");
    return method;
}
const EVP_MD* sha1_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    demand(method != nullptr, "SHA1");
    return method;
}

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

std::string digest(const EVP_MD* method, std::size_t size, std::string_view data) {
    std::string out(size, '\0');
    unsigned int written = 0;
    demand(EVP_Digest(data.data(), data.size(), bytes_of(out), &written, method, nullptr) == 1 && written == size, "digest");
    return out;
}

} // namespace

std::string sha256(std::string_view data) { return digest(sha256_method(), sha256_bytes, data); }
std::string sha1(std::string_view data) { return digest(sha1_method(), sha1_bytes, data); }

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string out(sha256_bytes, '\0');
    unsigned int written = 0;
    // A null key pointer means "keep the last key" to HMAC(), so an empty key points somewhere.
    const void* key_data = key.empty() ? static_cast<const void*>("") : static_cast<const void*>(key.data());
    demand(HMAC(sha256_method(), key_data, static_cast<int>(key.size()), bytes_of(data), data.size(), bytes_of(out),
                &written) != nullptr &&
               written == sha256_bytes,
           "HMAC");
    return out;
}

std::string pbkdf2_hmac_sha256(std::string_view password, std::string_view salt, std::uint32_t rounds) {
    std::string out(sha256_bytes, '\0');
    const char* password_data = password.empty() ? "" : password.data();
    demand(PKCS5_PBKDF2_HMAC(password_data, static_cast<int>(password.size()), bytes_of(salt),
                             static_cast<int>(salt.size()), static_cast<int>(rounds), sha256_method(),
                             static_cast<int>(out.size()), bytes_of(out)) == 1,
           "PBKDF2");
    return out;
}

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    demand(state_->context != nullptr && EVP_DigestInit_ex2(state_->context, sha256_method(), nullptr) == 1, "SHA256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    demand(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1, "SHA256");
}

std::string Sha256::finish() {
    std::string out(sha256_bytes, '\0');
    unsigned int written = 0;
    demand(EVP_DigestFinal_ex(state_->context, bytes_of(out), &written) == 1 && written == sha256_bytes, "SHA256");
    demand(EVP_DigestInit_ex2(state_->context, sha256_method(), nullptr) == 1, "SHA256");
    return out;
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    if (count > 0)
        demand(RAND_bytes(bytes_of(out), static_cast<int>(count)) == 1, "RAND_bytes");
    return out;
}

std::string random_token(std::size_t count) {
    std::string token = text::base64(random_bytes(count));
    while (!token.empty() && token.back() == '=')
        token.pop_back();
    for (char& c : token) {
        if (c == '+')
            c = '-';
        else if (c == '/')
            c = '_';
    }
    return token;
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
    // Compares `b` with itself when lengths differ, so that a wrong length costs the same.
    const bool same_size = a.size() == b.size();
    const char* left = same_size ? a.data() : b.data();
    const bool same_bytes = b.empty() || CRYPTO_memcmp(left, b.data(), b.size()) == 0;
    return same_size && same_bytes;
}

} // namespace mail::crypto
