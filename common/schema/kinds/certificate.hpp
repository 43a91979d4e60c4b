// certificate: a key and chain for TLS; listeners name it. Exactly one source: self-signed, or a pair of
// files.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Certificate {
    std::string name;
    bool self_signed = false;
    std::string certificate_file;   ///< PEM, leaf first
    std::string key_file;           ///< PEM, not encrypted
    std::vector<std::string> names; ///< of a self-signed one; empty: the server's hostname
};

extern const Kind certificate_kind;
template <> inline const Kind& kind_of<Certificate>() {
    return certificate_kind;
}

} // namespace mail::schema
