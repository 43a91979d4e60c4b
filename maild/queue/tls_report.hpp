// TLSRPT (RFC 8460): counts how TLS went with each domain, and once a day tells those that ask for it in DNS. Connections
// count, the scheduler has the day's reports sent. Counts are kept in memory: a restart begins a new, shorter day.
// Thread-safe. Bounded by limit::tls_report_domains.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::queue {

/// One try to open an encrypted session with a host of `domain`.
struct TlsSession {
    std::string domain;
    enum class Policy : std::uint8_t { none, sts, tlsa } policy = Policy::none;
    std::vector<std::string> policy_text; ///< lines of the policy or the TLSA records
    std::string host;
    std::string address;
    std::string failure; ///< result type of RFC 8460 §4.3; empty: it went well
};

/// The result type of what a session's opening said, "certificate-expired"; "validation-failure" for what has no own.
[[nodiscard]] std::string tls_failure_of(std::string_view words, bool was_offered);

/// All that happened with one domain in one day.
struct TlsDay {
    struct Failure {
        std::string type;
        std::string host;
        std::string address;
        std::uint64_t count = 0;
    };
    TlsSession::Policy policy = TlsSession::Policy::none;
    std::vector<std::string> policy_text;
    std::vector<std::string> hosts;
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;
    std::vector<Failure> details; ///< at most a hundred
};

class TlsReports {
  public:
    void count(const TlsSession& session, Time now);
    struct Day {
        Time begin{};
        std::map<std::string, std::vector<TlsDay>> domains; ///< per domain one entry for each policy
    };
    /// The last day once it is over; nullopt: it is not, or nothing happened.
    [[nodiscard]] std::optional<Day> take(Time now);

  private:
    std::mutex mutex_;
    Day today_;
};

struct TlsReportInput {
    std::string domain;
    std::string hostname; ///< ours
    std::string contact;
    std::string to; ///< address
    Time begin{};
    Time now{};
    const std::vector<TlsDay>* policies = nullptr;
};
/// The report as JSON (§4.4), and as a message with it (§5.3).
[[nodiscard]] std::string tls_report_json(const TlsReportInput& input, std::string_view report_id);
[[nodiscard]] std::string tls_report_message(const TlsReportInput& input);
/// Addresses of the mailto: targets in a "v=TLSRPTv1" record (§3); empty when there is none.
[[nodiscard]] std::vector<std::string> tls_report_targets(const std::vector<std::string>& records);

} // namespace mail::queue
