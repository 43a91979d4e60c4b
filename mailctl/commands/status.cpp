// `mailctl status`: is the server well, what does it listen on, what waits.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

using Pairs = std::vector<std::pair<std::string, std::string>>;

void add(Pairs& pairs, const std::string& label, const json::value& status, std::string_view path) {
    if (const json::value* value = at_path(status, path); value != nullptr && !value->is_null())
        pairs.emplace_back(label, raw_text(value));
}

std::string queue_line(const json::value& status) {
    std::string out;
    for (const char* state : {"ready", "active", "deferred", "held"})
        out += (out.empty() ? "" : ", ") + std::to_string(number_at(status, std::string("queue.") + state)) + " " + state;
    return out;
}

std::string overview(const Session& session, const json::value& status) {
    Pairs pairs;
    add(pairs, "server", status, "hostname");
    add(pairs, "version", status, "version");
    pairs.emplace_back("up for", human_span(number_at(status, "uptime_seconds")));
    add(pairs, "revision", status, "revision");
    add(pairs, "connections", status, "connections");
    pairs.emplace_back("queue", queue_line(status));
    if (at_path(status, "index") != nullptr)
        pairs.emplace_back("search index", raw_text(at_path(status, "index.state")) + ", " +
                                               std::to_string(number_at(status, "index.messages")) + " messages");
    if (const json::value* store = at_path(status, "store"); store != nullptr && store->is_object())
        for (const auto& member : store->get_object()) {
            std::string key(member.key());
            std::replace(key.begin(), key.end(), '_', ' ');
            const bool is_size = key.find("bytes") != std::string::npos || key.find("size") != std::string::npos;
            pairs.emplace_back("store " + key, human_text(&member.value(), is_size ? Unit::bytes : Unit::text,
                                                          session.io.now()));
        }
    std::string out = pairs_text(pairs, session.io.out_terminal);
    const json::value* listeners = at_path(status, "listeners");
    if (listeners == nullptr || !listeners->is_array() || listeners->get_array().empty())
        return out;
    std::vector<Column> columns{{"listener", "name"}, {"protocol", "protocol"}, {"bind", "bind"}, {"state", "state"},
                                {"sessions", "sessions", Unit::number}};
    for (const json::value& listener : listeners->get_array())
        if (!raw_text(at_path(listener, "error")).empty()) {
            columns.push_back({"error", "error"});
            break;
        }
    if (const json::value* busy = at_path(status, "overloaded"); busy != nullptr && busy->is_bool() && busy->get_bool())
        columns.push_back({"overloaded", "overloaded"});
    TableOptions table{true, session.io.out_terminal.tty, session.io.out_terminal, session.io.now()};
    return out + "\n" + table_text(columns, listeners->get_array(), table);
}

int run_status(Session& session, const Invocation&) {
    auto status = session.get("/v1/status");
    if (!status)
        return session.report(status.error());
    const Format format = session.format();
    if (format == Format::table || format == Format::wide) {
        session.io.out << overview(session, *status);
        return exit_code::ok;
    }
    return session.print(show_text({"server", "hostname", {}, false}, *status, session.print_options()));
}

} // namespace

std::vector<CommandSpec> status_commands() {
    return {{"", "Show how the server is doing", {}, {}, {"mailctl status", "mailctl status -o json"},
             "Ends with 0 when the server answers and with 6 when it cannot be reached.", "queue summary, log",
             run_status}};
}

} // namespace mail::mailctl
