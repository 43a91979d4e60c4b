// Kind: one sort of resource: its words, its table of fields and its own rules. A kind is one file in kinds/
// that defines `extern const Kind x_kind` with make_kind<X>(...), plus one line in registry.cpp; nothing else
// names it. All functions of a kind are pure. Objects are handled as void* of the kind's struct by decode.cpp
// and encode.cpp; everyone else uses the typed decode<X>() of json.hpp.
#pragma once

#include "common/schema/field.hpp"
#include "common/schema/issue.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

class ResourceView;

/// How long the store keeps what an object with an account loses.
struct Keeping {
    Duration recoverable{};              ///< 0: as for all
    std::uint64_t recoverable_bytes = 0; ///< 0: as for all
    Time held_until{};                   ///< nothing goes for good until then; Time::max(): until it is lifted
};

struct Kind {
    std::string_view name;   ///< "mailbox": in YAML and on the command line
    std::string_view plural; ///< "mailboxes": in paths
    std::string_view doc;    ///< one sentence
    std::span<const Field> fields;
    bool is_singleton = false;       ///< exists once, named like the kind
    bool has_account = false;        ///< owns stored mail
    bool owns_address = false;       ///< its name is an address that leads to it
    std::string_view when_deleted{}; ///< what a deletion does, for the effects of a plan; may be empty

    void* (*make)() = nullptr;
    void (*destroy)(void*) = nullptr;
    /// Rules between fields; reports all faults.
    void (*check)(const void* object, Issues& issues) = nullptr;
    /// Rules between objects of the resulting whole, beyond references and addresses.
    void (*check_whole)(const void* object, std::string_view name, const ResourceView& whole,
                        Issues& issues) = nullptr;
    /// Keys (address_key) of all addresses that lead to the object, its own included; the store's address
    /// index.
    std::vector<std::string> (*addresses)(const void* object) = nullptr;
    /// Of kinds with an account; null: as for all.
    Keeping (*keeping)(const void* object) = nullptr;

    /// A copy with one member set.
    template <class T>
    [[nodiscard]] constexpr Kind with(T Kind::*member, std::type_identity_t<T> value) const {
        Kind copy = *this;
        copy.*member = value;
        return copy;
    }
    [[nodiscard]] constexpr Kind singleton() const { return with(&Kind::is_singleton, true); }
    [[nodiscard]] constexpr Kind with_account() const { return with(&Kind::has_account, true); }
    [[nodiscard]] constexpr Kind deletion(std::string_view effect) const {
        return with(&Kind::when_deleted, effect);
    }
    template <class T, void (*F)(const T&, Issues&)> [[nodiscard]] constexpr Kind checked() const {
        auto k = *this;
        k.check = [](const void* o, Issues& i) { F(*static_cast<const T*>(o), i); };
        return k;
    }
    template <class T, void (*F)(const T&, std::string_view, const ResourceView&, Issues&)>
    [[nodiscard]] constexpr Kind checked_whole() const {
        auto k = *this;
        k.check_whole = [](const void* o, std::string_view n, const ResourceView& w, Issues& i) {
            F(*static_cast<const T*>(o), n, w, i);
        };
        return k;
    }
    template <class T, std::vector<std::string> (*F)(const T&)>
    [[nodiscard]] constexpr Kind answers_to() const {
        auto k = *this;
        k.owns_address = true;
        k.addresses = [](const void* o) { return F(*static_cast<const T*>(o)); };
        return k;
    }

    template <class T, Keeping (*F)(const T&)> [[nodiscard]] constexpr Kind keeps() const {
        auto k = *this;
        k.keeping = [](const void* o) { return F(*static_cast<const T*>(o)); };
        return k;
    }

    /// The field with this name; null when there is none.
    [[nodiscard]] const Field* find(std::string_view field_name) const noexcept;
    [[nodiscard]] const Field& key_field() const noexcept { return fields.front(); }
    /// The one spelling of a name ("Ann@Example.ORG" -> "ann@example.org"). Errors: invalid.
    [[nodiscard]] Result<std::string> canonical_name(std::string_view given) const;
};

/// The first row of `fields` is the key.
template <class T>
[[nodiscard]] constexpr Kind make_kind(std::string_view name, std::string_view plural, std::string_view doc,
                                       std::span<const Field> fields) {
    Kind k;
    k.name = name;
    k.plural = plural;
    k.doc = doc;
    k.fields = fields;
    k.make = []() -> void* { return std::make_unique<T>().release(); };
    k.destroy = [](void* o) { std::unique_ptr<T>(static_cast<T*>(o)).reset(); };
    return k;
}

/// The Kind of a struct; each kinds/x.hpp specialises it.
template <class T> [[nodiscard]] const Kind& kind_of();

} // namespace mail::schema
