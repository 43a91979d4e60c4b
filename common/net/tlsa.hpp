// One TLSA record (RFC 6698 §2.1): which certificate or key a server's must match. Read by the resolver, checked by the
// TLS client (RFC 7672).
#pragma once

#include <cstdint>
#include <string>

namespace mail::net {

struct TlsaRecord {
    std::uint8_t usage = 0;
    std::uint8_t selector = 0;
    std::uint8_t matching = 0;
    std::string data;
};

} // namespace mail::net
