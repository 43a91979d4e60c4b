// Certificates as text: what one says, and how to make one's own. Pure functions; no network.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::net {

struct CertificateInfo {
    std::vector<std::string> names; ///< DNS, IP and e-mail alternative names, lower case; the common name if there are none
    std::string subject;
    std::string issuer;
    Time not_before{};
    Time not_after{};
    std::string fingerprint; ///< SHA-256 of the certificate, lower-case hex
    bool self_signed = false;
};
/// About the first certificate of `pem`. Errors: invalid.
[[nodiscard]] Result<CertificateInfo> certificate_info(std::string_view pem);
/// Checks that key and first certificate belong together and that the key is strong enough (RSA 2048, P-256).
[[nodiscard]] Result<void> check_key_pair(std::string_view cert_pem, std::string_view key_pem);

struct KeyPair {
    std::string cert_pem;
    std::string key_pem;
};
/// A P-256 certificate for `names` (DNS names and numeric addresses) signed by itself; it can serve as its own CA file.
[[nodiscard]] Result<KeyPair> make_self_signed(const std::vector<std::string>& names, unsigned days);

} // namespace mail::net
