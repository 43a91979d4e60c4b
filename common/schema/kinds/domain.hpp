// domain: a mail domain whose mail this server takes: as its home, or to pass it on (internal and external relay).
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Domain {
    std::string name;                   ///< lower-case A-label
    std::string type = "authoritative"; ///< authoritative internal_relay external_relay
    std::string alias_of;               ///< domain in which the same local part is looked for; empty: none
    std::vector<std::string> rewrite;   ///< rules (rewrite.hpp), the first that fits counts
    std::string catch_all;              ///< address that gets mail for unknown local parts; empty: refuse it
    bool masquerade = false;            ///< senders of its subdomains leave as senders of this domain
    std::string drop;                   ///< folder that gets mail for unknown local parts as files; empty: none
    Bytes default_quota = 0;            ///< of mailboxes that state none; 0: no limit
    Duration recoverable_keep{};        ///< of its mailboxes that state none; 0: the policy's
    Duration removed_keep{};            ///< of its mailboxes; 0: the policy's
    Bytes default_quota_warn = 0;       ///< goes with default_quota; 0: nine tenths of it
    Bytes default_quota_send = 0;       ///< goes with default_quota; 0: sending never stops
    bool enabled = true;                ///< false: mail for it is refused for the time being

    /// Local parts that nobody here has may be somebody's elsewhere.
    [[nodiscard]] bool passes_on() const noexcept { return type != "authoritative" || !drop.empty(); }
};

extern const Kind domain_kind;
template <> inline const Kind& kind_of<Domain>() {
    return domain_kind;
}

} // namespace mail::schema
