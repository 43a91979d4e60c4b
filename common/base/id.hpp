// Id: 128 bits, time-ordered, made by the node, so that several nodes never make the same one.
// Layout: 48 bits of Unix milliseconds, then 80 random bits whose low part counts up within a millisecond.
#pragma once

#include "common/base/time.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail {

struct Id {
    std::array<unsigned char, 16> bytes{};

    auto operator<=>(const Id&) const = default;
    [[nodiscard]] bool is_null() const noexcept { return *this == Id{}; }
    /// 26 characters of Crockford-style base32 in lower case; sorts like the bytes.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static std::optional<Id> parse(std::string_view text);
    /// The 16 bytes as they are stored.
    [[nodiscard]] std::string_view raw() const noexcept {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    [[nodiscard]] static Id from_raw(std::string_view raw) noexcept;

    /// A new id; later calls on one thread sort after earlier ones. Thread-safe.
    [[nodiscard]] static Id make(Time now);
};

struct IdHash {
    [[nodiscard]] std::size_t operator()(const Id& id) const noexcept;
};

} // namespace mail
