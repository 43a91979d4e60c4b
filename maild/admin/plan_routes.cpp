// Plan, apply, export, history.
#include "common/base/text.hpp"
#include "common/schema/registry.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

bool flag(const json::object& body, std::string_view name) {
    const auto* value = body.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

/// Options and documents of a plan or apply request.
Result<ChangeRequest> read_request(const json::object& body, schema::Issues& issues) {
    ChangeRequest out;
    auto read = schema::documents_from_json(body);
    issues = std::move(read.issues);
    if (schema::has_errors(issues))
        return fail(schema::to_error(issues));
    out.documents = std::move(read.documents);
    if (const auto* set = body.if_contains("set"); set != nullptr && set->is_string())
        out.options.set = set->as_string();
    out.options.prune = flag(body, "prune");
    out.options.take_over = flag(body, "take_over");
    if (const auto* most = body.if_contains("max_deletes"); most != nullptr && most->is_number())
        out.options.max_deletes = most->to_number<std::size_t>();
    if (const auto* hash = body.if_contains("plan_hash"); hash != nullptr && hash->is_string())
        out.plan_hash = hash->as_string();
    return out;
}

} // namespace

Task<net::HttpResponse> Api::plan(const net::HttpRequest& request, bool apply) {
    auto body = read_body(request, {"documents", "set", "prune", "take_over", "max_deletes", "plan_hash"});
    if (!body)
        co_return problem_reply(body.error());
    ChangeFailure why;
    auto change = read_request(*body, why.issues);
    body->clear();
    if (!change) {
        why.error = change.error();
        co_return problem_reply(why);
    }
    change->actor = caller_.actor;
    change->dry_run = !apply;
    const auto outcome = co_await services_.resources.change(std::move(*change), why);
    if (!outcome)
        co_return problem_reply(why);
    auto out = schema::to_json(outcome->plan);
    if (apply) {
        out["revision"] = outcome->revision;
        out["applied"] = outcome->applied;
    }
    co_return json_reply(out);
}

Task<net::HttpResponse> Api::export_documents(const net::HttpRequest& request) {
    const auto known = check_query(request, {"kind", "set"});
    if (!known)
        co_return problem_reply(known.error());
    const std::string kind(request.parameter("kind"));
    if (!kind.empty())
        if (const auto found = schema::need_kind(kind); !found)
            co_return problem_reply(found.error());
    const auto out = co_await services_.resources.export_documents(kind, std::string(request.parameter("set")));
    if (!out)
        co_return problem_reply(out.error());
    co_return json_reply(*out);
}

Task<net::HttpResponse> Api::history(const net::HttpRequest& request) {
    const auto known = check_query(request, {"limit"});
    const auto limit = limit_of(request);
    if (!known || !limit)
        co_return problem_reply(known ? limit.error() : known.error());
    const auto out = co_await services_.resources.history(*limit == 0 ? 100 : *limit);
    if (!out)
        co_return problem_reply(out.error());
    co_return json_reply(*out);
}

} // namespace mail::admin
