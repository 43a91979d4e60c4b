// Field: one setting of a resource, described once. A kind's table of fields (kinds/*.cpp) is the only place that says
// its name, sentence, type and rules; flags of mailctl, YAML, JSON, validation, plan, redaction, tables, explain and
// completion are all read from it. field<&Mailbox::quota>("quota", "...") erases the member to an address and a type, so
// tables are constexpr and cheap to compile; the codecs live in json.cpp alone.
#pragma once

#include "common/base/time.hpp"
#include "common/schema/format.hpp"

#include <cstdint>
#include <optional>
#include <span>
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
        value,  ///< {"value": "..."} on the wire, and in the store where the server itself must present it (routes)
        hash,   ///< {"hash": "{SCRAM-SHA-256}..."}: what the store keeps of a login password
        keep,   ///< {"keep": true}: whatever is set stays
        from,   ///< {"from": "env:NAME"}: not resolved yet, never sent to the server
    };
    Form form = Form::absent;
    std::string text;        ///< value, hash or source, by form
    std::string fingerprint; ///< beside a hash: the server's keyed fingerprint of what it was given; may be empty
    bool operator==(const SecretSetting&) const = default;
};

enum class FieldType : std::uint8_t {
    text, boolean, integer, size, duration, secret, text_list, integer_list, duration_list, object
};
/// "text", "size", "list of text" ...: as shown by explain and GET /v1/schema.
[[nodiscard]] std::string_view type_name(FieldType type) noexcept;

/// What the server keeps of a secret: a verifier that cannot be turned back, or the value itself.
enum class SecretUse : std::uint8_t { verifier, value };

struct Field {
    std::string_view name;
    std::string_view doc; ///< one sentence
    FieldType type = FieldType::text;
    void* (*open)(void* owner) = nullptr;             ///< address of the member; makes an optional object
    const void* (*peek)(const void* owner) = nullptr; ///< the same; null when an optional object is absent
    std::span<const std::string_view> choices{};      ///< allowed words; empty: any
    const TextFormat* format = nullptr;               ///< form of the text or of each element
    const Field* members = nullptr;                   ///< fields of an object
    std::size_t member_count = 0;
    std::int64_t least = 0;                ///< of integer, size (bytes), duration (seconds) and their lists
    std::int64_t most = INT64_MAX;
    std::size_t max_items = 1000;          ///< of a list
    std::size_t max_length = 1024;         ///< bytes of a text or of each element
    std::string_view reference{};          ///< kind whose name the text (or each element) is
    enum class RefersBy : std::uint8_t { name, domain, recipient } refers_by = RefersBy::name;
    bool (*refers_when)(const void* owner) = nullptr; ///< the reference counts only then; null: always
    std::string_view sample{};
    std::string_view since_version = "0.1";
    int column_order = 0;                  ///< place in a table; 0: not shown
    bool is_wide = false;                  ///< shown by -o wide only
    bool is_key = false;                   ///< the name of the object; stands outside spec
    bool is_immutable = false;             ///< a change replaces the object
    bool is_required = false;
    bool is_unmanaged = false;             ///< left alone when a document does not mention it
    bool is_unordered = false;             ///< a list whose order means nothing
    SecretUse secret_use = SecretUse::value;

    [[nodiscard]] constexpr Field key() const { auto f = *this; f.is_key = f.is_required = f.is_immutable = true; return f; }
    [[nodiscard]] constexpr Field immutable() const { auto f = *this; f.is_immutable = true; return f; }
    [[nodiscard]] constexpr Field required() const { auto f = *this; f.is_required = true; return f; }
    [[nodiscard]] constexpr Field unmanaged_when_absent() const { auto f = *this; f.is_unmanaged = true; return f; }
    [[nodiscard]] constexpr Field unordered() const { auto f = *this; f.is_unordered = true; return f; }
    [[nodiscard]] constexpr Field secret(SecretUse use) const { auto f = *this; f.secret_use = use; return f; }
    [[nodiscard]] constexpr Field column(int n) const { auto f = *this; f.column_order = n; return f; }
    [[nodiscard]] constexpr Field wide(int n) const { auto f = column(n); f.is_wide = true; return f; }
    [[nodiscard]] constexpr Field example(std::string_view s) const { auto f = *this; f.sample = s; return f; }
    [[nodiscard]] constexpr Field since(std::string_view s) const { auto f = *this; f.since_version = s; return f; }
    [[nodiscard]] constexpr Field one_of(std::span<const std::string_view> c) const { auto f = *this; f.choices = c; return f; }
    [[nodiscard]] constexpr Field pattern(const TextFormat& t) const { auto f = *this; f.format = &t; return f; }
    [[nodiscard]] constexpr Field range(std::int64_t lo, std::int64_t hi) const { auto f = *this; f.least = lo; f.most = hi; return f; }
    [[nodiscard]] constexpr Field items(std::size_t most_items) const { auto f = *this; f.max_items = most_items; return f; }
    [[nodiscard]] constexpr Field length(std::size_t bytes) const { auto f = *this; f.max_length = bytes; return f; }
    /// The text is the name of an object of `kind`.
    [[nodiscard]] constexpr Field ref(std::string_view kind) const { auto f = *this; f.reference = kind; return f; }
    /// The text is an address whose domain must be an object of kind domain.
    [[nodiscard]] constexpr Field in_local_domain() const { auto f = ref("domain"); f.refers_by = RefersBy::domain; return f; }
    /// The text is an address that must exist when its domain is local.
    [[nodiscard]] constexpr Field to_recipient() const { auto f = ref("mailbox"); f.refers_by = RefersBy::recipient; return f; }
    [[nodiscard]] constexpr Field when(bool (*condition)(const void*)) const { auto f = *this; f.refers_when = condition; return f; }
    template <std::size_t N> [[nodiscard]] constexpr Field object(const Field (&table)[N]) const {
        auto f = *this; f.members = table; f.member_count = N; return f;
    }
    [[nodiscard]] std::span<const Field> fields() const { return {members, member_count}; }
    [[nodiscard]] constexpr bool is_list() const noexcept {
        return type == FieldType::text_list || type == FieldType::integer_list || type == FieldType::duration_list;
    }
};

namespace detail {
template <auto M> struct Member;
template <class Owner, class T, T Owner::*M> struct Member<M> {
    using owner = Owner;
    using type = T;
};
template <class T> struct IsOptional : std::false_type {};
template <class T> struct IsOptional<std::optional<T>> : std::true_type {};

template <class T> consteval FieldType type_of() {
    if constexpr (std::is_same_v<T, std::string>) return FieldType::text;
    else if constexpr (std::is_same_v<T, bool>) return FieldType::boolean;
    else if constexpr (std::is_same_v<T, std::int64_t>) return FieldType::integer;
    else if constexpr (std::is_same_v<T, Bytes>) return FieldType::size;
    else if constexpr (std::is_same_v<T, Duration>) return FieldType::duration;
    else if constexpr (std::is_same_v<T, SecretSetting>) return FieldType::secret;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>) return FieldType::text_list;
    else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) return FieldType::integer_list;
    else if constexpr (std::is_same_v<T, std::vector<Duration>>) return FieldType::duration_list;
    else { static_assert(IsOptional<T>::value, "a member type the schema does not know"); return FieldType::object; }
}
} // namespace detail

/// One row of a kind's table. `M` is a member of one of the types above; a nested struct is a std::optional of it.
template <auto M> [[nodiscard]] constexpr Field field(std::string_view name, std::string_view doc) {
    using Owner = typename detail::Member<M>::owner;
    using T = typename detail::Member<M>::type;
    Field f;
    f.name = name;
    f.doc = doc;
    f.type = detail::type_of<T>();
    if constexpr (detail::IsOptional<T>::value) {
        f.open = [](void* o) -> void* { auto& m = static_cast<Owner*>(o)->*M; return m ? &*m : &m.emplace(); };
        f.peek = [](const void* o) -> const void* { auto& m = static_cast<const Owner*>(o)->*M; return m ? &*m : nullptr; };
    } else {
        f.open = [](void* o) -> void* { return &(static_cast<Owner*>(o)->*M); };
        f.peek = [](const void* o) -> const void* { return &(static_cast<const Owner*>(o)->*M); };
    }
    return f;
}

} // namespace mail::schema
