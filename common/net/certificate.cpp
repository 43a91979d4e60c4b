#include "common/net/certificate.hpp"

#include "common/base/text.hpp"
#include "common/net/bind.hpp"
#include "common/net/tls_openssl.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace mail::net {
namespace {

BioPtr memory_bio(std::string_view text) {
    constexpr std::size_t most = 1U << 20U; // a chain is a few KiB
    return text.size() > most ? nullptr : BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string name_text(const X509_NAME* name) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Time time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return {};
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::from_time_t(timegm(&parts)));
}

std::string asn1_text(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string ip_text(const ASN1_OCTET_STRING* octets) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    const int size = ASN1_STRING_length(octets);
    if (size == 4)
        inet_ntop(AF_INET, ASN1_STRING_get0_data(octets), out.data(), out.size());
    else if (size == 16)
        inet_ntop(AF_INET6, ASN1_STRING_get0_data(octets), out.data(), out.size());
    return out.data();
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
        std::string text;
        if (name->type == GEN_DNS)
            text = text::to_lower(asn1_text(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            text = ip_text(name->d.iPAddress);
        else if (name->type == GEN_EMAIL)
            text = text::to_lower(asn1_text(name->d.rfc822Name));
        // A NUL inside a name is an attack on readers that stop there (CVE-2009-2408).
        const bool usable = !text.empty() && text.find('\0') == std::string::npos;
        if (usable && std::find(names.begin(), names.end(), text) == names.end())
            names.push_back(std::move(text));
    }
    GENERAL_NAMES_free(list);
    if (names.empty()) {
        const X509_NAME* subject = X509_get_subject_name(certificate);
        const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at >= 0)
            names.push_back(text::to_lower(asn1_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
    }
    return names;
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1)
        return {};
    return text::hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr)
        return false;
    const bool added = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/// Only letters that cannot end or change an extension's configuration text.
bool is_plain_name(std::string_view name) {
    if (name.empty() || name.size() > 253)
        return false;
    for (const char c : name)
        if (!text::is_alnum(c) && c != '.' && c != '-' && c != '_' && c != '*' && c != ':')
            return false;
    return true;
}

bool fill_certificate(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names, unsigned days) {
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U); // RFC 5280 §4.1.2.2: positive
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    std::string alternatives;
    for (const auto& name : names) {
        const bool ip = is_ipv4(name) || is_ipv6(name);
        alternatives += (alternatives.empty() ? "" : ",") + std::string(ip ? "IP:" : "DNS:") + name;
        // fetchmail and others of its age compare an address with DNS names alone.
        if (is_ipv4(name))
            alternatives += ",DNS:" + name;
    }
    X509_NAME* subject = X509_get_subject_name(certificate);
    const std::string common = names[0].substr(0, 64); // RFC 5280 appendix A: ub-common-name
    // CA:true with keyCertSign lets clients take this one certificate as their CA file.
    return X509_set_version(certificate, 2) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(days), 0, nullptr) != nullptr &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, NID_subject_alt_name, alternatives) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

template <class Write> std::string pem_of(Write write) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (write(out.get()) != 1)
        return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

} // namespace

std::string openssl_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0)
        return "unknown reason";
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(ERR_GET_REASON(code));
}

X509Ptr read_certificate(std::string_view pem) {
    const BioPtr in = memory_bio(pem);
    X509Ptr result(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
    ERR_clear_error();
    return result;
}

KeyPtr read_key(std::string_view pem) {
    const BioPtr in = memory_bio(pem);
    // An encrypted key must not ask on the terminal.
    const auto no_password = [](char*, int, int, void*) { return 0; };
    KeyPtr result(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr) : nullptr);
    ERR_clear_error();
    return result;
}

Result<CertificateInfo> certificate_info(std::string_view pem) {
    const X509Ptr certificate = read_certificate(pem);
    if (!certificate)
        return fail(ErrorCode::invalid, "no certificate in PEM form was found",
                    "the text must have a line \"-----BEGIN CERTIFICATE-----\"");
    CertificateInfo info;
    info.names = names_of(certificate.get());
    info.subject = name_text(X509_get_subject_name(certificate.get()));
    info.issuer = name_text(X509_get_issuer_name(certificate.get()));
    info.not_before = time_of(X509_get0_notBefore(certificate.get()));
    info.not_after = time_of(X509_get0_notAfter(certificate.get()));
    info.self_signed = X509_NAME_cmp(X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())) == 0;
    info.fingerprint = fingerprint_of(certificate.get());
    return info;
}

ClientCertificate describe_client(X509* certificate, long verdict) {
    ClientCertificate client;
    client.fingerprint = fingerprint_of(certificate);
    client.names = names_of(certificate);
    client.trusted = verdict == X509_V_OK;
    if (!client.trusted)
        client.problem = X509_verify_cert_error_string(verdict);
    return client;
}

Result<X509StorePtr> read_authorities(std::string_view pem) {
    X509StorePtr store(X509_STORE_new());
    const BioPtr in = memory_bio(pem);
    std::size_t count = 0;
    while (store && in) {
        const X509Ptr authority(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
        if (!authority || X509_STORE_add_cert(store.get(), authority.get()) != 1)
            break;
        ++count;
    }
    ERR_clear_error(); // the end of the PEM text
    if (count == 0)
        return fail(ErrorCode::invalid, "no certificate in PEM form was found");
    return store;
}

Result<void> check_key_pair(std::string_view cert_pem, std::string_view key_pem) {
    const X509Ptr certificate = read_certificate(cert_pem);
    if (!certificate)
        return fail(ErrorCode::invalid, "no certificate in PEM form was found");
    const KeyPtr key = read_key(key_pem);
    if (!key)
        return fail(ErrorCode::invalid, "no private key in PEM form was found", "keys with a passphrase cannot be used");
    const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    if (!match)
        return fail(ErrorCode::invalid, "the private key does not belong to the certificate");
    const int bits = EVP_PKEY_get_bits(key.get());
    if ((EVP_PKEY_is_a(key.get(), "RSA") == 1 && bits < 2048) || (EVP_PKEY_is_a(key.get(), "EC") == 1 && bits < 256))
        return fail(ErrorCode::invalid, "the key is too weak: " + std::to_string(bits) + " bits",
                    "use P-256 or RSA with at least 2048 bits");
    return {};
}

Result<KeyPair> make_self_signed(const std::vector<std::string>& names, unsigned days) {
    if (names.empty() || names.size() > 100)
        return fail(ErrorCode::invalid, "a certificate needs 1 to 100 names");
    for (const auto& name : names)
        if (!is_plain_name(name) || (name.find(':') != std::string::npos && !is_ipv6(name)))
            return fail(ErrorCode::invalid, "\"" + text::escape(name, 100) + "\" is no host name or address");
    if (days < 1 || days > 36500)
        return fail(ErrorCode::invalid, "a certificate is valid for 1 to 36500 days");
    const KeyPtr key(EVP_EC_gen("P-256"));
    const X509Ptr certificate(X509_new());
    if (!key || !certificate || !fill_certificate(certificate.get(), key.get(), names, days))
        return fail(ErrorCode::internal, "the certificate cannot be made: " + openssl_reason());
    KeyPair pair;
    pair.cert_pem = pem_of([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
    pair.key_pem = pem_of(
        [&](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return pair;
}

} // namespace mail::net
