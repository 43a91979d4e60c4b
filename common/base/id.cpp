#include "common/base/id.hpp"

#include <cstring>
#include <random>

namespace mail {
namespace {
constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
}

std::string Id::text() const {
    // 130 bits written as 26 digits of 5; the top two bits are zero.
    std::string out(26, '0');
    unsigned accumulator = 0, bits = 2;
    std::size_t at = 0;
    for (unsigned char byte : bytes) {
        accumulator = accumulator << 8 | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = digits[accumulator >> bits & 31U];
        }
        accumulator &= (1U << bits) - 1U;
    }
    return out;
}

std::optional<Id> Id::parse(std::string_view text) {
    if (text.size() != 26)
        return std::nullopt;
    Id id;
    unsigned accumulator = 0, bits = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = digits.find(text[i]);
        if (digit == std::string_view::npos || (i == 0 && digit > 7))
            return std::nullopt;
        accumulator = accumulator << 5 | static_cast<unsigned>(digit);
        bits += i == 0 ? 3 : 5;
        if (bits >= 8) {
            bits -= 8;
            id.bytes[at++] = static_cast<unsigned char>(accumulator >> bits);
            accumulator &= (1U << bits) - 1U;
        }
    }
    return id;
}

Id Id::from_raw(std::string_view raw) noexcept {
    Id id;
    if (raw.size() == id.bytes.size())
        std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
}

Id Id::make(Time now) {
    thread_local std::mt19937_64 random{[] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device(), device(), device()};
        return std::mt19937_64{seed};
    }()};
    thread_local std::uint64_t last_ms = 0;
    thread_local std::uint64_t low = 0;
    thread_local std::uint16_t high = 0;
    auto ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    if (ms > last_ms) {
        last_ms = ms;
        low = random() >> 1; // the top bit stays clear: room to count up without overflow
        high = static_cast<std::uint16_t>(random());
    } else {
        ms = last_ms;
        ++low;
    }
    Id id;
    for (std::size_t i = 0; i < 6; ++i)
        id.bytes[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
    id.bytes[6] = static_cast<unsigned char>(high >> 8);
    id.bytes[7] = static_cast<unsigned char>(high & 255);
    for (std::size_t i = 0; i < 8; ++i)
        id.bytes[8 + i] = static_cast<unsigned char>(low >> (56 - 8 * i));
    return id;
}

std::size_t IdHash::operator()(const Id& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data() + 8, sizeof value);
    return value;
}

} // namespace mail
