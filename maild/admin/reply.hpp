// Small makers of HTTP responses and readers of requests that all route files share.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/net/http.hpp"
#include "maild/admin/resources.hpp"
#include "maild/store/queue_model.hpp"

#include <boost/json/fwd.hpp>
#include <optional>

namespace mail::admin {

[[nodiscard]] net::HttpResponse json_reply(const boost::json::object& body, int status = 200);
[[nodiscard]] net::HttpResponse problem_reply(const Error& error);
/// With every issue under "errors" and code "stale_plan" where that is why.
[[nodiscard]] net::HttpResponse problem_reply(const ChangeFailure& failure);
[[nodiscard]] net::HttpResponse method_not_allowed(std::string_view allowed);

/// The body as a JSON object with no members beyond `members`. Errors: invalid, naming the nearest member.
[[nodiscard]] Result<boost::json::object> read_body(const net::HttpRequest& request,
                                                    const std::vector<std::string>& members);
/// The text of a member, "" when it is absent or no text.
[[nodiscard]] std::string member(const boost::json::object& body, std::string_view name);
/// Query parameters beyond `names` are refused. Errors: invalid.
[[nodiscard]] Result<void> check_query(const net::HttpRequest& request, const std::vector<std::string>& names);
/// `limit`, 0 when absent. Errors: invalid.
[[nodiscard]] Result<std::size_t> limit_of(const net::HttpRequest& request);

/// The time that parameter or member `name` says; nullopt when it is empty. Errors: invalid, with the form to use.
[[nodiscard]] Result<std::optional<Time>> read_time(std::string_view name, std::string_view text);

/// "domain=example.org,size>10000": conditions that must all hold. Errors: invalid, with the form to use.
[[nodiscard]] Result<std::vector<store::QueueFilter::Condition>> parse_filter(std::string_view text);

} // namespace mail::admin
