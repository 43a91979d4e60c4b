// FakeResolver: DNS answers from a table in memory, for tests. Thread-safe. Names it does not know do not exist.
#pragma once

#include "common/net/dns.hpp"

#include <map>
#include <mutex>

namespace mail::net {

class FakeResolver final : public Resolver {
  public:
    void add_mx(std::string_view domain, std::uint16_t preference, std::string_view host);
    /// IPv4 or IPv6 by its look.
    void add_address(std::string_view name, std::string_view address);
    void add_txt(std::string_view name, std::string_view text);
    void add_tlsa(std::string_view host, std::uint16_t port, const TlsaRecord& record);
    void add_ptr(std::string_view address, std::string_view name);
    void add_cname(std::string_view name, std::string_view target);
    /// Every query for `name` fails with `error` until clear(name).
    void set_failure(std::string_view name, Error error);
    /// Marks all answers for `name` as validated.
    void set_secure(std::string_view name);
    void clear(std::string_view name);
    /// Answers for `name` come so late.
    void set_delay(std::string_view name, Duration delay);
    /// How many queries were made so far, for tests of look-up limits.
    [[nodiscard]] std::size_t queries() const;

    [[nodiscard]] Task<Result<DnsRecords>> query(std::string name, DnsType type) override;

  private:
    struct Name {
        std::map<DnsType, std::vector<std::string>> records;
        std::string cname;
        std::optional<Error> failure;
        bool secure = false;
        Duration delay{};
    };
    void add(std::string_view name, DnsType type, std::string rdata);
    [[nodiscard]] Result<DnsRecords> answer(const std::string& name, DnsType type);
    mutable std::mutex mutex_;
    std::map<std::string, Name, std::less<>> names_;
    std::size_t queries_ = 0;
};

} // namespace mail::net
