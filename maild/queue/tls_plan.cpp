#include "maild/queue/tls_plan.hpp"

#include "common/net/bind.hpp"

#include <algorithm>

namespace mail::queue {
namespace {
using smtp_client::own_outcome;

bool is_usable(const net::TlsaRecord& record) {
    // RFC 7672 §3.1.3: PKIX-TA(0) and PKIX-EE(1) are not for SMTP; RFC 6698 §2.1 for the rest.
    if ((record.usage != 2 && record.usage != 3) || record.selector > 1 || record.data.empty())
        return false;
    return record.matching == 0 || (record.matching == 1 && record.data.size() == 32) ||
           (record.matching == 2 && record.data.size() == 64);
}

/// What the look-up of TLSA records came to.
struct Found {
    std::vector<net::TlsaRecord> records;
    std::string base; ///< the name they were found at
    bool temporary = false;
    std::string words;
};

/// RFC 7672 §2.2.3: at the host's name after CNAMEs, then at the name itself. Only validated answers count.
Task<Found> find_tlsa(net::Resolver& resolver, const Target& target) {
    std::vector<std::string> bases;
    if (!target.canonical.empty() && target.canonical != target.host)
        bases.push_back(target.canonical);
    bases.push_back(target.host);
    Found found;
    for (const std::string& base : bases) {
        auto answer = co_await resolver.tlsa(base, target.port);
        if (answer && answer->secure) {
            found.records = std::move(answer->records);
            found.base = base;
            co_return found;
        }
        if (!answer && answer.error().code != ErrorCode::not_found) {
            found.temporary = true;
            found.words = answer.error().message;
            co_return found;
        }
    }
    co_return found;
}

void use_dane(TlsPlan& plan, const Found& found, const Target& target, const Targets& targets, std::string_view domain) {
    plan.rule = TlsPlan::Rule::dane;
    plan.tlsa = usable_tlsa(found.records);
    if (plan.tlsa.empty()) {
        // RFC 7672 §2.2: records that nobody can use still mean TLS, without a check of the certificate.
        plan.policy = std::max(plan.policy, TlsPolicy::required);
        plan.words = "DANE: no usable TLSA record, TLS required";
        return;
    }
    plan.policy = TlsPolicy::dane;
    plan.server_name = found.base;
    // RFC 7672 §3.2.2: names that count with DANE-TA(2).
    if (found.base != target.host)
        plan.further_names.push_back(target.host);
    if (targets.exchangers && target.host != domain)
        plan.further_names.emplace_back(domain);
    plan.words = "DANE: " + std::to_string(plan.tlsa.size()) + " TLSA record" + (plan.tlsa.size() == 1 ? "" : "s") + " at " +
                 found.base;
}

void use_sts(TlsPlan& plan, const StsPolicy& sts, const Target& target) {
    const bool allowed = sts.allows(target.host);
    if (sts.mode == StsPolicy::Mode::testing) {
        plan.words = allowed ? "MTA-STS: testing" : "MTA-STS: testing, the policy does not name this host";
        return;
    }
    plan.rule = TlsPlan::Rule::sts;
    plan.words = "MTA-STS: enforced";
    plan.policy = std::max(plan.policy, TlsPolicy::verified);
    // RFC 8461 §4.1; RFC 3463 §3.8, 4.7.0: other security status.
    if (!allowed)
        plan.problem = own_outcome("4.7.0", "the MTA-STS policy of the domain does not name " + target.host);
}

} // namespace

std::vector<net::TlsaRecord> usable_tlsa(const std::vector<net::TlsaRecord>& records) {
    std::vector<net::TlsaRecord> usable;
    std::copy_if(records.begin(), records.end(), std::back_inserter(usable), is_usable);
    return usable;
}

Task<TlsPlan> plan_tls(net::Resolver& resolver, const Route& route, const Targets& targets, const Target& target,
                       std::string_view domain, const StsPolicy* sts) {
    TlsPlan plan;
    plan.policy = route.tls;
    plan.server_name = target.host;
    if (target.relay || route.tls == TlsPolicy::none || !net::canonical_address(target.host).empty())
        co_return plan;
    // RFC 7672 §2.1, §2.2.2: without a validated way to the host's address its TLSA records mean nothing.
    if (route.dane && targets.secure && target.secure) {
        const auto found = co_await find_tlsa(resolver, target);
        if (found.temporary) {
            // RFC 7672 §2.1.2: an attacker who withholds the records must not get plain mail.
            plan.problem = own_outcome("4.7.5", "the TLSA records of " + target.host + " cannot be had: " + found.words);
            plan.rule = TlsPlan::Rule::dane;
            co_return plan;
        }
        if (!found.base.empty()) {
            use_dane(plan, found, target, targets, domain);
            co_return plan;
        }
    }
    if (sts != nullptr && sts->mode != StsPolicy::Mode::none)
        use_sts(plan, *sts, target);
    co_return plan;
}

} // namespace mail::queue
