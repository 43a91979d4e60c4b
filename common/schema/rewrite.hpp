// Rewrite: one rule of a domain's map of local parts, "sales-*=info" or "*=*@new.example": mail to what fits the left
// side goes to the right side. At most one "*" on each side; that of the right stands for what that of the left took.
// A right side without "@" stays in the domain. Used by the kind domain and by the directory. Pure.
#pragma once

#include "common/mail/address.hpp"
#include "common/schema/format.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail::schema {

struct Rewrite {
    std::string pattern; ///< of the local part: folded like the keys of addresses
    std::string local;   ///< of the target
    std::string domain;  ///< of the target; empty: the same domain
};

/// Errors: invalid, with a sentence that fits after "field: ".
[[nodiscard]] Result<Rewrite> parse_rewrite(std::string_view text);
/// Where an address goes; nullopt when the rule does not fit it or gives no address (a local part over 64 bytes).
[[nodiscard]] std::optional<Address> apply_rewrite(const Rewrite& rule, const Address& address);
/// "local=target", the left side folded.
extern const TextFormat rewrite_format;

} // namespace mail::schema
