// `mailctl mailbox recoverable | restore | hold | unhold` and `mailctl retention test`: what is gone and can come back, and
// what goes next.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"
#include "mailctl/output/json.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

constexpr std::array texts{"folder", "from", "subject"};
constexpr std::array times{"since", "until"};

/// Conditions on expunged messages, from options of their own and from --filter, as the server takes them.
Result<Query> conditions(const Session& session, const Invocation& given) {
    Query query;
    for (const char* name : texts)
        query.emplace_back(name, given.value(name));
    for (const char* name : times) {
        MAIL_TRY(std::string time, time_option(session, given, name));
        query.emplace_back(name, std::move(time));
    }
    for (const auto part : text::split(session.globals.filter, ',')) {
        const auto at = part.find_first_of("=~");
        const std::string name(text::trim(part.substr(0, std::min(at, part.size()))));
        const auto known = std::find_if(query.begin(), query.end(), [&](const auto& entry) { return entry.first == name; });
        if (part.empty())
            continue;
        if (at == std::string_view::npos || known == query.end())
            return fail(ErrorCode::usage, "--filter " + std::string(part) + " cannot be understood",
                        "write folder=INBOX, from~bob, subject~report, since=..., until=...; comma is and");
        known->second = text::trim(part.substr(at + 1));
    }
    return query;
}

std::string message_count(const json::value& answer, const char* field) {
    return counted(static_cast<std::uint64_t>(number_at(answer, field)), "message", "messages");
}

// ---- recoverable

const View& recoverable_view() {
    static const View view{"message", "id",
        {{"id", "id", Unit::number}, {"folder", "folder"}, {"from", "from"}, {"subject", "subject"}, {"size", "size", Unit::bytes},
         {"expunged", "expunged", Unit::time}, {"received", "received", Unit::time, Shown::wide},
         {"kept_until", "kept_until", Unit::time, Shown::wide}, {"flags", "flags", Unit::text, Shown::asked}}, false};
    return view;
}

int run_recoverable(Session& session, const Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    auto query = conditions(session, given);
    if (!name || !query)
        return session.report(name ? query.error() : name.error(), "mailbox " + given.argument(0));
    session.globals.filter.clear(); // it is in the query
    return list_command(session, recoverable_view(), resource_path(kind, *name) + "/recoverable", *query);
}

// ---- restore

/// What all answers together said.
struct Restored {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::vector<std::pair<std::string, std::uint64_t>> folders;
    json::array missing;
    bool over_quota = false;

    void add(const json::value& answer) {
        messages += static_cast<std::uint64_t>(number_at(answer, "restored"));
        bytes += static_cast<std::uint64_t>(number_at(answer, "bytes"));
        over_quota = raw_text(at_path(answer, "over_quota")) == "true";
        if (const json::value* more = at_path(answer, "missing"); more != nullptr && more->is_array())
            missing.insert(missing.end(), more->get_array().begin(), more->get_array().end());
        const json::value* list = at_path(answer, "folders");
        if (list == nullptr || !list->is_array())
            return;
        for (const json::value& each : list->get_array()) {
            const std::string folder = text_at(each, "folder");
            const auto known = std::find_if(folders.begin(), folders.end(), [&](const auto& one) { return one.first == folder; });
            auto& place = known != folders.end() ? *known : folders.emplace_back(folder, 0);
            place.second += static_cast<std::uint64_t>(number_at(each, "messages"));
        }
    }
    [[nodiscard]] json::object to_json() const {
        json::array list;
        for (const auto& [folder, count] : folders)
            list.push_back(json::object{{"folder", folder}, {"messages", count}});
        return {{"restored", messages}, {"bytes", bytes}, {"folders", std::move(list)}, {"missing", missing}, {"over_quota", over_quota}};
    }
    /// "12 messages (3 MiB) into INBOX (10), Work (2)"
    [[nodiscard]] std::string text() const {
        std::string out = counted(messages, "message", "messages") + " (" + human_bytes(static_cast<std::int64_t>(bytes)) + ")";
        for (std::size_t i = 0; i < folders.size(); ++i)
            out += (i == 0 ? " into " : ", ") + clean(folders[i].first) + " (" + std::to_string(folders[i].second) + ")";
        return out;
    }
};

int tell_restored(Session& session, const Restored& all, const std::string& subject) {
    const bool any = all.messages != 0;
    if (session.is_json())
        session.io.out << (session.format() == Format::ndjson ? json_line(all.to_json()) : json_text(all.to_json()));
    else if (any || (all.missing.empty() && !all.over_quota))
        session.say((session.globals.dry_run ? "would restore " : "restored ") + all.text());
    if (all.over_quota)
        session.report({ErrorCode::over_quota, "the mailbox is full: the rest was not restored",
                        "raise its quota or make room, then restore again; nothing comes back twice"}, subject);
    if (!all.missing.empty()) {
        const std::string what = counted(all.missing.size(), "message is", "messages are") + " not there: restored before, or gone for good";
        if (!any && !all.over_quota)
            return session.report({ErrorCode::not_found, what, "see: mailctl mailbox recoverable"}, subject);
        session.note(what);
    }
    if (all.over_quota)
        return any ? exit_code::partly_done : exit_code_of({ErrorCode::over_quota, {}, {}});
    return all.missing.empty() ? exit_code::ok : exit_code::partly_done;
}

Result<json::object> restore_order(const Invocation& given, const Query& conditions) {
    json::object order;
    json::array ids;
    for (std::size_t i = 1; i < given.arguments.size(); ++i) {
        const auto id = text::number<std::int64_t>(given.arguments[i]);
        if (!id || *id <= 0)
            return fail(ErrorCode::usage, clean(given.arguments[i]) + " is no id of a message", "mailctl mailbox recoverable lists them");
        ids.emplace_back(*id);
    }
    if (!ids.empty())
        order["ids"] = std::move(ids);
    for (const auto& [name, value] : conditions)
        if (!value.empty())
            order[name] = value;
    if (given.is_on("all"))
        order["all"] = true;
    return order;
}

int restore_messages(Session& session, const std::string& path, const std::string& subject, json::object order, const Invocation& given) {
    if (given.has("to"))
        order["to"] = given.value("to");
    order["dry_run"] = session.globals.dry_run;
    Restored all;
    for (;;) {
        const auto answer = session.post(path + "/actions/restore", order);
        if (!answer) {
            if (all.messages > 0)
                session.note("restored " + all.text() + " until then; the same command goes on from there");
            return session.report(answer.error(), subject);
        }
        all.add(*answer);
        const std::int64_t next = number_at(*answer, "next");
        if (next <= 0 || all.over_quota)
            return tell_restored(session, all, subject);
        order["after"] = next;
    }
}

int reconnect_mailbox(Session& session, const std::string& path, const std::string& subject, const Invocation& given) {
    json::object body{{"dry_run", session.globals.dry_run}};
    if (given.has("as"))
        body["as"] = given.value("as");
    if (const auto id = text::number<std::int64_t>(given.value("id")); id)
        body["id"] = *id;
    else if (given.has("id"))
        return session.report({ErrorCode::usage, "--id takes a number", "see: mailctl mailbox list --removed"}, subject);
    const auto answer = session.post(path + "/actions/reconnect", body);
    if (!answer)
        return session.report(answer.error(), subject);
    if (session.is_json())
        return session.print(show_text({}, *answer, session.print_options()));
    const std::string name = clean(text_at(*answer, "name"));
    if (session.globals.dry_run)
        session.io.out << plan_text(*answer, session.io.out_terminal);
    session.say((session.globals.dry_run ? "would bring back mailbox " : "brought back mailbox ") + name + " with " +
                message_count(*answer, "messages") + " (" + human_bytes(number_at(*answer, "bytes")) + ")");
    if (const json::value* left = at_path(*answer, "left_out"); left != nullptr && left->is_array())
        for (const json::value& each : left->get_array())
            session.note("left out an alias: " + clean(raw_text(&each)));
    if (raw_text(at_path(*answer, "has_password")) != "true")
        session.note("it has no password; give it one: mailctl mailbox password " + name);
    return exit_code::ok;
}

int run_restore(Session& session, const Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = "mailbox " + (name ? *name : given.argument(0));
    auto query = conditions(session, given);
    auto order = query ? restore_order(given, *query) : Result<json::object>(fail(query.error()));
    if (!name || !order)
        return session.report(name ? order.error() : name.error(), subject);
    const bool of_mailbox = given.has("as") || given.has("id");
    if (of_mailbox && (!order->empty() || given.has("to")))
        return session.report({ErrorCode::usage, "--as and --id bring a whole mailbox back; messages are chosen without them"}, subject);
    const std::string path = resource_path(kind, *name);
    if (order->empty() && given.has("to"))
        return session.report({ErrorCode::usage, "say which messages: ids, conditions, or --all"}, subject);
    return order->empty() ? reconnect_mailbox(session, path, subject, given)
                          : restore_messages(session, path, subject, std::move(*order), given);
}

// ---- hold

int run_hold(Session& session, const Kind& kind, const Invocation& given, bool held) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = "mailbox " + (name ? *name : given.argument(0));
    if (!name)
        return session.report(name.error(), subject);
    json::object spec{{"litigation_hold", held}, {"hold_until", nullptr}};
    if (!held)
        spec["hold_comment"] = nullptr;
    if (given.has("comment"))
        spec["hold_comment"] = given.value("comment");
    if (given.has("until"))
        spec["hold_until"] = given.value("until");
    if (given.has("for")) {
        const auto span = parse_duration(given.value("for"));
        if (!span || given.has("until"))
            return session.report({ErrorCode::usage, span ? "give --for or --until" : "--for takes a span such as 90d"}, subject);
        spec["hold_until"] = format_rfc3339(session.io.now() + *span);
    }
    api::Call call;
    call.method = "PATCH";
    call.path = resource_path(kind, *name) + (session.globals.dry_run ? "?dry_run=1" : "");
    call.content_type = "application/merge-patch+json";
    call.body = json::serialize(json::object{{"spec", std::move(spec)}});
    const auto answer = session.ask(std::move(call));
    if (!answer)
        return session.report(answer.error(), subject);
    if (session.globals.dry_run) {
        session.io.out << plan_text(*answer, session.io.out_terminal);
        return exit_code::ok;
    }
    const std::string until = text_at(*answer, "spec.hold_until");
    session.say(clean(subject) + (!held ? " is not held any more" : " is held" + (until.empty() ? "" : " until " + clean(until))));
    return exit_code::ok;
}

// ---- retention test

int run_retention_test(Session& session, const Invocation& given) {
    static const View view{"rule", "folder",
        {{"folder", "folder"}, {"rule", "rule"}, {"messages", "messages", Unit::number}, {"size", "bytes", Unit::bytes},
         {"oldest", "oldest", Unit::time}, {"action", "action"}, {"before", "before", Unit::time, Shown::wide},
         {"age", "age", Unit::text, Shown::wide}}, false};
    const Kind& kind = *schema::find_kind("mailbox");
    auto name = resource_name(kind, given.argument(0));
    if (!name)
        return session.report(name.error(), "mailbox " + given.argument(0));
    return list_command(session, view, resource_path(kind, *name) + "/retention", {});
}

std::vector<OptionSpec> condition_options() {
    return {{"folder", "name", "Only what was in this folder or below it."},
            {"from", "text", "Only messages whose From holds this."},
            {"subject", "text", "Only messages whose subject holds this."},
            {"since", "time", "Only what was expunged since then: a span such as 2h or 3d, or a time."},
            {"until", "time", "Only what was expunged before."}};
}

CommandSpec recoverable_spec(const Kind& kind) {
    CommandSpec spec;
    spec.verb = "recoverable";
    spec.summary = "List expunged messages of a mailbox that can be restored";
    spec.arguments = {{"address", true, false, Completes::names}};
    spec.options = condition_options();
    spec.examples = {"mailctl mailbox recoverable ann@example.org --since 2d",
                     "mailctl mailbox recoverable ann@example.org --folder Trash --from bob"};
    spec.details = "The last expunged come first. They stay for policy.recoverable_keep (two weeks by default), longer when the mailbox "
                   "or its domain says so, and all of them while the mailbox is held.";
    spec.related = "mailbox restore, mailbox stats, explain policy.recoverable_keep";
    spec.run = [&kind](Session& session, const Invocation& given) { return run_recoverable(session, kind, given); };
    return spec;
}

CommandSpec restore_spec(const Kind& kind) {
    CommandSpec spec;
    spec.verb = "restore";
    spec.summary = "Bring back expunged messages, or a removed mailbox";
    spec.arguments = {{"address", true, false, Completes::names}, {"id", false, true}};
    spec.options = condition_options();
    spec.options.push_back({"all", "", "Everything that can be restored."});
    OptionSpec to{"to", "folder", "Into this folder, made when it is not there; without it each message where it was."};
    spec.options.push_back(std::move(to));
    spec.options.push_back({"as", "address", "Bring the removed mailbox back under another address."});
    spec.options.push_back({"id", "number", "Which removed mailbox, where several of this name are kept."});
    spec.examples = {"mailctl mailbox restore ann@example.org 4711 4712",
                     "mailctl mailbox restore ann@example.org --since 2h --dry-run",
                     "mailctl mailbox restore ann@example.org --folder Work --to Rescued",
                     "mailctl mailbox restore bob@example.org --as bob.old@example.org"};
    spec.details = "With ids, conditions or --all messages go back into the folders they were in, with their flags and dates; folders that "
                   "are gone are made again. Nothing comes back twice. Without any of them the removed mailbox of this name is itself "
                   "again: folders, messages, rights, password. Where its name was given out again, take --as, and let the new owner in "
                   "with mailbox grant.";
    spec.related = "mailbox recoverable, mailbox list --removed, mailbox delete";
    spec.run = [&kind](Session& session, const Invocation& given) { return run_restore(session, kind, given); };
    return spec;
}

CommandSpec hold_spec(const Kind& kind, bool held) {
    CommandSpec spec;
    spec.verb = held ? "hold" : "unhold";
    spec.summary = held ? "Let nothing of a mailbox go for good (litigation hold)" : "End the litigation hold of a mailbox";
    spec.arguments = {{"address", true, false, Completes::names}};
    if (held)
        spec.options = {{"for", "span", "End it by itself after so long, such as 90d."},
                        {"until", "time", "End it by itself then."},
                        {"comment", "text", "Why, and by whose word."}};
    spec.examples = {held ? "mailctl mailbox hold ann@example.org --comment \"case 17\"" : "mailctl mailbox unhold ann@example.org"};
    spec.details = held ? "Its owner may go on expunging: it all stays recoverable, also when the mailbox is deleted. The same as setting "
                          "litigation_hold, hold_until and hold_comment."
                        : "What is older than it may be goes at the next housekeeping.";
    spec.related = "mailbox show, mailbox list --filter litigation_hold=true, explain mailbox.litigation_hold";
    spec.run = [&kind, held](Session& session, const Invocation& given) { return run_hold(session, kind, given, held); };
    return spec;
}

} // namespace

std::vector<CommandSpec> recovery_commands(const Kind& kind) {
    std::vector<CommandSpec> out;
    out.push_back(recoverable_spec(kind));
    out.push_back(restore_spec(kind));
    out.push_back(hold_spec(kind, true));
    out.push_back(hold_spec(kind, false));
    return out;
}

CommandSpec retention_test_command() {
    CommandSpec spec;
    spec.verb = "test";
    spec.summary = "Show what retention would take from a mailbox now";
    spec.arguments = {{"address"}};
    spec.examples = {"mailctl retention test ann@example.org"};
    spec.details = "One line for each rule and folder that it is about. Nothing is changed.";
    spec.related = "retention create, explain retention";
    spec.run = [](Session& session, const Invocation& given) { return run_retention_test(session, given); };
    return spec;
}

const View& removed_view() {
    static const View view{"mailbox", "name",
        {{"address", "name"}, {"removed", "removed", Unit::time}, {"kept_until", "kept_until", Unit::time}, {"state", "state"},
         {"messages", "messages", Unit::number}, {"size", "bytes", Unit::bytes}, {"id", "id", Unit::number},
         {"created", "created", Unit::time, Shown::wide}}, false};
    return view;
}

} // namespace mail::mailctl
