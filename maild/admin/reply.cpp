#include "maild/admin/reply.hpp"

#include "common/api/problem.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace mail::admin {

net::HttpResponse json_reply(const boost::json::object& body, int status) {
    net::HttpResponse out;
    out.status = status;
    out.headers.set("Content-Type", "application/json");
    out.body = boost::json::serialize(body) + "\n";
    return out;
}

namespace {
net::HttpResponse problem_body(const boost::json::object& body, int status) {
    auto out = json_reply(body, status);
    out.headers.set("Content-Type", api::problem_media_type);
    return out;
}

boost::json::object problem_object(const Error& error) {
    boost::json::object body;
    body["type"] = "about:blank";
    body["title"] = net::http_reason(face_of(error.code).http_status);
    body["status"] = face_of(error.code).http_status;
    body["code"] = face_of(error.code).name;
    body["detail"] = error.message;
    body["hint"] = error.hint;
    body["errors"] = boost::json::array{};
    return body;
}
} // namespace

net::HttpResponse problem_reply(const Error& error) {
    return problem_body(problem_object(error), face_of(error.code).http_status);
}

net::HttpResponse problem_reply(const ChangeFailure& failure) {
    auto body = problem_object(failure.error);
    body["errors"] = issues_json(failure.issues);
    if (failure.stale_plan)
        body["code"] = "stale_plan";
    return problem_body(body, face_of(failure.error.code).http_status);
}

net::HttpResponse method_not_allowed(std::string_view allowed) {
    auto body = problem_object({ErrorCode::unsupported, "this method is not offered here", "use: " + std::string(allowed)});
    body["status"] = 405;
    auto out = problem_body(body, 405);
    out.headers.set("Allow", allowed);
    return out;
}

Result<boost::json::object> read_body(const net::HttpRequest& request, const std::vector<std::string>& members) {
    if (request.body.empty())
        return boost::json::object{};
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = 32;
    auto value = boost::json::parse(request.body, error, {}, options);
    if (error || !value.is_object())
        return fail(ErrorCode::invalid, "the request body is not a JSON object");
    for (const auto& [key, member] : value.get_object()) {
        const std::string name(key);
        if (std::find(members.begin(), members.end(), name) == members.end()) {
            const auto near = text::nearest(name, members);
            return fail(ErrorCode::invalid, "unknown member " + text::escape(name, 64) + " in the request",
                        near.empty() ? "known: " + text::join(members, ", ") : "did you mean " + near + "?");
        }
    }
    return std::move(value.get_object());
}

Result<void> check_query(const net::HttpRequest& request, const std::vector<std::string>& names) {
    for (const auto& [name, value] : request.query)
        if (std::find(names.begin(), names.end(), name) == names.end())
            return fail(ErrorCode::invalid, "unknown query parameter " + text::escape(name, 64),
                        names.empty() ? "" : "known: " + text::join(names, ", "));
    return {};
}

std::string member(const boost::json::object& body, std::string_view name) {
    const auto* given = body.if_contains(name);
    return given != nullptr && given->is_string() ? std::string(given->get_string()) : std::string();
}

Result<std::optional<Time>> read_time(std::string_view name, std::string_view text) {
    if (text.empty())
        return std::optional<Time>();
    const auto time = parse_rfc3339(text);
    if (!time)
        return fail(ErrorCode::invalid, std::string(name) + " is no time: " + text::escape(text, 64), "for example 2026-01-31T12:00:00Z");
    return time;
}

Result<std::size_t> limit_of(const net::HttpRequest& request) {
    if (!request.has_parameter("limit"))
        return std::size_t{0};
    const auto n = text::number<std::size_t>(request.parameter("limit"));
    if (!n)
        return fail(ErrorCode::invalid, "limit is not a number");
    return *n;
}

Result<std::vector<store::QueueFilter::Condition>> parse_filter(std::string_view filter) {
    std::vector<store::QueueFilter::Condition> out;
    if (filter.empty())
        return out;
    for (const auto part : text::split(filter, ',')) {
        const auto at = part.find_first_of("=!~<>");
        std::size_t length = 1;
        if (at == std::string_view::npos || at == 0 ||
            (part[at] == '!' && (at + 1 == part.size() || part[at + 1] != '=')))
            return fail(ErrorCode::invalid, "the filter " + text::escape(part, 100) + " cannot be understood",
                        "write field=value, field!=value, field~text, field<value or field>value; comma is and");
        if (part[at] == '!')
            length = 2;
        out.push_back({std::string(text::trim(part.substr(0, at))), part[at], std::string(text::trim(part.substr(at + length)))});
    }
    return out;
}

} // namespace mail::admin
