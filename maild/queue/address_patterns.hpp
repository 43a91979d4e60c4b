// AddressPatterns: a set of addresses, domains, "*.example.org", "*" and "<>" (the null sender), and how closely it fits an
// address. Used by routes, holds and suppressions. Pure and immutable; the patterns are in canonical form, as
// schema::address_pattern_format makes them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mail::queue {

/// An address apart, in the forms that patterns are compared with.
struct AddressKeys {
    std::string address; ///< address_key; "<>" for the null sender
    std::string domain;  ///< domain_key; empty for the null sender
};
[[nodiscard]] AddressKeys address_keys(std::string_view address);

class AddressPatterns {
  public:
    AddressPatterns() = default;
    explicit AddressPatterns(const std::vector<std::string>& patterns) : patterns_(patterns.begin(), patterns.end()) {}
    enum class Fit : unsigned char { none, any, below, domain, address };
    /// The closest of them.
    [[nodiscard]] Fit fit(const AddressKeys& keys) const;
    [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }

  private:
    std::set<std::string, std::less<>> patterns_;
};

} // namespace mail::queue
