// suppression: an address or domain that nothing is sent to any more, whoever asks.
#pragma once

#include "common/schema/kind.hpp"

namespace mail::schema {

struct Suppression {
    std::string recipient; ///< "ann@example.org", "example.org", "*.example.org"
    std::string reason;
    bool enabled = true;
};

extern const Kind suppression_kind;
template <> inline const Kind& kind_of<Suppression>() {
    return suppression_kind;
}

} // namespace mail::schema
