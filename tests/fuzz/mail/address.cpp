// Envelope addresses: an accepted address reads back as itself, has a stable key and no control characters.
#include "common/mail/address.hpp"
#include "common/base/text.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    static_cast<void>(mail::domain_key(input));
    static_cast<void>(mail::domain_display(input));
    const auto address = mail::parse_address(input);
    if (!address)
        return 0;
    if (address->local.empty() || address->local.size() > 64 || address->domain.empty() ||
        address->domain.size() > 255)
        std::abort();
    const std::string text = address->text();
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            std::abort();
    const auto again = mail::parse_address(text);
    if (!again || !(*again == *address))
        std::abort();
    const std::string key = mail::address_key(*address);
    const std::size_t at = key.rfind('@');
    // The key of a key is the key: equality does not depend on how often it was computed.
    if (at == std::string::npos || mail::local_key(key.substr(0, at)) != key.substr(0, at) ||
        mail::domain_key(key.substr(at + 1)).value_or(std::string{}) != key.substr(at + 1))
        std::abort();
    if (!mail::text::is_ascii(key.substr(at)))
        std::abort();
    return 0;
}
