// Fetching MTA-STS policies over HTTPS (RFC 8461 §3.3).
#include "common/base/limits.hpp"
#include "common/net/bind.hpp"
#include "common/net/connect.hpp"
#include "common/net/http_client.hpp"
#include "maild/queue/mta_sts.hpp"

namespace mail::queue {
namespace {

constexpr Duration connect_timeout = std::chrono::seconds(10);
constexpr Duration exchange_timeout = std::chrono::seconds(20);
constexpr std::size_t most_addresses = 3;

Task<Result<std::string>> fetch_from(const StsFetchOptions& options, std::string host, std::string address) {
    MAIL_CO_TRY(auto stream, co_await net::connect_tcp(address, options.port, connect_timeout));
    net::TlsExpectation expectation;
    expectation.server_name = host;
    expectation.require_valid = true; // §3.3: a certificate for the policy host's name
    stream->set_timeout(connect_timeout);
    MAIL_CO_DO(co_await stream->start_tls(*options.tls, std::move(expectation)));
    net::HttpClient client(std::move(stream), host, std::size_t{limit::mta_sts_bytes});
    net::HttpCall call;
    call.target = "/.well-known/mta-sts.txt";
    MAIL_CO_TRY(auto response, co_await client.request(std::move(call), exchange_timeout));
    // §3.3: redirects are not followed, anything but 200 is no policy.
    if (response.status != 200)
        co_return fail(ErrorCode::temporary, "the policy host answers " + std::to_string(response.status));
    co_return std::move(response.body);
}

Task<Result<std::string>> fetch(StsFetchOptions options, std::shared_ptr<net::Resolver> resolver, std::string domain,
                                bool allow_loopback) {
    if (options.tls == nullptr)
        co_return fail(ErrorCode::unavailable, "TLS is not set up here");
    const std::string host = "mta-sts." + domain;
    MAIL_CO_TRY(const auto answer, co_await resolver->addresses(host));
    Error last{ErrorCode::temporary, "the policy host leads back to this server"};
    std::size_t tried = 0;
    for (const std::string& address : answer.records) {
        if (!allow_loopback && net::is_unroutable(address))
            continue;
        if (++tried > most_addresses)
            break;
        auto text = co_await fetch_from(options, host, address);
        if (text)
            co_return text;
        last = std::move(text).error();
    }
    co_return fail(std::move(last));
}

} // namespace

StsFetch make_sts_fetch(StsFetchOptions options) {
    return [options](std::shared_ptr<net::Resolver> resolver, std::string domain, bool allow_loopback) {
        return fetch(options, std::move(resolver), std::move(domain), allow_loopback);
    };
}

} // namespace mail::queue
