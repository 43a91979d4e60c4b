// The store as planning and validation see it, and passwords as the store keeps them. Used by Resources on the worker pool.
#pragma once

#include "common/schema/secrets.hpp"
#include "common/schema/view.hpp"
#include "maild/admin/resources.hpp"

#include <unordered_map>

namespace mail::admin {

/// Reads what is asked for and remembers it, so that one plan sees each object once. One thread.
class Resources::View final : public schema::ResourceView {
  public:
    View(store::Store& store, std::uint64_t revision) : store_(store), revision_(revision) {}
    [[nodiscard]] std::optional<schema::Current> find(std::string_view kind, std::string_view name) const override;
    [[nodiscard]] std::optional<schema::AddressOwner> find_address(std::string_view key) const override;
    void each(std::string_view kind, const std::function<bool(const schema::Current&)>& visit) const override;
    [[nodiscard]] std::uint64_t revision() const override { return revision_; }
    /// The store failed while the plan was made; the plan is then worthless.
    [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

  private:
    store::Store& store_;
    std::uint64_t revision_;
    mutable std::unordered_map<std::string, std::optional<schema::Current>> known_;
    mutable std::optional<Error> failure_;
};

/// SCRAM-SHA-256 verifiers, and keyed fingerprints that reveal nothing without the server's key.
class Resources::Sealer final : public schema::SecretSealer {
  public:
    explicit Sealer(std::string key) : key_(std::move(key)) {}
    [[nodiscard]] Result<Sealed> seal(std::string_view password) const override;
    [[nodiscard]] bool same(const Sealed& stored, std::string_view password) const override;
    [[nodiscard]] Result<void> check_hash(std::string_view hash) const override;

  private:
    std::string key_;
};

} // namespace mail::admin
