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
    std::vector<std::string> relay_certificates; ///< client certificates that may: "sha256:HEX" or a name in one
    std::string client_ca_file;            ///< PEM: who signs client certificates that are known by name
    bool enabled = true;
    std::int64_t max_connections = 0; ///< 0: only the limit of the whole server
    Bytes max_message_size = 0;       ///< 0: the server's message_size
    std::vector<std::string> allow_from;   ///< networks that may connect; empty: all
    std::vector<std::string> proxy_from;   ///< networks of proxies, who begin with a PROXY header
    std::vector<std::string> xclient_from; ///< networks of test clients that may use XCLIENT
    std::vector<std::string> etrn_from;    ///< networks that may use ETRN
    std::int64_t max_per_address = 0; ///< 0: limit::connections_per_address for mail in, none for others
    std::int64_t max_recipients = 0;  ///< 0: the server's recipients
    std::int64_t max_recipient_domains = 0; ///< in one session; 0: no limit
    std::int64_t max_messages = 0; ///< this and the following, 0: the limit of that kind
    std::int64_t max_errors = 0;
    Bytes min_rate = 0; ///< of a message, in a second
    Duration banner_delay{};
    Duration hello_timeout{};
    Duration command_timeout{};
    Duration data_timeout{};
};

extern const Kind listener_kind;
template <> inline const Kind& kind_of<Listener>() {
    return listener_kind;
}

} // namespace mail::schema
