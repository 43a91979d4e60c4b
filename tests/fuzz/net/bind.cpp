// Bind addresses and numeric addresses: what is read must be written so that it reads back to the same.
#include "common/net/bind.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = mail::net::parse_bind(text);
    if (parsed)
        for (const auto& address : *parsed) {
            const auto again = mail::net::parse_bind(address.text());
            if (!again || again->size() != 1 || again->front() != address)
                std::abort();
        }
    const std::string canonical = mail::net::canonical_address(text);
    if (mail::net::canonical_address(canonical) != canonical)
        std::abort();
    return 0;
}
