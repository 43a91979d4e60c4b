// MTA-STS (RFC 8461): the policies of other domains, fetched over HTTPS and kept until they end. A policy says which mail
// exchangers a domain has and that they have certificates to be verified. Used by queue/link for every connection to
// exchangers; the parsing is pure.
// Promises: a domain without a policy costs one cached DNS query; a fetch is bounded in time and size, follows no redirect
// and goes to no address of this machine; a policy that was seen once counts until it ends, even if its host is silent
// (§5.1). Thread-safe. Bounded by limit::mta_sts_policies.
#pragma once

#include "common/net/dns.hpp"
#include "common/net/tls_context.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>

namespace mail::queue {

struct StsPolicy {
    enum class Mode : std::uint8_t { none, testing, enforce };
    Mode mode = Mode::none;
    std::vector<std::string> mx; ///< lower case; "*.example.org" stands for one label more
    Duration max_age{};
    std::string id;   ///< of the TXT record it was fetched for
    std::string text; ///< as published, for reports
    [[nodiscard]] bool allows(std::string_view host) const;
};
/// Errors: invalid.
[[nodiscard]] Result<StsPolicy> parse_sts_policy(std::string_view text);
/// The id of the one "v=STSv1" record; nullopt: there is none, or not exactly one (§3.1).
[[nodiscard]] std::optional<std::string> sts_id(const std::vector<std::string>& records);

/// The text at https://mta-sts.DOMAIN/.well-known/mta-sts.txt.
/// Without `allow_loopback` from no address of this machine.
using StsFetch = std::function<Task<Result<std::string>>(std::shared_ptr<net::Resolver> resolver, std::string domain,
                                                         bool allow_loopback)>;
struct StsFetchOptions {
    const net::TlsClient* tls = nullptr; ///< outlives the fetcher
    std::uint16_t port = 443;
};
[[nodiscard]] StsFetch make_sts_fetch(StsFetchOptions options);

class StsPolicies {
  public:
    /// `file` keeps the policies over a restart (§5.1 rests on that); empty: none.
    StsPolicies(const Clock& clock, StsFetch fetch, std::string file = {});
    /// The policy to follow for mail to `domain` now; null when there is none.
    [[nodiscard]] Task<std::shared_ptr<const StsPolicy>> find(std::shared_ptr<net::Resolver> resolver, std::string domain,
                                                              bool allow_loopback);

  private:
    struct Entry {
        std::shared_ptr<const StsPolicy> policy; ///< null: a fetch failed
        Time ends{};                             ///< of the policy, or when the next fetch may be tried
    };
    [[nodiscard]] std::optional<Entry> kept(const std::string& domain);
    void keep(const std::string& domain, Entry entry);
    void load();
    void append(const std::string& domain, const Entry& entry) const;

    const Clock& clock_;
    StsFetch fetch_;
    std::string file_;
    std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
};

} // namespace mail::queue
