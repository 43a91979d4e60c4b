// Record data of DNS answers, read as every type.
#include "common/net/dns.hpp"

#include <cstdlib>

namespace {

using namespace mail;

class Raw final : public net::Resolver {
  public:
    explicit Raw(std::string rdata) : rdata_(std::move(rdata)) {}
    Task<Result<net::DnsRecords>> query(std::string name, net::DnsType) override {
        net::DnsRecords records;
        records.rdata.push_back(rdata_);
        records.canonical = std::move(name);
        co_return records;
    }

  private:
    std::string rdata_;
};

Task<void> read_all(Raw& raw) {
    const auto mx = co_await raw.mx("x");
    if (mx && mx->records[0].host.size() > 253)
        std::abort();
    const auto addresses = co_await raw.addresses("x");
    const auto txt = co_await raw.txt("x");
    const auto tlsa = co_await raw.tlsa("x", 25);
    const auto ptr = co_await raw.ptr("192.0.2.1");
    if (ptr && ptr->records[0].find('\0') != std::string::npos)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Raw raw(std::string(reinterpret_cast<const char*>(data), size));
    async::run_until_done(read_all(raw));
    return 0;
}
