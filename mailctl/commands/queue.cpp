// `mailctl queue ...`: outgoing mail that waits. One item is one recipient of one message.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

const View& queue_view() {
    static const View view{"queue", "id",
        {{"id", "id"}, {"sender", "sender"}, {"recipient", "recipient"}, {"status", "status"},
         {"attempts", "attempts", Unit::number}, {"priority", "priority", Unit::number, Shown::wide}, {"next_attempt", "next_attempt", Unit::time},
         {"last_error", "last_error.text"}, {"size", "size", Unit::bytes, Shown::wide}, {"route", "route", Unit::text, Shown::wide}, {"domain", "domain", Unit::text, Shown::wide},
         {"created", "created", Unit::time, Shown::wide}, {"expires", "expires", Unit::time, Shown::wide},
         {"error_code", "last_error.code", Unit::text, Shown::wide}, {"remote", "last_error.remote", Unit::text, Shown::wide},
         {"message_id", "message_id", Unit::text, Shown::wide}}, false};
    return view;
}

/// The first so many of a sorted queue are the server's to find: it does not send all of it for that.
int run_list(Session& session, const Invocation&) {
    const Globals& globals = session.globals;
    const std::string_view by = std::string_view(globals.sort).substr(globals.sort.starts_with('-') ? 1 : 0);
    const auto& columns = queue_view().columns;
    const bool is_known = std::any_of(columns.begin(), columns.end(), [by](const Column& column) { return column.name == by; });
    if (!is_known || !globals.limit || globals.watch)
        return list_command(session, queue_view(), "/v1/queue", {});
    const Query query{{"sort", globals.sort}, {"limit", std::to_string(*globals.limit)}, {"filter", globals.filter}};
    auto page = session.get("/v1/queue" + query_text(query));
    if (!page)
        return session.report(page.error());
    return session.print(list_text(queue_view(), *page, session.print_options()));
}

int run_watch(Session& session, const Invocation&) {
    session.globals.watch = true;
    return list_command(session, queue_view(), "/v1/queue", {});
}

int run_show(Session& session, const Invocation& given) {
    for (std::size_t i = 0; i < given.arguments.size(); ++i) {
        auto item = session.get(api::path_of("queue", given.arguments[i]));
        if (!item)
            return session.report(item.error(), "queue " + given.arguments[i]);
        if (i > 0 && session.format() == Format::table)
            session.io.out << '\n';
        if (const int code = session.print(show_text(queue_view(), *item, session.print_options())); code != 0)
            return code;
    }
    return exit_code::ok;
}

View summary_view(const std::string& by) {
    return {by, by,
        {{by, by}, {"count", "count", Unit::number}, {"ready", "ready", Unit::number, Shown::wide},
         {"active", "active", Unit::number, Shown::wide}, {"deferred", "deferred", Unit::number},
         {"held", "held", Unit::number}, {"bytes", "bytes", Unit::bytes, Shown::wide}, {"oldest", "oldest", Unit::time},
         {"next_attempt", "next_attempt", Unit::time, Shown::wide}, {"last_error", "last_error"}}, false};
}

/// How long what waits has been waiting, by destination.
View ages_view(const std::string& by) {
    View view{by, by, {{by, by}, {"count", "count", Unit::number}}, false};
    for (const char* age : {"5m", "10m", "20m", "40m", "80m", "160m", "320m", "640m", "1280m", "older"})
        view.columns.push_back({age, std::string("ages.") + age, Unit::number});
    return view;
}

int run_summary(Session& session, const Invocation& given) {
    const std::string by = given.has("by") ? given.value("by") : std::string("domain");
    auto page = session.get("/v1/queue/summary" + query_text({{"by", by}, {"filter", session.globals.filter}}));
    if (!page)
        return session.report(page.error());
    return session.print(list_text(given.is_on("ages") ? ages_view(by) : summary_view(by), *page, session.print_options()));
}

/// {"ids": [...]} or {"filter": "..."}; which items an action is for.
Result<json::object> selection_of(const Session& session, const Invocation& given) {
    json::object body;
    const bool everything = given.is_on("all");
    const int ways = (given.arguments.empty() ? 0 : 1) + (session.globals.filter.empty() ? 0 : 1) + (everything ? 1 : 0);
    if (ways == 0)
        return fail(ErrorCode::usage, "queue " + given.verb + " needs ids, --filter or --all",
                    "for example: mailctl queue " + given.verb + " --filter status=deferred");
    if (ways > 1)
        return fail(ErrorCode::usage, "ids, --filter and --all exclude each other");
    if (!given.arguments.empty()) {
        json::array ids;
        for (const std::string& id : given.arguments)
            ids.emplace_back(id);
        body["ids"] = std::move(ids);
    } else {
        // The server refuses an empty filter, so that nothing hits the whole queue by accident.
        body["filter"] = everything ? std::string("id>0") : session.globals.filter;
    }
    return body;
}

/// The items a selection means right now, for --dry-run and the question before a drop.
Result<json::value> selected_items(Session& session, const Invocation& given) {
    if (given.arguments.empty())
        return fetch_list(session, "/v1/queue", {});
    json::array items;
    for (const std::string& id : given.arguments) {
        MAIL_TRY(json::value item, session.get(api::path_of("queue", id)));
        items.push_back(std::move(item));
    }
    json::object page;
    page["items"] = std::move(items);
    return json::value(std::move(page));
}

int change(Session& session, const Invocation& given, json::object body, std::string_view done) {
    auto answer = session.post("/v1/queue/actions/" + given.verb, json::value(std::move(body)));
    if (!answer)
        return session.report(answer.error(), "queue " + given.verb);
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(*answer, "changed")));
    if (session.is_json()) {
        session.io.out << json::serialize(*answer) << '\n';
    } else if (count > 0 || given.arguments.empty()) {
        session.say(std::string(done) + " " + counted(count, "recipient", "recipients"));
    }
    if (count >= given.arguments.size())
        return exit_code::ok;
    if (count == 0)
        return session.report({ErrorCode::not_found, "none of these ids could be changed",
                               "see what is there: mailctl queue list"}, "queue " + given.verb);
    session.note("warning: " + std::to_string(given.arguments.size() - count) + " of these ids could not be changed");
    return exit_code::partly_done;
}

int run_action(Session& session, const Invocation& given, std::string_view done) {
    auto body = selection_of(session, given);
    if (!body)
        return session.report(body.error());
    if ((given.verb == "route" || given.verb == "priority") && !given.has("to"))
        return session.report({ErrorCode::usage, "queue " + given.verb + " needs --to",
                               given.verb == "route" ? "--to NAME, or --to \"\" for the usual way" : "--to low, normal or high"});
    const bool is_drop = given.verb == "drop";
    if (is_drop && given.is_on("notify") && given.is_on("silent"))
        return session.report({ErrorCode::usage, "--notify and --silent exclude each other"});
    if (session.globals.dry_run || (is_drop && !session.globals.yes)) {
        auto items = selected_items(session, given);
        if (!items)
            return session.report(items.error(), "queue " + given.verb);
        if (session.globals.dry_run)
            return session.print(list_text(queue_view(), *items, session.print_options()));
        const std::size_t count = at_path(*items, "items")->get_array().size();
        const bool notify = given.is_on("notify");
        auto answer = session.confirm("drop " + counted(count, "recipient", "recipients") + " for good" +
                                      (notify ? " and tell the senders?" : " without telling the senders?"));
        if (!answer)
            return session.report(answer.error());
        if (!*answer)
            return session.abandoned();
    }
    if (is_drop)
        (*body)["notify"] = given.is_on("notify");
    if (given.verb == "route")
        (*body)["route"] = given.value("to");
    if (given.verb == "priority")
        (*body)["priority"] = given.value("to");
    return change(session, given, std::move(*body), done);
}

int run_dump(Session& session, const Invocation& given) {
    api::Call call;
    call.path = api::path_of("queue", given.argument(0)) + "/message";
    auto reply = session.call(std::move(call));
    if (!reply)
        return session.report(reply.error(), "queue " + given.argument(0));
    session.io.out << reply->body;
    return exit_code::ok;
}

CommandSpec action(std::string verb, std::string summary, std::string_view done, std::vector<std::string> examples) {
    CommandSpec spec;
    spec.verb = std::move(verb);
    spec.summary = std::move(summary);
    spec.arguments = {{"id", false, true, Completes::names}};
    spec.options = {{"all", "", "Everything in the queue."}};
    spec.examples = std::move(examples);
    spec.details = "Name the items by id or with --filter. With --dry-run they are listed and nothing happens.";
    spec.related = "queue list, help filters";
    spec.run = [done](Session& session, const Invocation& given) { return run_action(session, given, done); };
    return spec;
}

} // namespace

std::vector<CommandSpec> queue_commands() {
    std::vector<CommandSpec> commands;
    commands.push_back({"list", "List what waits to be delivered", {}, {},
        {"mailctl queue list", "mailctl queue list --filter status=deferred,recipient~@example.org -o json",
         "mailctl queue list --sort=-size --limit 10"},
        "One line per recipient of a message. The status is ready, active, deferred or held.",
        "queue summary, queue show, help filters", run_list});
    commands.push_back({"show", "Show all that is known about queued recipients",
        {{"id", true, true, Completes::names}}, {}, {"mailctl queue show 1742"}, "",
        "queue list, queue dump", run_show});
    commands.push_back({"summary", "Count what waits by destination, sender, route, status, error or age", {},
        {{"by", "field", "What to count by.", 0, false, {"domain", "sender", "route", "status", "error", "age"}, Completes::choices},
         {"ages", "", "Show how long what waits has been waiting, younger than 5 minutes, 10 and so on."}},
        {"mailctl queue summary", "mailctl queue summary --by error --filter domain=example.org", "mailctl queue summary --ages"},
        "The largest group comes first. With --filter only the items that match are counted.", "queue list", run_summary});
    commands.push_back(action("retry", "Try again now", "retrying",
        {"mailctl queue retry --filter status=deferred", "mailctl queue retry 1742"}));
    commands.push_back(action("hold", "Keep from being delivered until released", "held",
        {"mailctl queue hold --filter recipient~@example.org"}));
    commands.push_back(action("release", "Let held items go out", "released",
        {"mailctl queue release --filter status=held"}));
    CommandSpec route = action("route", "Send another way", "sent another way:",
        {"mailctl queue route --filter domain=example.org --to backup", "mailctl queue route 1742 --to \"\""});
    route.options.push_back({"to", "route", "Name of the route; \"\" lets the recipient's domain decide again."});
    route.details += " What waits is tried again at once. What is being delivered is left alone.";
    commands.push_back(std::move(route));
    CommandSpec priority = action("priority", "Let items of a destination go first or last", "changed",
        {"mailctl queue priority 1742 --to high"});
    priority.options.push_back({"to", "level", "low, normal or high.", 0, false, {"low", "normal", "high"}, Completes::choices});
    commands.push_back(std::move(priority));
    CommandSpec drop = action("drop", "Remove from the queue for good", "dropped",
        {"mailctl queue drop 1742 --notify",
         "mailctl queue drop --filter sender=bulk@example.org --silent --yes"});
    drop.options.push_back({"notify", "", "Send each sender a report that the message was not delivered."});
    drop.options.push_back({"silent", "", "Tell nobody. This is what happens without --notify."});
    drop.details += " Asks first; without a terminal it needs --yes. An item that is being delivered is dropped when "
                    "its attempt has ended.";
    commands.push_back(std::move(drop));
    commands.push_back({"dump", "Write a queued message to standard output", {{"id", true, false, Completes::names}}, {},
        {"mailctl queue dump 1742 > message.eml"}, "", "queue show", run_dump});
    commands.push_back({"watch", "Follow the queue until interrupted", {}, {},
        {"mailctl queue watch --filter status=deferred"}, "The same as queue list --watch.", "queue list", run_watch});
    return commands;
}

} // namespace mail::mailctl
