// `mailctl store stats` and `store compact`: the space that messages take, and giving back what nobody needs.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

std::string bytes_text(Session& session, const json::value& value, std::string_view path) {
    return human_text(at_path(value, path), Unit::bytes, session.io.now());
}

std::uint64_t count_at(const json::value& value, std::string_view path) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(number_at(value, path), 0));
}

int run_stats(Session& session, const Invocation&) {
    auto stats = session.get("/v1/store");
    if (!stats)
        return session.report(stats.error());
    const Format format = session.format();
    if (format != Format::table && format != Format::wide)
        return session.print(show_text({"store", "segments", {}, false}, *stats, session.print_options()));
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& member : stats->get_object()) {
        std::string label(member.key());
        for (char& c : label)
            c = c == '_' ? ' ' : c;
        const bool is_size = member.key().ends_with("_bytes");
        pairs.emplace_back(label, human_text(&member.value(), is_size ? Unit::bytes : Unit::text, session.io.now()));
    }
    session.io.out << pairs_text(pairs, session.io.out_terminal);
    return exit_code::ok;
}

/// What a run has done so far, over all its requests.
struct Sum {
    std::uint64_t moved = 0;
    std::uint64_t moved_bytes = 0;
    std::uint64_t segments = 0;
    std::uint64_t freed_bytes = 0;
    std::uint64_t damaged = 0;

    void add(const json::value& answer) {
        moved += count_at(answer, "moved");
        moved_bytes += count_at(answer, "moved_bytes");
        segments += count_at(answer, "segments");
        freed_bytes += count_at(answer, "freed_bytes");
        damaged += count_at(answer, "damaged");
    }
    [[nodiscard]] json::value object() const {
        return json::object{{"moved", moved}, {"moved_bytes", moved_bytes}, {"segments", segments},
                            {"freed_bytes", freed_bytes}, {"damaged", damaged}};
    }
};

int finish(Session& session, const Sum& sum) {
    const json::value done = sum.object();
    if (session.is_json() || session.format() == Format::yaml) {
        const int printed = session.print(show_text({"store", "segments", {}, false}, done, session.print_options()));
        return printed != exit_code::ok || sum.damaged == 0 ? printed : exit_code::partly_done;
    }
    session.say("gave back " + bytes_text(session, done, "freed_bytes") + " of " + counted(sum.segments, "segment", "segments") +
                ", moved " + counted(sum.moved, "message", "messages") + " (" + bytes_text(session, done, "moved_bytes") + ")");
    if (sum.damaged == 0)
        return exit_code::ok;
    session.note(counted(sum.damaged, "damaged message stays", "damaged messages stay") +
                 " in place; stop the server and run: maild check");
    return exit_code::partly_done;
}

int run_compact(Session& session, const Invocation&) {
    json::object body;
    if (session.globals.dry_run)
        body["dry_run"] = true;
    Sum sum;
    for (std::uint64_t told = 0;;) {
        auto answer = session.post("/v1/store/compact", body);
        if (!answer)
            return session.report(answer.error(), "store");
        if (session.globals.dry_run) {
            session.say("would give back about " + bytes_text(session, *answer, "space.reclaimable_bytes") + " of " +
                        counted(count_at(*answer, "space.thin_segments"), "segment", "segments"));
            return exit_code::ok;
        }
        sum.add(*answer);
        const json::value* more = at_path(*answer, "more");
        if (more == nullptr || !more->is_bool() || !more->get_bool())
            return finish(session, sum);
        if (session.io.err_terminal.tty && sum.moved_bytes + sum.freed_bytes != told) {
            told = sum.moved_bytes + sum.freed_bytes;
            const json::value done = sum.object();
            session.note("gave back " + bytes_text(session, done, "freed_bytes") + ", moved " +
                         bytes_text(session, done, "moved_bytes") + ", " +
                         counted(count_at(*answer, "space.thin_segments"), "segment", "segments") + " to go");
        }
    }
}

} // namespace

std::vector<CommandSpec> store_commands() {
    return {{"stats", "Show the space that messages take", {}, {}, {"mailctl store stats", "mailctl store stats -o json"},
             "Of reclaimable_bytes nobody needs what they hold; housekeeping gives them back by itself, in its own time.",
             "store compact, status", run_stats},
            {"compact", "Give back the space of messages that are gone", {}, {}, {"mailctl store compact", "mailctl store compact --dry-run"},
             "Copies what lives out of thin segments and removes their files, in turns that let mail go first. A message that "
             "proves damaged stays where it is, is named in the log, and makes this end with 9.",
             "store stats, log", run_compact}};
}

} // namespace mail::mailctl
