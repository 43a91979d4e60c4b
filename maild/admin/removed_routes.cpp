// Removed mailboxes, which are kept for a while:
//   GET  /v1/mailboxes?removed=1
//   POST /v1/mailboxes/{name}/actions/reconnect {as, id, dry_run}   it is again what it was, perhaps under another name
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "common/schema/registry.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/recovery_view.hpp"
#include "maild/admin/reply.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::string_view kind_name = "mailbox";

json::object removed_json(const store::RemovedAccount& account, const MailboxAges& ages, Time now) {
    const bool held = account.keeping.held(now);
    json::object out;
    out["name"] = account.name;
    out["id"] = account.id;
    out["removed"] = format_rfc3339(account.removed);
    // A hold that ends by itself ends no sooner than the time for all.
    const Time end = std::max(account.removed + ages.removed, held ? account.keeping.held_until : Time{});
    out["kept_until"] = time_json(end == Time::max() ? std::nullopt : std::optional(end));
    out["state"] = account.purging ? "purging" : held ? "held" : "kept";
    out["messages"] = account.items;
    out["bytes"] = account.bytes;
    out["created"] = format_rfc3339(account.created);
    out["set"] = account.set;
    return out;
}

/// Takes out of a spec the aliases that meanwhile lead elsewhere, and the new name if it was one. What went, in words.
json::array drop_taken_aliases(store::ResourceStore& resources, const std::string& name, json::object& spec) {
    json::array left_out;
    auto* list = spec.if_contains("aliases");
    if (list == nullptr || !list->is_array())
        return left_out;
    json::array kept;
    for (const auto& alias : list->get_array()) {
        const std::string address(alias.is_string() ? std::string(alias.get_string()) : std::string());
        const std::string key = schema::own_address_format.key(address);
        const auto owner = resources.find_address_now(key);
        if (owner && owner->name != name)
            left_out.emplace_back(address + " belongs to " + owner->kind + " " + owner->name);
        else if (key != name)
            kept.push_back(alias);
    }
    *list = std::move(kept);
    return left_out;
}

Result<json::object> spec_of(const store::RemovedAccount& account) {
    if (account.spec.empty())
        return json::object{}; // from before specs were kept
    boost::system::error_code error;
    auto value = json::parse(account.spec, error);
    if (error || !value.is_object())
        return fail(ErrorCode::internal, "the settings of the removed mailbox cannot be read");
    return std::move(value.get_object());
}

Result<std::string> text_member(const json::object& body, std::string_view name) {
    const auto* given = body.if_contains(name);
    if (given == nullptr)
        return std::string();
    if (!given->is_string())
        return fail(ErrorCode::invalid, std::string(name) + " is no text");
    return std::string(given->get_string());
}

} // namespace

Task<net::HttpResponse> Api::removed_mailboxes(const net::HttpRequest& request) {
    const auto known = check_query(request, {"removed", "limit", "after", "filter", "set"});
    const auto filter = parse_filter(request.parameter("filter"));
    if (!known || !filter)
        co_return problem_reply(known ? filter.error() : known.error());
    for (const auto& condition : *filter)
        if (condition.field != "name")
            co_return problem_reply(Error{ErrorCode::invalid, "removed mailboxes are found by name alone", "write name~ann"});
    const auto accounts = co_await services_.store.recovery().removed(std::string());
    if (!accounts || services_.config == nullptr)
        co_return problem_reply(accounts ? Error{ErrorCode::unavailable, "nothing is kept here", ""} : accounts.error());
    const auto config = services_.config->current();
    json::array items;
    for (const auto& account : *accounts) {
        const bool wanted = std::all_of(filter->begin(), filter->end(), [&](const auto& condition) {
            const bool holds = text::ifind(account.name, condition.value) != std::string_view::npos;
            return condition.operation == '!' ? !holds : condition.operation == '=' ? account.name == condition.value : holds;
        });
        if (account.kind == kind_name && wanted)
            items.push_back(removed_json(account, ages_of(*config, account.name, account.keeping), services_.clock.now()));
    }
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", nullptr}});
}

/// The one with this id, or the last removed of this name that is still whole.
Task<Result<store::RemovedAccount>> Api::find_removed(std::string name, store::AccountId id) {
    MAIL_CO_TRY(auto accounts, co_await services_.store.recovery().removed(name));
    for (auto& account : accounts)
        if (account.kind == kind_name && (id == 0 ? !account.purging : account.id == id))
            co_return std::move(account);
    if (id == 0 && services_.store.resources().get_now(kind_name, name))
        co_return fail(ErrorCode::conflict, "mailbox " + name + " was not removed",
                       "to restore its messages name ids, conditions or --all: see mailctl mailbox recoverable " + name);
    co_return fail(ErrorCode::not_found, "no removed mailbox " + name + (id == 0 ? "" : " with the id " + std::to_string(id)) + " is kept",
                   "see: mailctl mailbox list --removed");
}

Task<net::HttpResponse> Api::reconnect(std::string name, const net::HttpRequest& request) {
    const auto body = read_body(request, {"as", "id", "dry_run"});
    const auto as = body ? text_member(*body, "as") : Result<std::string>(fail(body.error()));
    if (!as)
        co_return problem_reply(as.error());
    const auto* id = body->if_contains("id");
    const auto* dry_run = body->if_contains("dry_run");
    const auto account = co_await find_removed(name, id != nullptr && id->is_int64() ? id->get_int64() : 0);
    if (!account)
        co_return problem_reply(account.error());
    const auto& kind = *schema::find_kind(kind_name);
    const auto target = kind.canonical_name(as->empty() ? name : *as);
    auto spec = spec_of(*account);
    if (!target || !spec)
        co_return problem_reply(target ? spec.error() : target.error());
    if (services_.store.resources().get_now(kind_name, *target))
        co_return problem_reply(Error{ErrorCode::conflict, "mailbox " + *target + " exists: the name was given out again",
                                      "restore it under another address: mailctl mailbox restore " + name + " --as <address>"});
    auto left_out = drop_taken_aliases(services_.store.resources(), *target, *spec);
    ChangeRequest change;
    change.actor = caller_.actor;
    change.options.set = ""; // by hand: the next apply of its former set must not take it away again unasked
    change.dry_run = dry_run != nullptr && dry_run->is_bool() && dry_run->get_bool();
    change.only_create = true;
    change.reconnect = account->id;
    change.was = name;
    ChangeFailure why;
    schema::Document document;
    document.kind = kind_name;
    document.name = *target;
    document.spec = std::make_shared<const json::object>(schema::normalise(kind, *target, *spec, why.issues));
    const bool has_password = document.spec->contains("password");
    change.documents.push_back(std::move(document));
    const bool only_shown = change.dry_run;
    const auto outcome = co_await services_.resources.change(std::move(change), why);
    if (!outcome)
        co_return problem_reply(why);
    json::object out = only_shown ? schema::to_json(outcome->plan) : json::object{};
    if (!only_shown)
        log(Event::mailbox_restored, {{"mailbox", *target}, {"was", name}, {"actor", caller_.actor}});
    out["name"] = *target;
    out["messages"] = account->items;
    out["bytes"] = account->bytes;
    out["removed"] = format_rfc3339(account->removed);
    out["has_password"] = has_password;
    out["left_out"] = std::move(left_out);
    co_return json_reply(out);
}

} // namespace mail::admin
