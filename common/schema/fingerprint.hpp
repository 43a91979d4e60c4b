// fingerprint: 128 bits of a text as 32 hex digits (FNV-1a). Tells versions of plans and schemas apart;
// promises nothing against somebody who wants two texts to look alike. Internal to common/schema.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mail::schema {

[[nodiscard]] std::string fingerprint(std::string_view text);

} // namespace mail::schema
