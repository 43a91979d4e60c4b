// The half of address.hpp that needs Unicode: keys that decide equality, and domains for people.
#include "common/mail/address.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"

#include <arpa/inet.h>
#include <array>
#include <unicode/ucasemap.h>
#include <unicode/uidna.h>

namespace mail {
namespace {

/// UTS 46 non-transitional, as IDNA2008 wants; immutable, so all threads share it.
const UIDNA* idna() {
    static const UIDNA* const instance = [] {
        UErrorCode status = U_ZERO_ERROR;
        return uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE |
                                   UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_USE_STD3_RULES,
                               &status);
    }();
    return instance;
}

const UCaseMap* case_map() {
    static const UCaseMap* const instance = [] {
        UErrorCode status = U_ZERO_ERROR;
        return ucasemap_open("", U_FOLD_CASE_DEFAULT, &status);
    }();
    return instance;
}

std::string fold_case(std::string_view utf8) {
    std::string out(utf8.size() * 3 + 16, '\0');
    UErrorCode status = U_ZERO_ERROR;
    const int32_t n = ucasemap_utf8FoldCase(case_map(), out.data(), static_cast<int32_t>(out.size()),
                                            utf8.data(), static_cast<int32_t>(utf8.size()), &status);
    if (U_FAILURE(status) || n < 0 || static_cast<std::size_t>(n) > out.size())
        return text::to_lower(utf8);
    out.resize(static_cast<std::size_t>(n));
    return out;
}

/// One spelling for an address literal: IPv6 in its shortest form.
std::string literal_key(std::string_view literal) {
    std::string lower = text::to_lower(literal);
    if (!lower.starts_with("[ipv6:") || lower.back() != ']')
        return lower;
    const std::string inner = lower.substr(6, lower.size() - 7);
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> shortest{};
    if (::inet_pton(AF_INET6, inner.c_str(), bytes.data()) != 1 ||
        ::inet_ntop(AF_INET6, bytes.data(), shortest.data(), shortest.size()) == nullptr)
        return lower;
    return "[ipv6:" + std::string(shortest.data()) + "]";
}

} // namespace

Result<std::string> domain_key(std::string_view domain) {
    if (domain.size() > 1 && domain.back() == '.')
        domain.remove_suffix(1);
    if (domain.empty() || domain.size() > 1024)
        return fail(ErrorCode::invalid, "the domain is empty or too long");
    if (domain.front() == '[')
        return literal_key(domain);
    if (text::is_ascii(domain))
        return text::to_lower(domain);
    std::array<char, 512> out{};
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    const int32_t n = uidna_nameToASCII_UTF8(idna(), domain.data(), static_cast<int32_t>(domain.size()),
                                             out.data(), static_cast<int32_t>(out.size()), &info, &status);
    if (U_FAILURE(status) || info.errors != 0 || n <= 0 || n > 255)
        return fail(ErrorCode::invalid, "the domain is not a valid internationalised name",
                    "write it as its A-label (xn--...)");
    return text::to_lower(std::string_view(out.data(), static_cast<std::size_t>(n)));
}

std::string domain_display(std::string_view domain) {
    if (domain.empty() || domain.size() > 255 || domain.front() == '[' ||
        (text::is_ascii(domain) && text::ifind(domain, "xn--") == std::string_view::npos))
        return std::string(domain);
    std::array<char, 1024> out{};
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    const int32_t n = uidna_nameToUnicodeUTF8(idna(), domain.data(), static_cast<int32_t>(domain.size()),
                                              out.data(), static_cast<int32_t>(out.size()), &info, &status);
    if (U_FAILURE(status) || info.errors != 0 || n <= 0 || static_cast<std::size_t>(n) > out.size())
        return std::string(domain);
    return {out.data(), static_cast<std::size_t>(n)};
}

std::string local_key(std::string_view local) {
    if (text::is_ascii(local) || !text::is_utf8(local))
        return text::to_lower(local);
    return to_nfc(fold_case(to_nfc(local)));
}

std::string address_key(const Address& address) {
    std::string key = local_key(address.local);
    if (address.domain.empty())
        return key;
    key += '@';
    auto domain = domain_key(address.domain);
    key += domain ? domain.value() : text::to_lower(address.domain);
    return key;
}

} // namespace mail
