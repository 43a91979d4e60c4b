// GET /v1/resolve?address=...: who gets mail to an address, and how that was found.
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/directory.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view rule_words[] = {"inside", "members", "listed"};

json::object resolution_json(const service::Resolution& resolution) {
    json::array recipients;
    for (const auto& mailbox : resolution.mailboxes)
        recipients.push_back(json::object{{"address", mailbox->address}, {"place", "mailbox"}});
    for (const auto& remote : resolution.remote)
        recipients.push_back(json::object{{"address", remote.text()},
                                          {"place", resolution.hold ? "held" : remote.forwarded ? "forwarded" : "passed on"}});
    json::array steps;
    for (const auto& step : resolution.steps)
        steps.push_back(json::value(step.text()));
    json::array rules;
    for (const auto& rule : resolution.rules)
        rules.push_back(json::object{{"group", rule.group}, {"accept_from", rule_words[static_cast<std::size_t>(rule.from)]}});
    return {{"local", resolution.is_local_domain}, {"recipients", std::move(recipients)}, {"steps", std::move(steps)},
            {"rules", std::move(rules)}};
}

} // namespace

net::HttpResponse Api::resolve_address(const net::HttpRequest& request) {
    const auto known = check_query(request, {"address"});
    if (!known)
        return problem_reply(known.error());
    if (services_.directory == nullptr)
        return problem_reply(Error{ErrorCode::unavailable, "this server takes no mail", ""});
    const auto address = parse_address(request.parameter("address"));
    if (!address)
        return problem_reply(Error{ErrorCode::invalid, "the address is malformed: " + address.error().message,
                                   "send ?address=ann@example.org"});
    const auto resolution = services_.directory->resolve(*address);
    if (!resolution)
        return problem_reply(resolution.error());
    return json_reply(resolution_json(**resolution));
}

} // namespace mail::admin
