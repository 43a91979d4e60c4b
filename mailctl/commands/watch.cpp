// `mailctl watch`: changes of resources and the queue as they happen.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr auto longest_silence = std::chrono::seconds(60); ///< the server sends a heartbeat every 15 s

/// "mailbox ann@example.org changed (revision 7)"; the queue has neither name nor revision.
std::string change_line(const json::value& change) {
    const std::string name = raw_text(at_path(change, "name"));
    const std::string revision = raw_text(at_path(change, "revision"));
    return clean(text_at(change, "kind")) + (name.empty() ? "" : " " + clean(name)) + " changed" +
           (revision.empty() ? "" : " (revision " + clean(revision) + ")") + "\n";
}

int run_watch(Session& session, const Invocation& given) {
    const Query query{{"kinds", text::join(given.arguments, ",")}, {"since", given.value("since")}};
    const auto take = [&](std::string_view line) {
        boost::system::error_code error;
        const json::value change = json::parse({line.data(), line.size()}, error);
        if (error || text_at(change, "type") == "heartbeat")
            return session.io.out.good();
        if (session.is_json())
            session.io.out << json_line(change);
        else if (text_at(change, "type") == "change")
            session.io.out << change_line(change);
        session.io.out.flush();
        return session.io.out.good();
    };
    auto done = session.server().watch("/v1/watch" + query_text(query), take, longest_silence);
    if (!done)
        return session.report(done.error());
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> watch_commands() {
    return {{"", "Follow changes until interrupted", {{"kind", false, true, Completes::kinds}},
             {{"since", "revision", "Begin after this revision instead of now."}},
             {"mailctl watch", "mailctl watch queue mailbox -o json"},
             "Without a kind everything is followed. With -o json one object per line, fit for a script.",
             "log, queue watch", run_watch}};
}

} // namespace mail::mailctl
