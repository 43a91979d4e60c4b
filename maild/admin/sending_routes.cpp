// POST /v1/mailboxes/{name}/actions/{freeze,unfreeze}, and what `mailbox show` tells about sending.
#include "common/base/time.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/sending.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace {

namespace json = boost::json;

json::object totals_json(const service::SendingTotals& totals) {
    return {{"messages", totals.messages}, {"recipients", totals.recipients}, {"new_recipients", totals.fresh}};
}

json::object sending_json(const service::SendingStatus& status) {
    json::object out;
    out["state"] = status.frozen ? "frozen" : "open";
    out["frozen_since"] = status.frozen ? json::value(format_rfc3339(status.frozen->since)) : json::value(nullptr);
    out["frozen_reason"] = status.frozen ? json::value(status.frozen->reason) : json::value(nullptr);
    out["this_hour"] = totals_json(status.hour);
    out["last_day"] = totals_json(status.day);
    return out;
}

} // namespace

Task<void> Api::add_sending(const std::string& mailbox, json::object& status) {
    if (services_.sending == nullptr)
        co_return;
    const auto account = services_.store.resources().find_account_now(mailbox);
    if (!account)
        co_return;
    const auto sending = co_await services_.sending->status(*account);
    if (sending)
        status["sending"] = sending_json(*sending);
}

Task<net::HttpResponse> Api::freeze(std::string mailbox, const net::HttpRequest& request, bool frozen) {
    auto body = read_body(request, {"reason"});
    if (!body)
        co_return problem_reply(body.error());
    const auto account = services_.store.resources().find_account_now(mailbox);
    if (!account)
        co_return problem_reply(Error{account.error().code, "mailbox " + mailbox + " does not exist", ""});
    if (services_.sending == nullptr)
        co_return problem_reply(Error{ErrorCode::unavailable, "this server sends no mail", ""});
    std::string reason = "an administrator froze it";
    if (const auto* given = body->if_contains("reason"); given != nullptr && given->is_string() && !given->get_string().empty())
        reason = given->get_string();
    Result<void> done;
    if (frozen)
        done = co_await services_.sending->freeze(*account, mailbox, std::move(reason));
    else
        done = co_await services_.sending->unfreeze(*account, mailbox);
    if (!done)
        co_return problem_reply(done.error());
    json::object status;
    co_await add_sending(mailbox, status);
    co_return json_reply(status);
}

} // namespace mail::admin
