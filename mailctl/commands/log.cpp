// `mailctl log`: the server's latest events, and those to come with --follow.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

#include <deque>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr std::size_t screenful = 100; ///< without --limit and --follow a terminal gets so many lines
constexpr std::size_t followed_lines = 10; ///< shown before the new ones
constexpr auto stream_silence = std::chrono::hours(24);

Tone tone_of(std::string_view level) {
    return level == "error" ? Tone::bad : level == "warn" ? Tone::warn : level == "debug" ? Tone::faint : Tone::plain;
}

/// "12:00:07 warn  auth_failed  user=ann@example.org remote=192.0.2.7"
std::string line_text(const json::value& record, const Terminal& terminal) {
    const std::string at = text_at(record, "at");
    const std::string level = text_at(record, "level");
    std::string out = terminal.tty && at.size() >= 19 ? at.substr(11, 8) : at;
    out = clean(out) + " " + toned(padded(clean(level), 5), tone_of(level), terminal.colour) + " " +
          toned(clean(text_at(record, "event")), Tone::title, terminal.colour);
    const json::value* fields = at_path(record, "fields");
    if (fields == nullptr || !fields->is_object())
        return out;
    for (const auto& member : fields->get_object()) {
        const std::string text = clean(raw_text(&member.value()));
        const bool quoted = text.empty() || text.find(' ') != std::string::npos;
        out += " " + clean(std::string(member.key())) + "=" + (quoted ? "\"" + text + "\"" : text);
    }
    return out;
}

std::string shown(const Session& session, std::string_view line) {
    boost::system::error_code error;
    const json::value record = json::parse({line.data(), line.size()}, error);
    if (error)
        return clean(line) + "\n";
    return session.is_json() ? json_line(record) : line_text(record, session.io.out_terminal) + "\n";
}

/// The server's ring: the last `most` lines, and the sequence to go on from.
struct Ring {
    std::deque<std::string> lines;
    std::size_t count = 0;
    std::string since;
};

Result<Ring> read_ring(Session& session, const Invocation& given, std::size_t most) {
    Ring ring;
    ring.since = given.value("since");
    const auto take = [&](std::string_view line) {
        ++ring.count;
        boost::system::error_code error;
        const json::value record = json::parse({line.data(), line.size()}, error);
        if (!error)
            ring.since = raw_text(at_path(record, "sequence"));
        ring.lines.emplace_back(line);
        if (ring.lines.size() > most)
            ring.lines.pop_front();
        return true;
    };
    MAIL_DO(session.server().watch("/v1/log" + query_text({{"since", ring.since}, {"event", given.value("event")}}), take,
                                   session.globals.timeout));
    return ring;
}

int run_log(Session& session, const Invocation& given) {
    const bool follow = given.is_on("follow");
    const bool person = session.io.out_terminal.tty && !session.is_json();
    const std::size_t most = session.globals.limit ? *session.globals.limit : follow ? followed_lines : person ? screenful : SIZE_MAX;
    auto ring = read_ring(session, given, most);
    if (!ring)
        return session.report(ring.error());
    for (const std::string& line : ring->lines)
        session.io.out << shown(session, line);
    if (person && !follow && !session.globals.limit && ring->count > most)
        session.note("the last " + std::to_string(most) + " of " + std::to_string(ring->count) + " events; --limit shows more");
    if (!follow)
        return exit_code::ok;
    session.io.out.flush();
    const auto take = [&](std::string_view line) {
        session.io.out << shown(session, line) << std::flush;
        return session.io.out.good();
    };
    auto done = session.server().watch("/v1/log" + query_text({{"since", ring->since}, {"follow", "1"}, {"event", given.value("event")}}),
                                       take, Duration(stream_silence));
    return done ? exit_code::ok : session.report(done.error());
}

} // namespace

std::vector<CommandSpec> log_commands() {
    return {{"", "Show what the server logged", {},
             {{"follow", "", "Go on with new events until interrupted.", 'F'},
              {"event", "id", "Only this event; mailctl explain events lists them."},
              {"since", "sequence", "Only events after this sequence number."}},
             {"mailctl log", "mailctl log --follow --event auth_failed", "mailctl log -o json --limit 1000"},
             "The server keeps its last 10,000 events in memory; the whole log goes to its standard error. --limit shows the "
             "last so many.",
             "explain events, watch", run_log}};
}

} // namespace mail::mailctl
