#include "common/schema/fingerprint.hpp"

#include "common/base/text.hpp"

namespace mail::schema {

std::string fingerprint(std::string_view text) {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t a = 0xcbf29ce484222325;
    std::uint64_t b = 0x84222325cbf29ce4;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        a = (a ^ byte) * prime;
        b = (b ^ (byte + 0x9eU)) * prime;
        b ^= b >> 29;
    }
    std::string bytes;
    for (const std::uint64_t half : {a, b})
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes += static_cast<char>(static_cast<unsigned char>(half >> shift));
    return text::hex(bytes);
}

} // namespace mail::schema
