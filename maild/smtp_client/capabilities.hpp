// What a server offered in its answer to EHLO (RFC 5321 §4.1.1.1). Unknown keywords are ignored; nothing offered after
// HELO. Pure.
#pragma once

#include "maild/smtp/proto/reply.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mail::smtp_client {

struct Capabilities {
    bool extended = false;    ///< EHLO was accepted
    bool pipelining = false;  ///< RFC 2920
    bool eight_bit = false;   ///< RFC 6152
    bool smtputf8 = false;    ///< RFC 6531
    bool chunking = false;    ///< RFC 3030
    bool binary = false;      ///< RFC 3030
    bool dsn = false;         ///< RFC 3461
    bool starttls = false;    ///< RFC 3207
    bool require_tls = false; ///< RFC 8689
    bool size = false;        ///< RFC 1870
    std::uint64_t max_size = 0; ///< with `size`; 0: no limit announced
    std::vector<std::string> auth; ///< mechanism names, upper case, at most 32
};

[[nodiscard]] Capabilities read_capabilities(const smtp::Reply& ehlo);

} // namespace mail::smtp_client
