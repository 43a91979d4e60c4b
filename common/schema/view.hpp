// ResourceView: the objects that exist, as validation and planning see them. The server implements it over
// its store, so that a change of one object among 10,000 loads only what it touches; MemoryView serves tests
// and offline validation; OverlayView shows what would be after a plan. Const calls on one thread.
#pragma once

#include "common/schema/document.hpp"
#include "common/schema/registry.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mail::schema {

/// An object as it is stored.
struct Current {
    std::string kind;
    std::string name;
    SpecPtr spec;    ///< normalised, secrets as the store keeps them; never null
    std::string set; ///< which apply set owns it; empty: made by hand
};

struct AddressOwner {
    std::string kind;
    std::string name;
    bool operator==(const AddressOwner&) const = default;
};

class ResourceView {
  public:
    virtual ~ResourceView() = default;
    [[nodiscard]] virtual std::optional<Current> find(std::string_view kind, std::string_view name) const = 0;
    /// Who answers to an address_key.
    [[nodiscard]] virtual std::optional<AddressOwner> find_address(std::string_view key) const = 0;
    /// All objects of a kind by name until `visit` returns false. Asked of small kinds, for prune, and for
    /// deletions.
    virtual void each(std::string_view kind, const std::function<bool(const Current&)>& visit) const = 0;
    /// The revision this view shows; goes into the plan's hash.
    [[nodiscard]] virtual std::uint64_t revision() const = 0;
};

class MemoryView final : public ResourceView {
  public:
    explicit MemoryView(Kinds kinds = all_kinds()) : kinds_(kinds) {}
    void put(Current object);
    void remove(std::string_view kind, std::string_view name);
    [[nodiscard]] std::optional<Current> find(std::string_view kind, std::string_view name) const override;
    [[nodiscard]] std::optional<AddressOwner> find_address(std::string_view key) const override;
    void each(std::string_view kind, const std::function<bool(const Current&)>& visit) const override;
    [[nodiscard]] std::uint64_t revision() const override { return revision_; }

  private:
    Kinds kinds_;
    std::map<std::pair<std::string, std::string>, Current> objects_;
    std::unordered_map<std::string, AddressOwner> addresses_;
    std::uint64_t revision_ = 0;
};

/// `base` with some objects replaced or removed. References `base`, which must outlive it.
class OverlayView final : public ResourceView {
  public:
    explicit OverlayView(const ResourceView& base, Kinds kinds = all_kinds()) : base_(base), kinds_(kinds) {}
    void put(Current object);
    void remove(std::string_view kind, std::string_view name);
    [[nodiscard]] std::optional<Current> find(std::string_view kind, std::string_view name) const override;
    /// The first of owners().
    [[nodiscard]] std::optional<AddressOwner> find_address(std::string_view key) const override;
    void each(std::string_view kind, const std::function<bool(const Current&)>& visit) const override;
    [[nodiscard]] std::uint64_t revision() const override { return base_.revision(); }
    /// Everybody who would answer to an address; more than one is a conflict.
    [[nodiscard]] std::vector<AddressOwner> owners(std::string_view key) const;
    /// Whether put or remove was called for it.
    [[nodiscard]] bool is_changed(std::string_view kind, std::string_view name) const;

  private:
    const ResourceView& base_;
    Kinds kinds_;
    std::map<std::pair<std::string, std::string>, std::optional<Current>> changes_;
    std::unordered_map<std::string, std::vector<AddressOwner>> addresses_;
};

/// Keys of all addresses that lead to an object; empty for kinds that own none.
[[nodiscard]] std::vector<std::string> addresses_of(const Kind& kind, std::string_view name,
                                                    const boost::json::object& spec);

/// What an object says about how long what it loses is kept.
[[nodiscard]] Keeping keeping_of(const Kind& kind, std::string_view name, const boost::json::object& spec);

/// Reports addresses in field `path` that nobody here has.
void check_known(Issues& issues, std::string_view path, const std::vector<std::string>& addresses,
                 const ResourceView& whole);

} // namespace mail::schema
