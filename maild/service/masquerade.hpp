// Masquerade: which sender domains leave as another one: those below a domain with `masquerade` that are no domain of this
// server themselves ("host7.example.org" as "example.org"). Built from the configuration, immutable; pure.
#pragma once

#include "common/mail/address.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mail::schema {
struct Domain;
}

namespace mail::service {

class Masquerade {
  public:
    Masquerade() = default;
    /// By domain key.
    explicit Masquerade(const std::map<std::string, schema::Domain>& domains);
    [[nodiscard]] bool empty() const noexcept { return shown_.empty(); }
    /// What a domain is shown as; nullopt: as it is.
    [[nodiscard]] std::optional<std::string> shown(std::string_view domain) const;
    [[nodiscard]] Address apply(const Address& address) const;
    /// A header section with the addresses in From, Sender and Reply-To as they are shown; nullopt: nothing changes.
    [[nodiscard]] std::optional<std::string> apply_header(std::string_view header) const;

  private:
    std::set<std::string, std::less<>> shown_;
    std::set<std::string, std::less<>> own_; ///< domains with a configuration of their own
};

} // namespace mail::service
