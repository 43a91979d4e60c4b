// listener: an address where the server waits for one protocol. Read by the composition root and by sessions.
#pragma once

#include "common/base/limits.hpp"
#include "common/schema/kind.hpp"

namespace mail::schema {

struct Listener {
    std::string name;
    std::string protocol;     ///< smtp submission lmtp imap pop3 http managesieve admin
    std::string bind;         ///< "ADDR:PORT", "[::1]:PORT", "*:PORT", "unix:PATH", "fd:N"
    std::string tls = "none"; ///< none starttls implicit
    std::string certificate = "default";
    std::string plaintext_auth = "refuse"; ///< refuse allow: sign-in without TLS
    std::vector<std::string> relay_from;   ///< networks that may relay without sign-in
    bool enabled = true;
    std::int64_t max_connections = 0; ///< 0: only the limit of the whole server
    Bytes max_message_size = 0;       ///< 0: the server's message_size
};

extern const Kind listener_kind;
template <> inline const Kind& kind_of<Listener>() {
    return listener_kind;
}

} // namespace mail::schema
