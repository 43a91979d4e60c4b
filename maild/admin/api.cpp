#include "maild/admin/api.hpp"

#include "common/base/id.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/schema/describe.hpp"
#include "common/schema/registry.hpp"
#include "maild/admin/reply.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace {

boost::json::object limits_json() {
    boost::json::array items;
    for (const auto& limit : all_limits()) {
        boost::json::object item;
        item["name"] = limit.name;
        item["value"] = limit.value;
        item["unit"] = limit.unit;
        item["doc"] = limit.sentence;
        items.push_back(std::move(item));
    }
    boost::json::object out;
    out["items"] = std::move(items);
    return out;
}

boost::json::object events_json() {
    constexpr std::string_view levels[] = {"debug", "info", "warn", "error"};
    boost::json::array items;
    for (const auto& event : all_events()) {
        boost::json::object item;
        item["id"] = event.id;
        item["level"] = levels[static_cast<std::size_t>(event.level)];
        item["doc"] = event.sentence;
        item["action"] = event.action;
        items.push_back(std::move(item));
    }
    boost::json::object out;
    out["items"] = std::move(items);
    return out;
}

boost::json::object schema_object() {
    auto out = schema::schema_json();
    out["schema_hash"] = schema::schema_hash();
    return out;
}

} // namespace

std::size_t Api::body_limit(const net::HttpRequest& head) const {
    const bool bulk =
        head.path == "/v1/plan" || head.path == "/v1/apply" || head.path == "/v1/simulate" || MailRoutes::takes_batch(head);
    return static_cast<std::size_t>(bulk ? limit::admin_apply_body : limit::admin_body);
}

std::optional<net::HttpResponse> Api::reject(const net::HttpRequest& head) {
    // A browser is no administrator: nothing that sends Origin gets in (no CSRF surface).
    if (head.headers.contains("Origin"))
        return problem_reply(Error{ErrorCode::denied, "requests from web pages are refused", ""});
    if (caller_.allowed || head.path == "/healthz")
        return std::nullopt;
    log(Event::admin_denied, {{"actor", caller_.actor}, {"method", head.method}, {"path", head.path}});
    return problem_reply(Error{ErrorCode::denied, "you may not administer this server (" + caller_.actor + ")",
                               "run as root or as the user maild runs as"});
}

net::HttpResponse Api::problem(int status, std::string_view why) const {
    const auto code = status == 413 || status == 431 ? ErrorCode::too_large : ErrorCode::invalid;
    auto out = problem_reply(Error{code, std::string(why), ""});
    out.status = status;
    return out;
}

Task<net::HttpResponse> Api::handle(net::HttpRequest request) {
    const auto given = request.headers.find("Request-Id");
    const std::string id = given.empty() || given.size() > 64 ? Id::make(services_.clock.now()).text() : std::string(given);
    auto response = co_await dispatch(request);
    response.headers.set("Request-Id", id);
    log(Event::admin_request, {{"request", id}, {"actor", caller_.actor}, {"method", request.method},
                               {"path", request.path}, {"status", response.status}});
    co_return response;
}

net::HttpResponse Api::health() const {
    const store::StoreStats stats = services_.store.stats();
    const char* const status = stats.failed ? "failed" : stats.stalled ? "stalled" : "ok";
    return json_reply(boost::json::object{{"status", status}}, stats.failed || stats.stalled ? 503 : 200);
}

Task<net::HttpResponse> Api::dispatch(const net::HttpRequest& request) {
    const auto& path = request.segments;
    const bool get = request.method == "GET";
    if (path.size() == 1 && path[0] == "healthz")
        co_return health();
    if (path.size() == 1 && path[0] == "metrics" && get)
        co_return co_await metrics();
    if (path.size() < 2 || path[0] != "v1")
        co_return problem_reply(Error{ErrorCode::not_found, "there is nothing at this path", "see GET /v1/schema"});
    const auto& what = path[1];
    if (path.size() == 2 && what == "simulate") {
        if (request.method != "POST")
            co_return method_not_allowed("POST");
        co_return co_await simulate(request);
    }
    if (path.size() == 3 && what == "doctor" && path[2] == "deliver") {
        if (!get)
            co_return method_not_allowed("GET");
        co_return doctor_deliver(request);
    }
    if (what == "stories")
        co_return co_await stories(request);
    if (what == "queue")
        co_return co_await queue(request);
    if (what == "store")
        co_return co_await store(request);
    if (path.size() == 2 && (what == "plan" || what == "apply")) {
        if (request.method != "POST")
            co_return method_not_allowed("POST");
        co_return co_await plan(request, what == "apply");
    }
    if (path.size() == 2 && what == "reindex")
        co_return reindex(request);
    if (path.size() == 2 && get) {
        if (what == "status")
            co_return co_await status();
        if (what == "schema")
            co_return json_reply(schema_object());
        if (what == "limits")
            co_return json_reply(limits_json());
        if (what == "events")
            co_return json_reply(events_json());
        if (what == "export")
            co_return co_await export_documents(request);
        if (what == "resolve")
            co_return resolve_address(request);
        if (what == "history")
            co_return co_await history(request);
        if (what == "log")
            co_return log_tail(request);
        if (what == "watch")
            co_return watch(request);
    }
    if (what == "mailboxes" && path.size() >= 4 && path[3] == "mail")
        co_return co_await mail(request);
    if (what == "mailboxes" && path.size() == 4 && path[3] == "sessions" && get)
        co_return sessions(path[2]);
    const auto kind = schema::need_kind(what);
    if (!kind)
        co_return problem_reply(kind.error());
    co_return co_await resource(**kind, request);
}

} // namespace mail::admin
