#include "common/net/dns_fake.hpp"

#include "common/base/text.hpp"
#include "common/net/bind.hpp"

#include <arpa/inet.h>

namespace mail::net {
namespace {

std::string plain(std::string_view name) {
    return text::to_lower(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
}

std::string wire_name(std::string_view name) {
    std::string out;
    const std::string bare = plain(name);
    if (!bare.empty())
        for (const auto label : text::split(bare, '.')) {
            out += static_cast<char>(std::min<std::size_t>(label.size(), 63));
            out += label.substr(0, 63);
        }
    return out + '\0';
}

} // namespace

void FakeResolver::add(std::string_view name, DnsType type, std::string rdata) {
    const std::lock_guard lock(mutex_);
    names_[plain(name)].records[type].push_back(std::move(rdata));
}

void FakeResolver::add_mx(std::string_view domain, std::uint16_t preference, std::string_view host) {
    std::string rdata{static_cast<char>(preference >> 8U), static_cast<char>(preference & 255U)};
    add(domain, DnsType::mx, rdata + wire_name(host));
}

void FakeResolver::add_address(std::string_view name, std::string_view address) {
    const std::string text(address);
    std::string bytes(is_ipv4(address) ? 4 : 16, '\0');
    inet_pton(bytes.size() == 4 ? AF_INET : AF_INET6, text.c_str(), bytes.data());
    add(name, bytes.size() == 4 ? DnsType::a : DnsType::aaaa, bytes);
}

void FakeResolver::add_txt(std::string_view name, std::string_view text) {
    std::string rdata;
    do {
        const auto part = text.substr(0, 255);
        rdata += static_cast<char>(part.size());
        rdata += part;
        text.remove_prefix(part.size());
    } while (!text.empty());
    add(name, DnsType::txt, rdata);
}

void FakeResolver::add_tlsa(std::string_view host, std::uint16_t port, const TlsaRecord& record) {
    std::string rdata{static_cast<char>(record.usage), static_cast<char>(record.selector), static_cast<char>(record.matching)};
    add("_" + std::to_string(port) + "._tcp." + std::string(host), DnsType::tlsa, rdata + record.data);
}

void FakeResolver::add_ptr(std::string_view address, std::string_view name) {
    add(reverse_name(address), DnsType::ptr, wire_name(name));
}

void FakeResolver::add_cname(std::string_view name, std::string_view target) {
    const std::lock_guard lock(mutex_);
    names_[plain(name)].cname = plain(target);
}

void FakeResolver::set_failure(std::string_view name, Error error) {
    const std::lock_guard lock(mutex_);
    names_[plain(name)].failure = std::move(error);
}

void FakeResolver::set_secure(std::string_view name) {
    const std::lock_guard lock(mutex_);
    names_[plain(name)].secure = true;
}

void FakeResolver::clear(std::string_view name) {
    const std::lock_guard lock(mutex_);
    names_.erase(plain(name));
}

std::size_t FakeResolver::queries() const {
    const std::lock_guard lock(mutex_);
    return queries_;
}

void FakeResolver::set_delay(std::string_view name, Duration delay) {
    const std::lock_guard lock(mutex_);
    names_[plain(name)].delay = delay;
}

Task<Result<DnsRecords>> FakeResolver::query(std::string name, DnsType type) {
    Duration delay{};
    {
        const std::lock_guard lock(mutex_);
        const auto found = names_.find(plain(name));
        delay = found == names_.end() ? Duration{} : found->second.delay;
    }
    if (delay > Duration::zero())
        co_await async::sleep_for(delay);
    co_return answer(name, type);
}

Result<DnsRecords> FakeResolver::answer(const std::string& name, DnsType type) {
    const std::lock_guard lock(mutex_);
    ++queries_;
    std::string at = plain(name);
    for (int steps = 0; steps < 12; ++steps) {
        const auto found = names_.find(at);
        if (found == names_.end())
            return fail(ErrorCode::not_found, "the name " + text::escape(name) + " does not exist");
        const Name& entry = found->second;
        if (entry.failure)
            return fail(*entry.failure);
        if (entry.cname.empty()) {
            const auto records = entry.records.find(type);
            if (records == entry.records.end())
                return fail(ErrorCode::not_found, "the name " + text::escape(name) + " has no such record");
            return DnsRecords{records->second, entry.secure, 60, at};
        }
        at = entry.cname;
    }
    return fail(ErrorCode::temporary, "the CNAMEs of " + text::escape(name) + " go round in a circle");
}

} // namespace mail::net
