// server: the settings of the whole server; exists once. Read by every session through the ConfigSnapshot.
#pragma once

#include "common/base/limits.hpp"
#include "common/schema/kind.hpp"

namespace mail::schema {

struct Server {
    std::string name = "server";
    std::string hostname;   ///< empty: the machine's own
    std::string postmaster; ///< empty: postmaster@hostname
    Bytes message_size = std::uint64_t{limit::message_bytes};
    std::int64_t recipients = limit::smtp_recipients; ///< in one SMTP transaction
    /// Waiting times between attempts; the last one repeats (RFC 5321 §4.5.4.1).
    std::vector<Duration> retry = {std::chrono::minutes(5), std::chrono::minutes(10),
                                   std::chrono::minutes(20), std::chrono::minutes(40),
                                   std::chrono::seconds(4000)};
    Duration expire = std::chrono::hours(120);      ///< then it bounces
    bool srs = true;                                ///< forwarded mail of strangers leaves with a sender of ours
    Duration delay_warning = std::chrono::hours(4); ///< then the sender is told; 0: never
    Duration stories_keep = std::chrono::hours(24 * 30); ///< of every message; then they go
    Bytes stories_size = std::uint64_t{2} << 30;         ///< of all; then the oldest go
    std::int64_t outbound_connections = limit::outbound_connections;
    std::int64_t per_destination = limit::per_destination;
};

extern const Kind server_kind;
template <> inline const Kind& kind_of<Server>() {
    return server_kind;
}

} // namespace mail::schema
