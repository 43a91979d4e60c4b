#include "maild/service/queue_call.hpp"

#include "common/mail/address.hpp"
#include "maild/store/store.hpp"

namespace mail::service {
namespace {

store::QueueFilter deferred_where(std::string field, char operation, std::string value) {
    store::QueueFilter filter;
    filter.conditions.push_back({std::move(field), operation, std::move(value)});
    // Not tried yet means due already, or released later on the sender's word (RFC 4865).
    filter.conditions.push_back({"attempts", '>', "0"});
    return filter;
}

} // namespace

Task<Result<std::size_t>> call_queue(store::QueueStore& queue, std::string node, Time now) {
    store::QueueChange retry;
    retry.verb = store::QueueVerb::retry;
    retry.now = now;
    if (node.starts_with('#')) {
        auto filter = deferred_where("route", '=', node.substr(1));
        co_return co_await queue.change(std::move(filter), std::move(retry));
    }
    const bool below_too = node.starts_with('@');
    MAIL_CO_TRY(const std::string named, parse_domain(below_too ? node.substr(1) : node));
    MAIL_CO_TRY(const std::string domain, domain_key(named));
    auto own = deferred_where("domain", '=', domain);
    MAIL_CO_TRY(std::size_t count, co_await queue.change(std::move(own), retry));
    if (below_too) {
        auto below = deferred_where("domain", '~', "*." + domain);
        MAIL_CO_TRY(const std::size_t more, co_await queue.change(std::move(below), std::move(retry)));
        count += more;
    }
    co_return count;
}

} // namespace mail::service
