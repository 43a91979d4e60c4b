// The outbound queue: list, show, summary, message bytes, and the verbs hold, release, retry, drop, route, priority.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/queue/way.hpp"
#include "maild/store/rules.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::string_view status_names[] = {"ready", "active", "deferred", "held"};

json::object error_json(const store::LastError& error) {
    json::object out;
    out["code"] = error.code;
    out["text"] = error.text;
    out["remote"] = error.remote;
    out["at"] = format_rfc3339(error.at);
    return out;
}

json::object item_json(const store::QueueItem& item) {
    json::object out;
    out["id"] = std::to_string(item.id);
    out["message"] = item.message.text();
    out["sender"] = item.envelope.sender;
    out["recipient"] = item.recipient;
    out["domain"] = item.domain;
    out["status"] = status_names[static_cast<std::size_t>(item.status)];
    out["attempts"] = item.attempts;
    out["last_error"] = nullptr;
    if (item.last_error)
        out["last_error"] = error_json(*item.last_error);
    out["created"] = format_rfc3339(item.created);
    out["next_attempt"] = nullptr;
    if (item.status != store::QueueStatus::held && item.next_attempt != Time{})
        out["next_attempt"] = format_rfc3339(item.next_attempt);
    out["expires"] = format_rfc3339(item.expires);
    out["size"] = item.blob.length;
    out["route"] = nullptr;
    if (!item.route.empty())
        out["route"] = item.route;
    out["route_chosen"] = item.route_chosen;
    out["released"] = item.released;
    out["priority"] = item.priority;
    out["message_id"] = nullptr;
    if (!item.envelope.message_id.empty())
        out["message_id"] = item.envelope.message_id;
    return out;
}

Result<store::QueueId> queue_id(std::string_view text) {
    const auto id = text::number<store::QueueId>(text);
    if (!id || *id <= 0)
        return fail(ErrorCode::not_found, "there is no queue item " + text::escape(text, 64));
    return *id;
}

/// {"ids": [...]} or {"filter": "..."} of a verb's body; never both empty, so that nothing hits the whole queue by accident.
Result<store::QueueFilter> chosen(const json::object& body) {
    store::QueueFilter out;
    if (const auto* ids = body.if_contains("ids"); ids != nullptr && ids->is_array())
        for (const auto& each : ids->get_array()) {
            const auto text = each.is_string() ? std::string(each.get_string()) : json::serialize(each);
            MAIL_TRY(const auto id, queue_id(text));
            out.ids.push_back(id);
        }
    if (const auto* filter = body.if_contains("filter"); filter != nullptr && filter->is_string()) {
        MAIL_TRY(out.conditions, parse_filter(filter->get_string()));
    }
    if (out.ids.empty() && out.conditions.empty())
        return fail(ErrorCode::invalid, "no queue items are named", "give ids or a filter");
    return out;
}

/// The verb of an action and what its body says beside the items.
Result<store::QueueChange> change_named(std::string_view word, const json::object& body, Time now) {
    using store::QueueVerb;
    const auto text_at = [&body](const char* name) -> std::optional<std::string> {
        const auto* value = body.if_contains(name);
        return value != nullptr && value->is_string() ? std::optional(std::string(value->get_string())) : std::nullopt;
    };
    if (word == "hold")
        return store::QueueChange{QueueVerb::hold, now, {}};
    if (word == "release")
        return store::QueueChange{QueueVerb::release, now, {}};
    if (word == "retry")
        return store::QueueChange{QueueVerb::retry, now, {}};
    if (word == "drop") { // with a notification it ends like an expired one: the sender gets a report
        const auto* notify = body.if_contains("notify");
        const bool tells = notify != nullptr && notify->is_bool() && notify->get_bool();
        return store::QueueChange{tells ? QueueVerb::expire : QueueVerb::drop, now, {}};
    }
    if (word == "route") {
        const auto to = text_at("route");
        if (!to)
            return fail(ErrorCode::invalid, "no route is named", "give the name of a route, or \"\" for the usual way");
        return store::QueueChange{QueueVerb::route, now, *to};
    }
    if (word == "priority") {
        const auto level = text_at("priority");
        if (!level || (*level != "low" && *level != "normal" && *level != "high"))
            return fail(ErrorCode::invalid, "the priority is low, normal or high");
        return store::QueueChange{QueueVerb::priority, now, *level == "high" ? "1" : *level == "low" ? "-1" : "0"};
    }
    return fail(ErrorCode::not_found, "there is no such action", "hold, release, retry, drop, route or priority");
}

std::optional<store::QueueGroup> group_named(std::string_view word) {
    using store::QueueGroup;
    if (word.empty() || word == "domain")
        return QueueGroup::domain;
    if (word == "sender")
        return QueueGroup::sender;
    if (word == "route")
        return QueueGroup::route;
    if (word == "status")
        return QueueGroup::status;
    if (word == "error")
        return QueueGroup::error;
    if (word == "age")
        return QueueGroup::age;
    return std::nullopt;
}

constexpr std::size_t most_groups = 10'000;
constexpr std::size_t most_told = 1000; ///< items of one change whose stories hear of it

json::object summary_json(const store::QueueSummary& row, std::string_view key_name) {
    json::object out;
    out[key_name] = row.key;
    out["count"] = row.count;
    for (std::size_t i = 0; i < std::size(status_names); ++i)
        out[status_names[i]] = row.states[i];
    out["bytes"] = row.bytes;
    out["oldest"] = format_rfc3339(row.oldest);
    out["next_attempt"] = nullptr;
    if (row.next)
        out["next_attempt"] = format_rfc3339(*row.next);
    out["last_error"] = row.last_error;
    json::object ages;
    for (std::size_t i = 0; i < store::queue_ages; ++i)
        ages[store::age_name(i)] = row.ages[i];
    out["ages"] = std::move(ages);
    return out;
}

} // namespace

Task<net::HttpResponse> Api::queue(const net::HttpRequest& request) {
    const auto& path = request.segments;
    if (path.size() == 4 && path[2] == "actions") {
        if (request.method != "POST")
            co_return method_not_allowed("POST");
        co_return co_await queue_action(request, path[3]);
    }
    if (request.method != "GET")
        co_return method_not_allowed("GET");
    if (path.size() == 2)
        co_return co_await queue_list(request);
    if (path.size() == 3 && path[2] == "summary")
        co_return co_await queue_summary(request);
    if (path.size() == 3 && path[2] == "way")
        co_return co_await queue_way(request);
    const auto id = queue_id(path[2]);
    if (!id)
        co_return problem_reply(id.error());
    if (path.size() == 4 && path[3] == "message")
        co_return co_await queue_message(*id);
    const auto item = co_await services_.store.queue().item(*id);
    if (!item)
        co_return problem_reply(Error{item.error().code, "there is no queue item " + path[2], ""});
    co_return json_reply(item_json(*item));
}

Task<net::HttpResponse> Api::queue_list(const net::HttpRequest& request) {
    const auto known = check_query(request, {"limit", "after", "filter", "sort"});
    const auto limit = limit_of(request);
    if (!known || !limit)
        co_return problem_reply(known ? limit.error() : known.error());
    store::QueueFilter filter;
    filter.sort = request.parameter("sort");
    filter.descending = filter.sort.starts_with('-');
    filter.sort.erase(0, filter.descending ? 1 : 0);
    const bool is_sorted = !filter.sort.empty();
    if (is_sorted && request.has_parameter("after"))
        co_return problem_reply(Error{ErrorCode::invalid, "a sorted list has one page", "leave out after, or sort"});
    auto conditions = parse_filter(request.parameter("filter"));
    if (!conditions)
        co_return problem_reply(conditions.error());
    filter.conditions = std::move(*conditions);
    filter.after = text::number<store::QueueId>(request.parameter("after")).value_or(0);
    filter.limit = *limit == 0 || is_sorted ? *limit : *limit + 1;
    const auto found = co_await services_.store.queue().list(std::move(filter));
    if (!found)
        co_return problem_reply(found.error());
    json::array items;
    json::value next = nullptr;
    for (const auto& item : *found) {
        if (*limit != 0 && !is_sorted && items.size() == *limit) {
            next = items.back().as_object().at("id");
            break;
        }
        items.push_back(item_json(item));
    }
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", std::move(next)}});
}

Task<net::HttpResponse> Api::queue_action(const net::HttpRequest& request, std::string word) {
    auto body = read_body(request, {"ids", "filter", "notify", "route", "priority"});
    if (!body)
        co_return problem_reply(body.error());
    auto change = change_named(word, *body, services_.clock.now());
    if (!change)
        co_return problem_reply(change.error());
    if (change->verb == store::QueueVerb::route && !change->value.empty()) {
        const auto route = co_await services_.store.resources().get("route", change->value);
        if (!route)
            co_return problem_reply(Error{route.error().code, "there is no route " + text::escape(change->value, 64), ""});
    }
    auto filter = chosen(*body);
    if (!filter)
        co_return problem_reply(filter.error());
    if (filter->ids.size() == 1) {
        const auto present = co_await services_.store.queue().item(filter->ids.front());
        if (!present)
            co_return problem_reply(Error{present.error().code, "there is no queue item " + std::to_string(filter->ids.front()), ""});
    }
    const auto touched = co_await touched_items(*filter);
    const auto verb = change->verb;
    const auto changed = co_await services_.store.queue().change(std::move(*filter), std::move(*change));
    if (!changed)
        co_return problem_reply(changed.error());
    using store::QueueVerb;
    tell_stories(touched, word, verb == QueueVerb::hold ? store::StoryMark::held
                                : verb == QueueVerb::drop ? store::StoryMark::dropped
                                                          : store::StoryMark::none);
    log(Event::queue_changed, {{"actor", caller_.actor}, {"verb", word}, {"items", *changed}});
    co_return json_reply(json::object{{"changed", *changed}});
}

Task<std::vector<store::QueueItem>> Api::touched_items(store::QueueFilter filter) {
    filter.limit = most_told;
    auto items = co_await services_.store.queue().list(std::move(filter));
    co_return items ? std::move(*items) : std::vector<store::QueueItem>();
}

Task<net::HttpResponse> Api::queue_summary(const net::HttpRequest& request) {
    const auto known = check_query(request, {"filter", "by"});
    const std::string by = request.parameter("by").empty() ? std::string("domain") : std::string(request.parameter("by"));
    const auto group = group_named(by);
    if (!known || !group)
        co_return problem_reply(known ? Error{ErrorCode::invalid, "the queue is counted by domain, sender, route, status, error or age"}
                                      : known.error());
    store::QueueFilter filter;
    auto conditions = parse_filter(request.parameter("filter"));
    if (!conditions)
        co_return problem_reply(conditions.error());
    filter.conditions = std::move(*conditions);
    const auto rows = co_await services_.store.queue().summary(std::move(filter), *group, most_groups);
    if (!rows)
        co_return problem_reply(rows.error());
    json::array items;
    for (const auto& row : *rows)
        items.push_back(summary_json(row, by));
    co_return json_reply(json::object{{"items", std::move(items)}});
}

Task<net::HttpResponse> Api::queue_way(const net::HttpRequest& request) {
    const auto known = check_query(request, {"recipient", "sender"});
    if (!known)
        co_return problem_reply(known.error());
    if (!services_.find_way)
        co_return problem_reply(Error{ErrorCode::unavailable, "this server delivers nothing", ""});
    std::string sender(request.parameter("sender"));
    std::string recipient(request.parameter("recipient"));
    const auto way = co_await services_.find_way(std::move(sender), std::move(recipient));
    if (!way)
        co_return problem_reply(way.error());
    const auto or_null = [](const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); };
    json::array hosts;
    for (const auto& host : way->hosts)
        hosts.push_back(json::object{{"host", host.name}, {"address", host.address}, {"port", host.port}, {"relay", host.relay},
                                     {"tls", host.tls}, {"why", or_null(host.why)}, {"problem", or_null(host.problem)}});
    co_return json_reply(json::object{{"route", or_null(way->route)}, {"tls", way->tls}, {"validated", way->validated},
                                      {"mta_sts", or_null(way->mta_sts)}, {"held", or_null(way->held)},
                                      {"suppressed", or_null(way->suppressed)}, {"problem", or_null(way->problem)},
                                      {"hosts", std::move(hosts)}});
}

Task<net::HttpResponse> Api::queue_message(std::int64_t id) {
    const auto item = co_await services_.store.queue().item(id);
    if (!item)
        co_return problem_reply(item.error());
    auto bytes = co_await services_.store.mail().read(item->blob, 0, item->blob.length);
    if (!bytes)
        co_return problem_reply(bytes.error());
    net::HttpResponse out;
    out.headers.set("Content-Type", "message/rfc822");
    out.body = std::move(*bytes);
    co_return out;
}

} // namespace mail::admin
