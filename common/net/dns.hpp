// Resolver: DNS as mail needs it. Queue, SPF, DKIM and DMARC call it; tests use FakeResolver (dns_fake.hpp).
// Errors say which: not_found = the name or type certainly does not exist (NXDOMAIN, no data); temporary = no usable
// answer now (SERVFAIL, refused, time-out, DNSSEC bogus). Never blocks; thread-safe; resumes on the caller's executor.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/tlsa.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::net {

enum class DnsType : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };

/// Wire-format record data of one answer.
struct DnsRecords {
    std::vector<std::string> rdata;
    bool secure = false;      ///< validated by DNSSEC
    std::uint32_t ttl = 0;    ///< seconds
    std::string canonical;    ///< name after CNAMEs, lower case without final dot
};

template <class T> struct DnsAnswer {
    std::vector<T> records;
    bool secure = false;
    std::uint32_t ttl = 0;
    std::string canonical;
};

struct MxRecord {
    std::uint16_t preference = 0;
    std::string host; ///< lower case without final dot; empty is the null MX (RFC 7505)
    [[nodiscard]] bool operator==(const MxRecord&) const = default;
};

class Resolver {
  public:
    virtual ~Resolver() = default;
    /// The records of one type; CNAMEs are followed. `name` without final dot, ASCII (A-labels).
    [[nodiscard]] virtual Task<Result<DnsRecords>> query(std::string name, DnsType type) = 0;

    /// Sorted by preference; the order within one preference is as received.
    [[nodiscard]] Task<Result<DnsAnswer<MxRecord>>> mx(std::string domain);
    /// IPv4 and IPv6 addresses as text, IPv6 first. One family failing does not hide the other.
    [[nodiscard]] Task<Result<DnsAnswer<std::string>>> addresses(std::string name);
    [[nodiscard]] Task<Result<DnsAnswer<std::string>>> ipv4(std::string name);
    [[nodiscard]] Task<Result<DnsAnswer<std::string>>> ipv6(std::string name);
    /// Each record's strings joined (RFC 7208 §3.3).
    [[nodiscard]] Task<Result<DnsAnswer<std::string>>> txt(std::string name);
    /// Of `_port._tcp.host`.
    [[nodiscard]] Task<Result<DnsAnswer<TlsaRecord>>> tlsa(std::string host, std::uint16_t port);
    /// Names of a numeric address.
    [[nodiscard]] Task<Result<DnsAnswer<std::string>>> ptr(std::string address);
};

struct ResolverOptions {
    std::vector<std::string> servers; ///< "127.0.0.1:5353", "[::1]:53", "192.0.2.1"; empty: /etc/resolv.conf
    std::string trust_anchor_file;    ///< empty: no DNSSEC validation
    /// What fails validation counts as not signed, instead of as no answer: for an anchor that nobody chose, behind name
    /// servers that may lose signatures.
    bool lenient = false;
    Duration timeout = std::chrono::seconds(5); ///< for one query in all
};

/// Validating resolver on libunbound. Its own work runs on `executor`, whose Runtime must outlive it. To reconfigure make
/// a new one; queries that wait on a dropped one fail with temporary.
class UnboundResolver final : public Resolver {
  public:
    [[nodiscard]] static Result<std::unique_ptr<UnboundResolver>> create(const async::Executor& executor,
                                                                         ResolverOptions options);
    ~UnboundResolver() override;
    [[nodiscard]] Task<Result<DnsRecords>> query(std::string name, DnsType type) override;

  private:
    struct State;
    explicit UnboundResolver(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

/// "1.2.0.192.in-addr.arpa" or the ip6.arpa form; empty when `address` is not numeric.
[[nodiscard]] std::string reverse_name(std::string_view address);

} // namespace mail::net
