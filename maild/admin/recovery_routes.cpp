// Expunged messages of a mailbox, and what retention rules would take from it:
//   GET  /v1/mailboxes/{name}/recoverable?folder=&since=&until=&from=&subject=&limit=&after=
//   POST /v1/mailboxes/{name}/actions/restore {ids | all | folder, since, until, from, subject; to, after, dry_run}
//   GET  /v1/mailboxes/{name}/retention
// Both of the first look at a bounded number of messages and say in `next` where to go on.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/recovery_view.hpp"
#include "maild/admin/reply.hpp"
#include "maild/service/history.hpp"
#include "maild/service/recovery.hpp"
#include "maild/service/retention.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::size_t most_at_once = 1000;
constexpr std::size_t most_old = 1'000'000; ///< messages of one folder that a test of retention counts

Result<store::RecoverableId> read_place(std::string_view text) {
    if (text.empty())
        return store::RecoverableId{0};
    const auto number = text::number<store::RecoverableId>(text);
    if (!number || *number <= 0)
        return fail(ErrorCode::invalid, "after is no place in a list");
    return *number;
}

/// `value` gives the text of a condition by its name, "" when it is not asked for.
template <class Value> Result<service::RecoverableFilter> read_filter(const Value& value) {
    service::RecoverableFilter filter;
    filter.folder = value("folder");
    filter.from = value("from");
    filter.subject = value("subject");
    MAIL_TRY(filter.since, read_time("since", value("since")));
    MAIL_TRY(filter.until, read_time("until", value("until")));
    if (!filter.folder.empty()) {
        MAIL_TRY(filter.folder, service::Mailboxes::normalise(filter.folder));
    }
    return filter;
}

bool is_on(const json::object& body, std::string_view name) {
    const auto* given = body.if_contains(name);
    return given != nullptr && given->is_bool() && given->get_bool();
}

Result<std::vector<store::RecoverableId>> read_ids(const json::object& body) {
    std::vector<store::RecoverableId> ids;
    const auto* given = body.if_contains("ids");
    if (given == nullptr)
        return ids;
    if (!given->is_array() || given->get_array().empty())
        return fail(ErrorCode::invalid, "ids is no list of ids");
    for (const auto& each : given->get_array()) {
        if (!each.is_int64() || each.get_int64() <= 0)
            return fail(ErrorCode::invalid, "ids holds something that is no id", "mailctl mailbox recoverable lists them");
        ids.push_back(each.get_int64());
    }
    return ids;
}

Result<service::RestoreOrder> read_order(const json::object& body) {
    service::RestoreOrder order;
    MAIL_TRY(order.filter, read_filter([&](std::string_view name) { return member(body, name); }));
    const bool filtered = !order.filter.folder.empty() || order.filter.since || order.filter.until || !order.filter.from.empty() ||
                          !order.filter.subject.empty();
    MAIL_TRY(order.filter.ids, read_ids(body));
    if (order.filter.ids.empty() && !filtered && !is_on(body, "all"))
        return fail(ErrorCode::invalid, "the request does not say what to restore", "ids, conditions, or all");
    if (const auto* after = body.if_contains("after"); after != nullptr && after->is_int64())
        order.beyond = after->get_int64();
    order.folder = member(body, "to");
    order.dry_run = is_on(body, "dry_run");
    return order;
}

json::object item_json(const service::Recoverable& found, const MailboxAges& ages, bool held) {
    constexpr std::pair<std::uint8_t, std::string_view> flags[] = {{store::flag::seen, "\\Seen"},
                                                                   {store::flag::answered, "\\Answered"},
                                                                   {store::flag::flagged, "\\Flagged"},
                                                                   {store::flag::draft, "\\Draft"}};
    json::object out;
    out["id"] = found.item.id;
    out["folder"] = found.item.folder_name;
    out["from"] = found.from;
    out["subject"] = found.subject;
    out["size"] = found.item.size;
    json::array words;
    for (const auto& [bit, word] : flags)
        if ((found.item.flags & bit) != 0)
            words.emplace_back(word);
    for (const auto keyword : text::split(found.item.keywords, ' '))
        if (!keyword.empty())
            words.emplace_back(keyword);
    out["flags"] = std::move(words);
    out["received"] = format_rfc3339(found.item.internal_date);
    out["expunged"] = format_rfc3339(found.item.expunged);
    out["kept_until"] = held ? json::value(nullptr) : json::value(format_rfc3339(found.item.expunged + ages.recoverable));
    return out;
}

json::object outcome_json(const service::RestoreOutcome& outcome) {
    json::object out;
    out["restored"] = outcome.restored;
    out["bytes"] = outcome.bytes;
    json::array folders;
    for (const auto& [name, messages] : outcome.folders)
        folders.push_back(json::object{{"folder", name}, {"messages", messages}});
    out["folders"] = std::move(folders);
    out["missing"] = json::array(outcome.missing.begin(), outcome.missing.end());
    out["over_quota"] = outcome.over_quota;
    out["next"] = outcome.next == 0 ? json::value(nullptr) : json::value(outcome.next);
    return out;
}

} // namespace

MailboxAges ages_of(const service::ConfigSnapshot& config, std::string_view mailbox, const store::AccountKeeping& keeping) {
    MailboxAges ages{config.policy.recoverable_keep, config.policy.recoverable_size, config.policy.removed_keep};
    const auto domain = config.domains.find(std::string(mailbox.substr(mailbox.rfind('@') + 1)));
    if (domain != config.domains.end() && domain->second.recoverable_keep != Duration::zero())
        ages.recoverable = domain->second.recoverable_keep;
    if (domain != config.domains.end() && domain->second.removed_keep != Duration::zero())
        ages.removed = domain->second.removed_keep;
    if (keeping.recoverable != Duration::zero())
        ages.recoverable = keeping.recoverable;
    if (keeping.recoverable_bytes != 0)
        ages.recoverable_bytes = keeping.recoverable_bytes;
    return ages;
}

json::value time_json(std::optional<Time> time) { return time ? json::value(format_rfc3339(*time)) : json::value(nullptr); }

json::value hold_end_json(const store::AccountKeeping& keeping) {
    const bool ends = keeping.held_until != Time::max() && keeping.held_until > Time{};
    return time_json(ends ? std::optional(keeping.held_until) : std::nullopt);
}

Task<net::HttpResponse> Api::recoverable(std::string name, const net::HttpRequest& request) {
    const auto known = check_query(request, {"folder", "since", "until", "from", "subject", "limit", "after"});
    const auto owner = mailbox(name);
    if (!known || !owner || services_.recovery == nullptr)
        co_return problem_reply(!known ? known.error() : !owner ? owner.error() : Error{ErrorCode::unavailable, "nothing is kept here", ""});
    auto filter = read_filter([&](std::string_view field) { return std::string(request.parameter(field)); });
    const auto after = read_place(request.parameter("after"));
    const auto limit = limit_of(request);
    if (!filter || !after || !limit)
        co_return problem_reply(!filter ? filter.error() : !after ? after.error() : limit.error());
    const auto use = co_await services_.store.recovery().use((*owner)->account);
    if (!use)
        co_return problem_reply(use.error());
    const std::size_t most = *limit == 0 ? most_at_once : std::min(*limit, most_at_once);
    const auto page = co_await services_.recovery->list((*owner)->account, std::move(*filter), *after, most);
    if (!page)
        co_return problem_reply(page.error());
    const auto ages = ages_of(*services_.config->current(), name, use->keeping);
    const bool held = use->keeping.held(services_.clock.now());
    json::array items;
    for (const auto& found : page->items)
        items.push_back(item_json(found, ages, held));
    co_return json_reply(json::object{{"items", std::move(items)},
                                      {"next", page->next == 0 ? json::value(nullptr) : json::value(std::to_string(page->next))}});
}

Task<net::HttpResponse> Api::restore(std::string name, const net::HttpRequest& request) {
    const auto body = read_body(request, {"ids", "all", "folder", "since", "until", "from", "subject", "to", "after", "dry_run"});
    const auto owner = mailbox(name);
    if (!body || !owner || services_.recovery == nullptr)
        co_return problem_reply(!body ? body.error() : !owner ? owner.error() : Error{ErrorCode::unavailable, "nothing is kept here", ""});
    auto order = read_order(*body);
    if (!order)
        co_return problem_reply(order.error());
    const bool dry_run = order->dry_run;
    const auto outcome = co_await services_.recovery->restore(*owner, std::move(*order));
    if (!outcome)
        co_return problem_reply(outcome.error());
    if (!dry_run && outcome->restored != 0)
        co_await tell_restored(std::move(name), *outcome);
    co_return json_reply(outcome_json(*outcome));
}

/// The messages are back whatever becomes of this.
Task<void> Api::tell_restored(std::string name, const service::RestoreOutcome& outcome) {
    log(Event::messages_restored, {{"mailbox", name}, {"messages", outcome.restored}, {"actor", caller_.actor}});
    service::Happening happening{caller_.actor, "restore", name, {}, {}};
    happening.summary = "restored " + service::messages_text(outcome.restored) + " of mailbox " + name + " into ";
    for (const auto& [folder, messages] : outcome.folders) {
        happening.summary += (happening.counts.empty() ? "" : ", ") + folder;
        happening.counts.emplace_back(folder, service::messages_text(messages));
    }
    const auto number = co_await services_.store.resources().record(service::history_entry(happening));
    if (!number)
        log(Event::store_error, {{"reason", number.error().message}, {"what", "the history of " + name}});
}

Task<net::HttpResponse> Api::retention(std::string name, const net::HttpRequest& request) {
    const auto known = check_query(request, {"limit", "after"});
    const auto owner = mailbox(name);
    if (!known || !owner || services_.config == nullptr)
        co_return problem_reply(!known ? known.error() : !owner ? owner.error() : Error{ErrorCode::unavailable, "nothing is kept here", ""});
    const auto folders = co_await services_.store.mail().folders((*owner)->account);
    const auto use = co_await services_.store.recovery().use((*owner)->account);
    if (!folders || !use)
        co_return problem_reply(folders ? use.error() : folders.error());
    const service::RetentionRules rules(services_.config->current(), *services_.directory);
    const auto cases = rules.cases(**owner, *folders, services_.clock.now());
    json::array items;
    for (const auto& each : cases) {
        const auto old = co_await services_.store.recovery().old_items(each.age, most_old);
        if (!old)
            continue; // the folder has gone
        const bool for_good = each.for_good && !use->keeping.held(services_.clock.now());
        json::object item;
        item["folder"] = each.folder;
        item["rule"] = each.rule;
        item["messages"] = old->uids.size();
        item["bytes"] = old->bytes;
        item["oldest"] = time_json(old->oldest);
        item["before"] = format_rfc3339(each.age.before);
        item["age"] = each.age.age == store::AgeOf::saved ? "saved" : "received";
        item["action"] = for_good ? "delete" : "recoverable";
        items.push_back(std::move(item));
    }
    co_return json_reply(json::object{{"items", std::move(items)}, {"next", nullptr}});
}

Task<void> Api::add_recovery(std::string name, json::object& status) {
    const auto account = services_.store.resources().find_account_now(name);
    if (!account || services_.config == nullptr)
        co_return;
    const auto use = co_await services_.store.recovery().use(*account);
    if (!use)
        co_return;
    const auto ages = ages_of(*services_.config->current(), name, use->keeping);
    json::object kept;
    kept["messages"] = use->items;
    kept["bytes"] = use->bytes;
    kept["most_bytes"] = ages.recoverable_bytes;
    kept["oldest"] = time_json(use->oldest);
    kept["keep"] = format_duration(ages.recoverable);
    status["recoverable"] = std::move(kept);
    const bool held = use->keeping.held(services_.clock.now());
    json::object hold{{"held", held}};
    hold["since"] = held ? time_json(use->held_since) : json::value(nullptr);
    hold["until"] = held ? hold_end_json(use->keeping) : json::value(nullptr);
    status["litigation_hold"] = std::move(hold);
}

} // namespace mail::admin
