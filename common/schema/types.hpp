// The types a setting may have: sizes, secrets and FieldType, and how a member of a kind's struct maps to
// them. Plain values; included by field.hpp, which every kind includes.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mail::schema {

/// A size; written "2GiB", "512KiB", "10MB" or as a number of bytes.
struct Bytes {
    std::uint64_t count = 0;
    constexpr Bytes() = default;
    constexpr Bytes(std::uint64_t bytes) : count(bytes) {}
    constexpr operator std::uint64_t() const noexcept { return count; }
};

/// A secret as a spec carries it; secrets.hpp states the whole policy.
struct SecretSetting {
    enum class Form : std::uint8_t {
        absent, ///< nothing is set
        value,  ///< {"value": "..."} on the wire, and in the store where the server itself must present it
                ///< (routes)
        hash,   ///< {"hash": "{SCRAM-SHA-256}..."}: what the store keeps of a login password
        keep,   ///< {"keep": true}: whatever is set stays
        from,   ///< {"from": "env:NAME"}: not resolved yet, never sent to the server
    };
    Form form = Form::absent;
    std::string text; ///< value, hash or source, by form
    std::string
        fingerprint; ///< beside a hash: the server's keyed fingerprint of what it was given; may be empty
    bool operator==(const SecretSetting&) const = default;
};

enum class FieldType : std::uint8_t {
    text,
    boolean,
    integer,
    size,
    duration,
    secret,
    text_list,
    integer_list,
    duration_list,
    object
};
/// "text", "size", "list of text" ...: as shown by explain and GET /v1/schema.
[[nodiscard]] std::string_view type_name(FieldType type) noexcept;

/// What the server keeps of a secret: a verifier that cannot be turned back, or the value itself.
enum class SecretUse : std::uint8_t { verifier, value };

namespace detail {
template <auto M> struct Member;
template <class Owner, class T, T Owner::*M> struct Member<M> {
    using owner = Owner;
    using type = T;
};
template <class T> struct IsOptional : std::false_type {};
template <class T> struct IsOptional<std::optional<T>> : std::true_type {};

template <class T> consteval FieldType type_of() {
    if constexpr (std::is_same_v<T, std::string>)
        return FieldType::text;
    else if constexpr (std::is_same_v<T, bool>)
        return FieldType::boolean;
    else if constexpr (std::is_same_v<T, std::int64_t>)
        return FieldType::integer;
    else if constexpr (std::is_same_v<T, Bytes>)
        return FieldType::size;
    else if constexpr (std::is_same_v<T, Duration>)
        return FieldType::duration;
    else if constexpr (std::is_same_v<T, SecretSetting>)
        return FieldType::secret;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>)
        return FieldType::text_list;
    else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
        return FieldType::integer_list;
    else if constexpr (std::is_same_v<T, std::vector<Duration>>)
        return FieldType::duration_list;
    else {
        static_assert(IsOptional<T>::value, "a member type the schema does not know");
        return FieldType::object;
    }
}
} // namespace detail

} // namespace mail::schema
