// Field: one setting of a resource, described once. A kind's table of fields (kinds/*.cpp) is the only place
// that says its name, sentence, type and rules; flags of mailctl, YAML, JSON, validation, plan, redaction,
// tables, explain and completion are all read from it. field<&Mailbox::quota>("quota", "...") erases the
// member to an address and a type, so tables are constexpr and cheap to compile; the codec lives in codec.cpp
// alone.
#pragma once

#include "common/schema/format.hpp"
#include "common/schema/types.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace mail::schema {

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
    std::int64_t least = 0; ///< of integer, size (bytes), duration (seconds) and their lists
    std::int64_t most = INT64_MAX;
    std::size_t max_items = 1000;  ///< of a list
    std::size_t max_length = 1024; ///< bytes of a text or of each element
    std::string_view reference{};  ///< kind whose name the text (or each element) is
    enum class RefersBy : std::uint8_t { name, domain, recipient } refers_by = RefersBy::name;
    bool (*refers_when)(const void*) = nullptr; ///< the reference counts only then; null: always
    std::string_view sample{};
    std::string_view since_version = "0.1";
    int column_order = 0;      ///< place in a table; 0: not shown
    bool is_wide = false;      ///< shown by -o wide only
    bool is_key = false;       ///< the name of the object; stands outside spec
    bool is_immutable = false; ///< a change replaces the object
    bool is_required = false;
    bool is_unmanaged = false; ///< left alone when a document does not mention it
    bool is_unordered = false; ///< a list whose order means nothing
    SecretUse secret_use = SecretUse::value;

    /// A copy with one member set.
    template <class T>
    [[nodiscard]] constexpr Field with(T Field::*member, std::type_identity_t<T> value) const {
        Field copy = *this;
        copy.*member = value;
        return copy;
    }
    [[nodiscard]] constexpr Field key() const { return required().immutable().with(&Field::is_key, true); }
    [[nodiscard]] constexpr Field immutable() const { return with(&Field::is_immutable, true); }
    [[nodiscard]] constexpr Field required() const { return with(&Field::is_required, true); }
    [[nodiscard]] constexpr Field unmanaged_when_absent() const { return with(&Field::is_unmanaged, true); }
    [[nodiscard]] constexpr Field unordered() const { return with(&Field::is_unordered, true); }
    [[nodiscard]] constexpr Field secret(SecretUse use) const { return with(&Field::secret_use, use); }
    [[nodiscard]] constexpr Field column(int n) const { return with(&Field::column_order, n); }
    [[nodiscard]] constexpr Field wide(int n) const { return column(n).with(&Field::is_wide, true); }
    [[nodiscard]] constexpr Field example(std::string_view text) const { return with(&Field::sample, text); }
    [[nodiscard]] constexpr Field since(std::string_view text) const {
        return with(&Field::since_version, text);
    }
    [[nodiscard]] constexpr Field one_of(std::span<const std::string_view> words) const {
        return with(&Field::choices, words);
    }
    [[nodiscard]] constexpr Field pattern(const TextFormat& form) const {
        return with(&Field::format, &form);
    }
    [[nodiscard]] constexpr Field range(std::int64_t low, std::int64_t high) const {
        return with(&Field::least, low).with(&Field::most, high);
    }
    [[nodiscard]] constexpr Field items(std::size_t count) const { return with(&Field::max_items, count); }
    [[nodiscard]] constexpr Field length(std::size_t bytes) const { return with(&Field::max_length, bytes); }
    /// The text is the name of an object of `kind`.
    [[nodiscard]] constexpr Field ref(std::string_view kind) const { return with(&Field::reference, kind); }
    /// The text is an address whose domain must be an object of kind domain.
    [[nodiscard]] constexpr Field in_local_domain() const {
        return ref("domain").with(&Field::refers_by, RefersBy::domain);
    }
    /// The text is an address that must exist when its domain is local.
    [[nodiscard]] constexpr Field to_recipient() const {
        return ref("mailbox").with(&Field::refers_by, RefersBy::recipient);
    }
    [[nodiscard]] constexpr Field when(bool (*condition)(const void*)) const {
        return with(&Field::refers_when, condition);
    }
    template <std::size_t N> [[nodiscard]] constexpr Field object(const Field (&table)[N]) const {
        return with(&Field::members, table).with(&Field::member_count, N);
    }
    [[nodiscard]] std::span<const Field> fields() const { return {members, member_count}; }
    [[nodiscard]] constexpr bool is_list() const noexcept {
        return type == FieldType::text_list || type == FieldType::integer_list ||
               type == FieldType::duration_list;
    }
};

/// One row of a kind's table. `M` is a member of one of the types above; a nested struct is a std::optional
/// of it.
template <auto M> [[nodiscard]] constexpr Field field(std::string_view name, std::string_view doc) {
    using Owner = typename detail::Member<M>::owner;
    using T = typename detail::Member<M>::type;
    Field f;
    f.name = name;
    f.doc = doc;
    f.type = detail::type_of<T>();
    if constexpr (detail::IsOptional<T>::value) {
        f.open = [](void* o) -> void* {
            auto& m = static_cast<Owner*>(o)->*M;
            return m ? &*m : &m.emplace();
        };
        f.peek = [](const void* o) -> const void* {
            auto& m = static_cast<const Owner*>(o)->*M;
            return m ? &*m : nullptr;
        };
    } else {
        f.open = [](void* o) -> void* { return &(static_cast<Owner*>(o)->*M); };
        f.peek = [](const void* o) -> const void* { return &(static_cast<const Owner*>(o)->*M); };
    }
    return f;
}

} // namespace mail::schema
