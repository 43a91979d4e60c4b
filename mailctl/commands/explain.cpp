// `mailctl explain`: what a kind, field, event or limit means; needs no server.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/help.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/schema/describe.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

std::string_view level_name(LogLevel level) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
    return names[static_cast<std::size_t>(level)];
}

json::value from(std::string_view text) { return json::value(json::string(text.data(), text.size())); }

json::object limit_row(const LimitInfo& info) {
    return {{"name", from(info.name)}, {"value", info.value}, {"unit", from(info.unit)}, {"meaning", from(info.sentence)}};
}

json::object event_row(const EventInfo& info) {
    return {{"event", from(info.id)}, {"level", from(level_name(info.level))}, {"meaning", from(info.sentence)},
            {"action", from(info.action)}};
}

int explain_limits(Session& session, const std::string& only) {
    static const View view{"limit", "name",
        {{"name", "name"}, {"value", "value", Unit::number}, {"unit", "unit"}, {"meaning", "meaning"}}, false};
    json::array items;
    std::vector<std::string> names;
    for (const LimitInfo& info : all_limits()) {
        names.emplace_back(info.name);
        if (only.empty() || info.name == only)
            items.push_back(limit_row(info));
    }
    if (items.empty()) {
        const std::string near = text::nearest(only, names);
        return session.report({ErrorCode::not_found, "there is no limit " + only,
                               near.empty() ? "see all: mailctl explain limits" : "did you mean " + near + "?"});
    }
    if (!only.empty())
        return session.print(show_text(view, items.front(), session.print_options()));
    json::object page;
    page["items"] = std::move(items);
    return session.print(list_text(view, page, session.print_options()));
}

int explain_events(Session& session, const std::string& only) {
    static const View view{"event", "event",
        {{"event", "event"}, {"level", "level"}, {"meaning", "meaning"}, {"action", "action", Unit::text, Shown::wide}}, false};
    json::array items;
    std::vector<std::string> names;
    for (const EventInfo& info : all_events()) {
        names.emplace_back(info.id);
        if (only.empty() || info.id == only)
            items.push_back(event_row(info));
    }
    if (items.empty()) {
        const std::string near = text::nearest(only, names);
        return session.report({ErrorCode::not_found, "there is no event " + only,
                               near.empty() ? "see all: mailctl explain events" : "did you mean " + near + "?"});
    }
    if (!only.empty())
        return session.print(show_text(view, items.front(), session.print_options()));
    json::object page;
    page["items"] = std::move(items);
    return session.print(list_text(view, page, session.print_options()));
}

int explain_overview(Session& session) {
    json::array items;
    for (const schema::Kind* kind : schema::all_kinds())
        items.push_back(json::object{{"kind", from(kind->name)}, {"meaning", from(kind->doc)}});
    json::object page;
    page["items"] = std::move(items);
    static const View view{"kind", "kind", {{"kind", "kind"}, {"meaning", "meaning"}}, false};
    const int code = session.print(list_text(view, page, session.print_options()));
    if (session.format() == Format::table)
        session.note("more: mailctl explain <kind>, <kind>.<field>, event <id>, events, limit <name>, limits");
    return code;
}

/// Long lines broken for a terminal; what follows stands below the text, not below its label.
std::string fitted(const std::string& text, const Terminal& terminal) {
    std::string out;
    for (const std::string_view line : text::split(text, '\n')) {
        const std::size_t first = line.find_first_not_of(' ');
        if (first == std::string_view::npos)
            continue;
        const std::size_t label = line.find("  ", first);
        std::size_t from = label == std::string_view::npos ? first : line.find_first_not_of(' ', label);
        if (!terminal.tty || from == std::string_view::npos || from + 20 > terminal.width)
            from = 0;
        out += terminal.tty && from > 0 ? std::string(line.substr(0, from)) + wrapped(line.substr(from), terminal.width, from) : std::string(line);
        out += '\n';
    }
    return out;
}

int run_explain(Session& session, const Invocation& given) {
    const std::string topic = given.argument(0);
    const std::string rest = given.argument(1);
    if (topic.empty())
        return explain_overview(session);
    if (topic == "limits" || topic == "limit")
        return explain_limits(session, rest);
    if (topic == "events" || topic == "event")
        return explain_events(session, rest);
    // An id that stands in a log line should explain itself without the word "event" before it.
    const auto is_event = [&](const EventInfo& info) { return info.id == topic; };
    if (std::any_of(all_events().begin(), all_events().end(), is_event))
        return explain_events(session, topic);
    if (const std::string text = help_topic(topic); !text.empty()) {
        session.io.out << text;
        return exit_code::ok;
    }
    auto text = schema::explain(rest.empty() ? topic : topic + "." + rest);
    if (!text)
        return session.report(text.error());
    session.io.out << fitted(*text, session.io.out_terminal);
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> explain_commands() {
    return {{"", "Say what a kind, field, event or limit means",
             {{"topic", false, false, Completes::kinds}, {"name", false}}, {},
             {"mailctl explain mailbox.quota", "mailctl explain event auth_failed", "mailctl explain limits"},
             "Needs no server.", "help, schema", run_explain}};
}

} // namespace mail::mailctl
