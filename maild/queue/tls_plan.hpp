// TlsPlan: how a connection to one host is to be encrypted, out of the route, the host's TLSA records (DANE, RFC 7672) and
// the MTA-STS policy of the recipient's domain (RFC 8461). Of these the strictest counts; DANE goes before MTA-STS.
// Called by queue/link for every host that it is about to try.
#pragma once

#include "maild/queue/mta_sts.hpp"
#include "maild/queue/route_table.hpp"
#include "maild/queue/targets.hpp"

namespace mail::queue {

struct TlsPlan {
    TlsPolicy policy = TlsPolicy::opportunistic;
    std::vector<net::TlsaRecord> tlsa;      ///< with TlsPolicy::dane
    std::string server_name;
    std::vector<std::string> further_names; ///< that the certificate may also name
    std::optional<smtp_client::Outcome> problem; ///< the host is not to be tried
    enum class Rule : std::uint8_t { route, dane, sts };
    Rule rule = Rule::route; ///< what decided
    std::string words;       ///< for the transcript
};

/// `domain` is the recipients'. `sts` may be null. Arguments outlive the call.
[[nodiscard]] Task<TlsPlan> plan_tls(net::Resolver& resolver, const Route& route, const Targets& targets, const Target& target,
                                     std::string_view domain, const StsPolicy* sts);
/// Those that RFC 7672 §3.1 lets SMTP use.
[[nodiscard]] std::vector<net::TlsaRecord> usable_tlsa(const std::vector<net::TlsaRecord>& records);

} // namespace mail::queue
