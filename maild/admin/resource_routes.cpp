// GET, PUT, PATCH, DELETE of any kind; nothing here knows a kind by name but for the mailbox's password action.
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/registry.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

/// Text of a member of spec or of name, kind and set; nullopt when the object has no such field.
std::optional<std::string> field_text(const schema::Kind& kind, const json::object& object, std::string_view field) {
    if (field == "name" || field == "kind")
        return std::string(object.at(field).as_string());
    if (field == "set")
        return std::string(object.at("meta").as_object().at("set").as_string());
    if (field == "domain" && kind.owns_address) {
        const std::string name(object.at("name").as_string());
        return name.substr(name.rfind('@') + 1);
    }
    const auto* known = kind.find(field);
    if (known == nullptr)
        return std::nullopt;
    const auto* value = object.at("spec").as_object().if_contains(field);
    return value ? schema::value_to_text(*known, *value) : std::string{};
}

bool holds(const store::QueueFilter::Condition& condition, const std::string& text) {
    switch (condition.operation) {
    case '=':
        return text::iequals(text, condition.value);
    case '!':
        return !text::iequals(text, condition.value);
    case '~':
        return text::ifind(text, condition.value) != std::string_view::npos;
    default: {
        const auto a = text::number<std::int64_t>(text), b = text::number<std::int64_t>(condition.value);
        const bool less = a && b ? *a < *b : text < condition.value;
        return condition.operation == '<' ? less : !less && text != condition.value;
    }
    }
}

/// Checks the names of fields; "true" and "false" become the words that boolean fields are told by.
Result<void> check_fields(const schema::Kind& kind, std::vector<store::QueueFilter::Condition>& filter) {
    std::vector<std::string> known{"name", "kind", "set"};
    if (kind.owns_address)
        known.emplace_back("domain");
    for (const auto& field : kind.fields)
        known.emplace_back(field.name);
    for (auto& condition : filter) {
        if (const auto* field = kind.find(condition.field); field != nullptr && field->type == schema::FieldType::boolean)
            condition.value = text::iequals(condition.value, "true")    ? "yes"
                              : text::iequals(condition.value, "false") ? "no"
                                                                        : condition.value;
        if (std::find(known.begin(), known.end(), condition.field) == known.end())
            return fail(ErrorCode::invalid, std::string(kind.name) + " has no field " + text::escape(condition.field, 64),
                        "fields: " + text::join(known, ", "));
    }
    return {};
}

std::optional<std::uint64_t> etag(std::string_view header) {
    if (header.size() >= 2 && header.front() == '"' && header.back() == '"')
        header = header.substr(1, header.size() - 2);
    return text::number<std::uint64_t>(header);
}

} // namespace

Task<net::HttpResponse> Api::resource(const schema::Kind& kind, const net::HttpRequest& request) {
    const auto& path = request.segments;
    const bool singleton = kind.is_singleton;
    if (path.size() == 2 && !singleton) {
        if (request.method != "GET")
            co_return method_not_allowed("GET");
        co_return co_await list(kind, request);
    }
    const auto parts = {"folders", "rights", "recoverable", "retention"};
    const bool of_mailbox = kind.name == "mailbox" && path.size() == 4 && std::find(parts.begin(), parts.end(), path[3]) != parts.end();
    if (path.size() > 5 || (path.size() > 3 && path[3] != "actions" && !of_mailbox))
        co_return problem_reply(Error{ErrorCode::not_found, "there is nothing at this path", "see GET /v1/schema"});
    const auto name = singleton ? Result<std::string>(std::string(kind.name)) : kind.canonical_name(path[2]);
    if (!name)
        co_return problem_reply(name.error());
    if (of_mailbox) {
        if (request.method != "GET")
            co_return method_not_allowed("GET");
        if (path[3] == "folders")
            co_return co_await mailbox_folders(*name);
        if (path[3] == "recoverable")
            co_return co_await recoverable(*name, request);
        if (path[3] == "retention")
            co_return co_await retention(*name, request);
        co_return co_await mailbox_rights(*name, request);
    }
    if (path.size() == 5)
        co_return co_await resource_action(kind, *name, request);
    if (request.method == "GET")
        co_return co_await show(kind, *name);
    if (request.method == "PUT" || request.method == "PATCH")
        co_return co_await put(kind, *name, request, request.method == "PATCH");
    if (request.method == "DELETE" && !singleton)
        co_return co_await remove(kind, *name, request);
    co_return method_not_allowed(singleton ? "GET, PUT, PATCH" : "GET, PUT, PATCH, DELETE");
}

Task<net::HttpResponse> Api::list(const schema::Kind& kind, const net::HttpRequest& request) {
    if (kind.has_account && request.has_parameter("removed"))
        co_return co_await removed_mailboxes(request);
    const auto known = check_query(request, {"limit", "after", "filter", "set"});
    if (!known)
        co_return problem_reply(known.error());
    const auto limit = limit_of(request);
    auto filter = parse_filter(request.parameter("filter"));
    if (!limit || !filter)
        co_return problem_reply(limit ? filter.error() : limit.error());
    const auto fields = check_fields(kind, *filter);
    if (!fields)
        co_return problem_reply(fields.error());
    store::ResourcePage page;
    page.kind = kind.name;
    page.after = request.parameter("after");
    page.set = request.parameter("set");
    // Without a filter the store stops by itself; one more row tells whether there is a next page.
    page.limit = filter->empty() && *limit != 0 ? *limit + 1 : 0;
    for (const auto& condition : *filter)
        if (condition.field == "domain" && condition.operation == '=' && kind.owns_address)
            page.domain = text::to_lower(condition.value);
    const auto rows = co_await services_.resources.rows(std::move(page));
    if (!rows)
        co_return problem_reply(rows.error());
    json::array items;
    json::value next = nullptr;
    for (const auto& row : *rows) {
        auto object = services_.resources.describe(kind, row);
        const bool wanted = std::all_of(filter->begin(), filter->end(), [&](const auto& condition) {
            const auto value = field_text(kind, object, condition.field);
            return value && holds(condition, *value);
        });
        if (!wanted)
            continue;
        if (*limit != 0 && items.size() == *limit) {
            next = items.back().as_object().at("name");
            break;
        }
        items.push_back(std::move(object));
    }
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", std::move(next)}});
}

Task<net::HttpResponse> Api::show(const schema::Kind& kind, std::string name) {
    auto object = co_await services_.resources.show(kind, name);
    if (!object)
        co_return problem_reply(object.error());
    if (kind.name == "mailbox") {
        co_await add_sending(name, object->at("status").as_object());
        co_await add_recovery(name, object->at("status").as_object());
    }
    auto out = json_reply(*object);
    out.headers.set("ETag", "\"" + std::to_string(object->at("meta").as_object().at("version").to_number<std::uint64_t>()) + "\"");
    co_return out;
}

Task<net::HttpResponse> Api::put(const schema::Kind& kind, std::string name, const net::HttpRequest& request, bool patch) {
    const auto known = check_query(request, {"dry_run"});
    if (!known)
        co_return problem_reply(known.error());
    auto body = read_body(request, {"spec", "set", "kind", "name", "status", "meta"});
    if (!body)
        co_return problem_reply(body.error());
    const auto* given = body->if_contains("spec");
    if (given == nullptr || !given->is_object())
        co_return problem_reply(Error{ErrorCode::invalid, "the request has no spec object", "send {\"spec\": {...}}"});
    ChangeRequest change;
    change.actor = caller_.actor;
    change.options.set = "";
    if (const auto* set = body->if_contains("set"); set != nullptr && set->is_string())
        change.options.set = set->as_string();
    change.dry_run = request.parameter("dry_run") == "1";
    change.only_create = request.headers.find("If-None-Match") == "*";
    change.if_version = etag(request.headers.find("If-Match"));
    json::object spec = given->get_object();
    if (patch) {
        const auto present = services_.store.resources().get_now(kind.name, name);
        if (!present && !kind.is_singleton)
            co_return problem_reply(Error{present.error().code, std::string(kind.name) + " " + name + " does not exist", ""});
        json::error_code error;
        auto before = present ? json::parse(present->spec, error) : json::value(json::object{});
        if (error || !before.is_object())
            co_return problem_reply(Error{ErrorCode::internal, "the stored object cannot be read", ""});
        spec = schema::merge_patch(kind, schema::redact(kind, before.get_object()), spec);
        if (present && !change.if_version)
            change.if_version = present->version; // a change in between must not be undone
        change.only_update = present.has_value();
    }
    ChangeFailure why;
    schema::Document document;
    document.kind = kind.name;
    document.name = name;
    document.spec = std::make_shared<const json::object>(schema::normalise(kind, name, spec, why.issues));
    if (schema::has_errors(why.issues)) {
        why.error = schema::to_error(why.issues);
        co_return problem_reply(why);
    }
    change.documents.push_back(std::move(document));
    const bool dry_run = change.dry_run;
    const auto outcome = co_await services_.resources.change(std::move(change), why);
    if (!outcome)
        co_return problem_reply(why);
    if (dry_run)
        co_return json_reply(schema::to_json(outcome->plan));
    auto out = co_await show(kind, std::move(name));
    if (outcome->plan.count(schema::Action::create) != 0)
        out.status = 201;
    co_return out;
}

Task<net::HttpResponse> Api::remove(const schema::Kind& kind, std::string name, const net::HttpRequest& request) {
    const auto known = check_query(request, {"dry_run", "cascade"});
    if (!known)
        co_return problem_reply(known.error());
    ChangeRequest change;
    change.actor = caller_.actor;
    change.options.set = "";
    change.options.removals.emplace_back(kind.name, name);
    change.only_update = true;
    change.dry_run = request.parameter("dry_run") == "1";
    change.if_version = etag(request.headers.find("If-Match"));
    ChangeFailure why;
    const auto outcome = co_await services_.resources.change(std::move(change), why);
    if (!outcome)
        co_return problem_reply(why);
    co_return json_reply(schema::to_json(outcome->plan));
}

Task<net::HttpResponse> Api::resource_action(const schema::Kind& kind, std::string name, const net::HttpRequest& request) {
    if (request.method != "POST")
        co_return method_not_allowed("POST");
    const auto& verb = request.segments[4];
    if (kind.name == "mailbox" && verb == "kick")
        co_return kick(name, request);
    if (kind.name == "mailbox" && verb == "restore")
        co_return co_await restore(std::move(name), request);
    if (kind.name == "mailbox" && verb == "reconnect")
        co_return co_await reconnect(std::move(name), request);
    if (kind.name == "mailbox" && (verb == "grant" || verb == "revoke"))
        co_return co_await change_rights(std::move(name), request, verb == "grant");
    if (kind.name == "mailbox" && (verb == "freeze" || verb == "unfreeze"))
        co_return co_await freeze(std::move(name), request, verb == "freeze");
    if (kind.name != "mailbox" || verb != "password")
        co_return problem_reply(Error{ErrorCode::not_found, "there is no such action", ""});
    auto body = read_body(request, {"password"});
    if (!body)
        co_return problem_reply(body.error());
    if (!body->contains("password"))
        co_return problem_reply(Error{ErrorCode::invalid, "the request has no password", ""});
    net::HttpRequest patch = request;
    patch.query.clear();
    patch.body = json::serialize(json::object{{"spec", json::object{{"password", body->at("password")}}}});
    co_return co_await put(kind, std::move(name), patch, true);
}

} // namespace mail::admin
