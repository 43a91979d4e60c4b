// `mailctl history`: who changed, restored and purged what, newest first.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

std::string done_word(const std::string& action) {
    return action == "update" ? "changed" : action == "adopt" ? "took over" : action == "reconnect" ? "reconnected" : action + "d";
}

/// " (quota, litigation_hold)": what a change was about.
std::string fields_text(const json::value& operation) {
    constexpr std::size_t most = 3;
    const json::value* changes = at_path(operation, "changes");
    if (text_at(operation, "action") != "update" || changes == nullptr || !changes->is_array() || changes->get_array().empty())
        return {};
    std::string out;
    const json::array& list = changes->get_array();
    for (std::size_t i = 0; i < std::min(list.size(), most); ++i)
        out += (i == 0 ? "" : ", ") + text_at(list[i], "field");
    return " (" + out + (list.size() > most ? " ...)" : ")");
}

/// One operation in words. Without a revision it is no change of configuration, and the server has said it best.
std::string change_text(const json::value& entry, const json::value& operation) {
    if (raw_text(at_path(entry, "revision")).empty())
        return text_at(entry, "summary");
    const std::string was = text_at(operation, "was");
    return done_word(text_at(operation, "action")) + " " + text_at(operation, "kind") + " " + text_at(operation, "name") +
           (was.empty() || was == text_at(operation, "name") ? "" : " (was " + was + ")") + fields_text(operation);
}

/// "2 created, 1 changed" from the operations, so that a list stays one line per entry. Bulk loads keep a summary only.
void add_summary(json::value& entry) {
    if (!entry.is_object())
        return;
    std::string changed;
    if (const json::value* operations = at_path(entry, "operations"); operations != nullptr && operations->is_array()) {
        const json::array& list = operations->get_array();
        changed = list.empty() ? text_at(entry, "summary") : done_summary(count_plan(entry));
        if (list.size() == 1)
            changed = change_text(entry, list[0]);
    }
    entry.get_object()["changes"] = json::value(json::string(changed));
}

const View& history_view() {
    static const View view{"history", "number",
        {{"number", "number", Unit::number}, {"revision", "revision", Unit::number}, {"at", "at", Unit::time}, {"actor", "actor"},
         {"set", "set"}, {"changes", "changes"}}, false};
    return view;
}

int run_list(Session& session, const Invocation&) {
    auto page = session.get("/v1/history" + query_text({{"limit", session.globals.limit ? std::to_string(*session.globals.limit) : ""}}));
    if (!page)
        return session.report(page.error());
    json::value* items = page->is_object() ? page->get_object().if_contains("items") : nullptr;
    const bool is_table = session.format() != Format::json && session.format() != Format::ndjson;
    if (items != nullptr && items->is_array() && is_table)
        for (json::value& entry : items->get_array())
            add_summary(entry);
    return session.print(list_text(history_view(), *page, session.print_options()));
}

int run_show(Session& session, const Invocation& given) {
    auto page = session.get("/v1/history?limit=1000");
    if (!page)
        return session.report(page.error());
    const json::value* items = at_path(*page, "items");
    if (items != nullptr && items->is_array())
        for (const json::value& entry : items->get_array()) {
            if (raw_text(at_path(entry, "number")) != given.argument(0))
                continue;
            if (session.format() != Format::table && session.format() != Format::wide)
                return session.print(show_text(history_view(), entry, session.print_options()));
            const std::string revision = raw_text(at_path(entry, "revision"));
            const std::string what = operations_text(entry, session.io.out_terminal);
            session.io.out << "entry " << given.argument(0) << (revision.empty() ? "" : ", revision " + clean(revision)) << ", "
                           << clean(text_at(entry, "at")) << ", by " << clean(raw_text(at_path(entry, "actor"))) << "\n"
                           << (what.empty() || revision.empty() ? clean(text_at(entry, "summary")) + "\n" : "") << what;
            return exit_code::ok;
        }
    return session.report({ErrorCode::not_found, "there is no entry " + given.argument(0), "see: mailctl history"});
}

} // namespace

std::vector<CommandSpec> history_commands() {
    std::vector<CommandSpec> commands;
    commands.push_back({"", "List who changed, restored or purged what, newest first", {}, {},
        {"mailctl history", "mailctl history --limit 20 -o json"}, "", "history show, plan", run_list});
    commands.push_back({"show", "Show what one entry was about", {{"number"}}, {}, {"mailctl history show 214"}, "",
        "history", run_show});
    return commands;
}

} // namespace mail::mailctl
