#include "maild/queue/tls_report.hpp"

#include "common/base/id.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/date.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace mail::queue {
namespace json = boost::json;
namespace {

constexpr Duration day = std::chrono::hours(24);
constexpr std::size_t most_details = 100;
constexpr std::size_t most_hosts = 20;
constexpr std::size_t most_targets = 3;

/// Midnight UTC before `now`: §4.1 asks for whole days.
Time day_of(Time now) { return Time{now.time_since_epoch() / day * day}; }

const char* policy_name(TlsSession::Policy policy) {
    return policy == TlsSession::Policy::tlsa ? "tlsa" : policy == TlsSession::Policy::sts ? "sts" : "no-policy-found";
}

void add_failure(TlsDay& one, const TlsSession& session) {
    ++one.failures;
    for (TlsDay::Failure& known : one.details)
        if (known.type == session.failure && known.host == session.host && known.address == session.address) {
            ++known.count;
            return;
        }
    if (one.details.size() < most_details)
        one.details.push_back({session.failure, session.host, session.address, 1});
}

json::object policy_json(const TlsReportInput& input, const TlsDay& one) {
    json::object policy{{"policy-type", policy_name(one.policy)}, {"policy-domain", input.domain}};
    if (!one.policy_text.empty())
        policy["policy-string"] = json::array(one.policy_text.begin(), one.policy_text.end());
    policy["mx-host"] = json::array(one.hosts.begin(), one.hosts.end());
    json::object out{{"policy", std::move(policy)}};
    out["summary"] = json::object{{"total-successful-session-count", one.successes},
                                  {"total-failure-session-count", one.failures}};
    json::array details;
    for (const TlsDay::Failure& failure : one.details)
        details.push_back(json::object{{"result-type", failure.type},
                                       {"receiving-mx-hostname", failure.host},
                                       {"receiving-ip", failure.address},
                                       {"failed-session-count", failure.count}});
    if (!details.empty())
        out["failure-details"] = std::move(details);
    return out;
}

} // namespace

std::string tls_failure_of(std::string_view words, bool was_offered) {
    if (!was_offered)
        return "starttls-not-supported";
    if (words.find("expired") != words.npos)
        return "certificate-expired";
    if (text::ifind(words, "mismatch") != words.npos)
        return "certificate-host-mismatch";
    if (words.find("issuer") != words.npos || words.find("self-signed") != words.npos || words.find("self signed") != words.npos)
        return "certificate-not-trusted";
    return "validation-failure";
}

void TlsReports::count(const TlsSession& session, Time now) {
    const std::lock_guard lock(mutex_);
    if (today_.domains.empty())
        today_.begin = day_of(now);
    if (!today_.domains.contains(session.domain) && today_.domains.size() >= std::size_t{limit::tls_report_domains})
        return;
    auto& policies = today_.domains[session.domain];
    auto found = std::find_if(policies.begin(), policies.end(), [&](const TlsDay& d) { return d.policy == session.policy; });
    if (found == policies.end()) {
        policies.emplace_back();
        found = policies.end() - 1;
        found->policy = session.policy;
        found->policy_text = session.policy_text;
    }
    if (std::find(found->hosts.begin(), found->hosts.end(), session.host) == found->hosts.end() && found->hosts.size() < most_hosts)
        found->hosts.push_back(session.host);
    if (session.failure.empty())
        ++found->successes;
    else
        add_failure(*found, session);
}

std::optional<TlsReports::Day> TlsReports::take(Time now) {
    const std::lock_guard lock(mutex_);
    if (today_.domains.empty() || now < today_.begin + day)
        return std::nullopt;
    return std::exchange(today_, {});
}

std::string tls_report_json(const TlsReportInput& input, std::string_view report_id) {
    json::object report{{"organization-name", input.hostname}, {"contact-info", input.contact}, {"report-id", report_id}};
    report["date-range"] = json::object{{"start-datetime", format_rfc3339(input.begin)},
                                        {"end-datetime", format_rfc3339(input.begin + day - std::chrono::seconds(1))}};
    json::array policies;
    for (const TlsDay& one : *input.policies)
        policies.push_back(policy_json(input, one));
    report["policies"] = std::move(policies);
    return json::serialize(report);
}

std::string tls_report_message(const TlsReportInput& input) {
    const std::string id = Id::make(input.now).text();
    const std::string boundary = "=_tlsrpt_" + id;
    const auto seconds = [](Time at) { return std::to_string(to_micros(at) / 1'000'000); };
    std::string out;
    out += "From: <" + input.contact + ">\r\nTo: <" + input.to + ">\r\n";
    // §5.3: the subject and the fields that machines look for.
    out += "Subject: Report Domain: " + input.domain + " Submitter: " + input.hostname + " Report-ID: <" + id + "@" + input.hostname +
           ">\r\n";
    out += "Date: " + format_date(input.now) + "\r\nMessage-ID: <" + id + "@" + input.hostname + ">\r\n";
    out += "TLS-Report-Domain: " + input.domain + "\r\nTLS-Report-Submitter: " + input.hostname + "\r\n";
    out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
    out += "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    out += "--" + boundary + "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
    out += "This is a report about TLS sessions of " + input.hostname + " with the mail servers of\r\n" + input.domain +
           ", as its record _smtp._tls." + input.domain + " asks for (RFC 8460).\r\n\r\n";
    out += "--" + boundary + "\r\nContent-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: base64\r\n";
    out += "Content-Disposition: attachment;\r\n filename=\"" + input.hostname + "!" + input.domain + "!" + seconds(input.begin) + "!" +
           seconds(input.begin + day) + "!" + id + ".json\"\r\n\r\n";
    const std::string body = text::base64(tls_report_json(input, id + "@" + input.hostname));
    for (std::size_t at = 0; at < body.size(); at += 76)
        out.append(body, at, 76).append("\r\n");
    return out + "\r\n--" + boundary + "--\r\n";
}

std::vector<std::string> tls_report_targets(const std::vector<std::string>& records) {
    std::vector<std::string> targets;
    bool seen = false;
    for (const std::string& record : records) {
        const auto fields = text::split(record, ';');
        if (fields.empty() || text::trim(fields.front()) != "v=TLSRPTv1")
            continue;
        if (seen)
            return {}; // §3: several records mean none
        seen = true;
        for (std::string_view field : fields) {
            field = text::trim(field);
            if (!field.starts_with("rua="))
                continue;
            for (std::string_view target : text::split(field.substr(4), ',')) {
                target = text::trim(target);
                if (text::istarts_with(target, "mailto:") && targets.size() < most_targets)
                    targets.emplace_back(target.substr(7));
            }
        }
    }
    return targets;
}

} // namespace mail::queue
