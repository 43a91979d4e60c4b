#include "common/crypto/checksum.hpp"

#include <array>
#include <cstring>

namespace mail::crypto {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78; // reflected 0x1edc6f41

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
        table[i] = value;
    }
    return table;
}
constexpr auto table = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view data, std::uint32_t seed) noexcept {
    std::uint64_t crc = ~seed;
    const char* at = data.data();
    std::size_t left = data.size();
    while (left >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        crc = __builtin_ia32_crc32di(crc, word);
        at += 8;
        left -= 8;
    }
    auto rest = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left)
        rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(*at++));
    return ~rest;
}
#endif

} // namespace

std::uint32_t crc32c_portable(std::string_view data, std::uint32_t seed) noexcept {
    std::uint32_t crc = ~seed;
    for (const char c : data)
        crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
    return ~crc;
}

std::uint32_t crc32c(std::string_view data, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction)
        return crc32c_hardware(data, seed);
#endif
    return crc32c_portable(data, seed);
}

} // namespace mail::crypto
