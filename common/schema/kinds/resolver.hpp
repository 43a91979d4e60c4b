// resolver: which name servers are asked; exists once.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Resolver {
    std::string name = "resolver";
    std::vector<std::string> servers; ///< "127.0.0.1", "127.0.0.1:5353", "[::1]:53"; empty: the system's
    std::string trust_anchor_file;    ///< DNSSEC root key; empty: the packaged one
};

extern const Kind resolver_kind;
template <> inline const Kind& kind_of<Resolver>() {
    return resolver_kind;
}

} // namespace mail::schema
