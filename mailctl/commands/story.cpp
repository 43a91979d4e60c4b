// `mailctl why` and `mailctl message ...`: where mail is, and what happened to it.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"
#include "mailctl/output/story_text.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr std::uint64_t usual_count = 10; ///< messages that `why` tells of without --limit
constexpr std::uint64_t most_at_once = 100;
constexpr int most_pages = 100;

Result<Query> query_of(const Session& session, const Invocation& given) {
    Query query;
    for (const char* name : {"from", "to", "subject", "outcome"})
        query.emplace_back(name, given.value(name));
    query.emplace_back("message_id", given.value("message-id"));
    for (const char* name : {"since", "until"}) {
        MAIL_TRY(std::string time, time_option(session, given, name));
        query.emplace_back(name, std::move(time));
    }
    return query;
}

/// The newest `most` stories, whole; the server answers in pages, some of which may hold none.
Result<json::array> find(Session& session, const Query& query, std::uint64_t most, bool& has_more) {
    json::array found;
    std::string before;
    for (int page = 0; page < most_pages && found.size() < most; ++page) {
        Query asked = query;
        asked.emplace_back("whole", "1");
        asked.emplace_back("limit", std::to_string(std::min(most - found.size(), most_at_once)));
        asked.emplace_back("before", before);
        MAIL_TRY(const json::value answer, session.get("/v1/stories" + query_text(asked)));
        if (const json::value* items = at_path(answer, "items"); items != nullptr && items->is_array())
            for (const json::value& item : items->get_array())
                found.push_back(item);
        before = raw_text(at_path(answer, "next"));
        has_more = !before.empty();
        if (!has_more)
            break;
    }
    return found;
}

int run_why(Session& session, const Invocation& given) {
    auto query = query_of(session, given);
    if (!query)
        return session.report(query.error());
    bool has_more = false;
    auto found = find(session, *query, session.globals.limit.value_or(usual_count), has_more);
    if (!found)
        return session.report(found.error(), "why");
    if (session.format() == Format::ndjson) {
        for (const json::value& story : *found)
            session.io.out << json_line(story);
        return exit_code::ok;
    }
    if (session.is_json()) {
        session.io.out << json_text(json::object{{"items", std::move(*found)}});
        return exit_code::ok;
    }
    const Time now = session.io.now();
    for (std::size_t i = 0; i < found->size(); ++i) {
        session.io.out << (i == 0 ? "" : "\n") << story_heading((*found)[i], session.io.out_terminal, now)
                       << story_events_short((*found)[i], session.io.out_terminal);
    }
    if (found->empty())
        session.note("no message matches");
    else if (has_more && !session.globals.limit)
        session.note("there are more; --limit N shows more, --since and the other options narrow it down");
    return exit_code::ok;
}

int run_trace(Session& session, const Invocation& given) {
    for (std::size_t i = 0; i < given.arguments.size(); ++i) {
        const std::string id = given.arguments[i].substr(0, given.arguments[i].find('/')); // an event's id names its message too
        auto story = session.get(api::path_of("stories", id));
        if (!story)
            return session.report(story.error());
        if (session.is_json()) {
            session.io.out << (session.format() == Format::ndjson ? json_line(*story) : json_text(*story));
            continue;
        }
        const Time now = session.io.now();
        session.io.out << (i == 0 ? "" : "\n") << story_heading(*story, session.io.out_terminal, now)
                       << story_events(*story, session.io.out_terminal, now);
    }
    return exit_code::ok;
}

int run_transcript(Session& session, const Invocation& given) {
    const std::string wanted = given.argument(0), id = wanted.substr(0, wanted.find('/'));
    auto page = session.get(api::path_of("stories", id) + "/transcript");
    if (!page)
        return session.report(page.error());
    json::array chosen;
    if (const json::value* items = at_path(*page, "items"); items != nullptr && items->is_array())
        for (const json::value& item : items->get_array())
            if (wanted == id || text_at(item, "event") == wanted)
                chosen.push_back(item);
    if (wanted != id && chosen.empty())
        return session.report({ErrorCode::not_found, "event " + clean(wanted) + " has no transcript",
                               "see them all: mailctl message transcript " + clean(id)});
    if (session.is_json()) {
        session.io.out << json_text(json::object{{"items", std::move(chosen)}});
        return exit_code::ok;
    }
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        session.io.out << (i == 0 ? "" : "\n") << "# " << clean(text_at(chosen[i], "event")) << "  " << clean(text_at(chosen[i], "at")) << '\n';
        std::string text = text_at(chosen[i], "transcript");
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            session.io.out << clean(std::string_view(text).substr(begin, end - begin)) << '\n';
            begin = end + 1;
        }
    }
    if (chosen.empty())
        session.note("no attempt was made to deliver it to another server");
    return exit_code::ok;
}

int run_resubmit(Session& session, const Invocation& given) {
    const std::string path = api::path_of("stories", given.argument(0));
    if (session.globals.dry_run) {
        auto story = session.get(path);
        if (!story)
            return session.report(story.error());
        session.io.out << story_heading(*story, session.io.out_terminal, session.io.now());
        return exit_code::ok;
    }
    auto answer = session.post(path + "/actions/resubmit", json::object{});
    if (!answer)
        return session.report(answer.error());
    if (session.is_json())
        session.io.out << json_text(*answer);
    else
        session.say("trying again for " + counted(static_cast<std::uint64_t>(number_at(*answer, "changed")), "recipient", "recipients"));
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> why_commands() {
    CommandSpec why;
    why.summary = "Say where mail is, and why";
    why.options = {
        {"from", "address", "Sender of the envelope; *@example.org for a domain, \"<>\" for reports."},
        {"to", "address", "Recipient of the envelope, refused ones included; *@example.org for a domain."},
        {"subject", "words", "Words of the subject, all of them; inv* for a beginning."},
        {"message-id", "id", "Message-ID of the header."},
        {"since", "time", "Not older than this: 2h, 3d, or 2026-01-31T12:00:00Z."},
        {"until", "time", "Not younger than this."},
        {"outcome", "word", "How its session ended (delivered, queued, refused) or what happened later.", 0, false,
         {"delivered", "queued", "refused", "relayed", "deferred", "failed", "held", "dropped"}, Completes::choices}};
    why.examples = {"mailctl why --to ann@example.org --since 2h", "mailctl why --from bob@example.com --subject \"invoice 4711\"",
                    "mailctl why --outcome failed --since 1d -o json"};
    why.details = "The newest messages that match, up to ten or --limit, with a sentence for each recipient and the ids of all "
                  "events beneath. Mail that was refused in session is found as well.";
    why.related = "message trace, message transcript, queue list";
    why.run = run_why;
    return {why};
}

std::vector<CommandSpec> message_commands() {
    std::vector<CommandSpec> commands;
    commands.push_back({"trace", "Tell everything that happened to a message", {{"id", true, true}}, {},
        {"mailctl message trace 01kb3f5c1e8x4vdn0g5ye3c9wr"},
        "The id is the one in the reply to the sender, in the Received header and in the log (qid).",
        "why, message transcript", run_trace});
    commands.push_back({"transcript", "Print what was said to other servers about a message", {{"id"}}, {},
        {"mailctl message transcript 01kb3f5c1e8x4vdn0g5ye3c9wr", "mailctl message transcript 01kb3f5c1e8x4vdn0g5ye3c9wr/e17"},
        "Every attempt with its SMTP dialogue; passwords and the message's own bytes are left out. With the id of an event only "
        "that attempt.", "message trace", run_transcript});
    commands.push_back({"resubmit", "Send again now what waits of a message", {{"id"}}, {},
        {"mailctl message resubmit 01kb3f5c1e8x4vdn0g5ye3c9wr"},
        "All its recipients that wait in the queue are tried at once, held ones too. With --dry-run they are only shown.",
        "queue retry, queue release", run_resubmit});
    return commands;
}

} // namespace mail::mailctl
