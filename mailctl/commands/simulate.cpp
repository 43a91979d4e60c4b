// `mailctl simulate` and `mailctl doctor deliver`: what would happen, without anything happening.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"
#include "mailctl/output/story_text.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr std::size_t most_message = std::size_t{32} << 20; ///< of --file; the request takes twice of it
constexpr auto longest_silence = std::chrono::minutes(4);   ///< a stage has 30 s; hosts are tried one after the other

int run_simulate(Session& session, const Invocation& given) {
    const auto to = given.values("to");
    if (to.empty())
        return session.report({ErrorCode::usage, "simulate needs --to", "for example: mailctl simulate --from bob@example.com --to ann@example.org"});
    json::object body;
    body["from"] = given.value("from");
    json::array recipients;
    for (const std::string& address : to)
        recipients.emplace_back(address);
    body["to"] = std::move(recipients);
    for (const char* name : {"listener", "client"})
        if (given.has(name))
            body[name] = given.value(name);
    if (given.has("sign-in"))
        body["sign_in"] = given.value("sign-in");
    if (given.has("file")) {
        auto message = read_input(session, given.value("file"), most_message);
        if (!message)
            return session.report(message.error());
        body["message"] = std::move(*message);
    }
    auto story = session.post("/v1/simulate", json::value(std::move(body)));
    if (!story)
        return session.report(story.error(), "simulate");
    if (session.is_json()) {
        session.io.out << (session.format() == Format::ndjson ? json_line(*story) : json_text(*story));
        return exit_code::ok;
    }
    const Time now = session.io.now();
    session.io.out << "Nothing was sent; this is what would happen:\n" << story_heading(*story, session.io.out_terminal, now)
                   << story_events(*story, session.io.out_terminal, now);
    if (given.is_on("dialogue"))
        if (const json::value* lines = at_path(*story, "dialogue"); lines != nullptr && lines->is_array())
            for (const json::value& line : lines->get_array())
                session.io.out << "  " << clean(raw_text(&line)) << '\n';
    return exit_code::ok;
}

/// "ok    connect    mx.example.org[192.0.2.1]:25: connected (12 ms)", what was said beneath.
std::string stage_text(const json::value& stage, const Terminal& terminal) {
    const json::value* good = at_path(stage, "good");
    const bool is_good = good != nullptr && good->is_bool() && good->get_bool();
    const std::string host = clean(text_at(stage, "host"));
    std::string out = toned(is_good ? "ok    " : "FAIL  ", is_good ? Tone::good : Tone::bad, terminal.colour) +
                      padded(clean(text_at(stage, "stage")), 10) + (host.empty() ? "" : host + ": ") + clean(text_at(stage, "text")) +
                      " (" + std::to_string(number_at(stage, "ms")) + " ms)\n";
    if (const json::value* lines = at_path(stage, "dialogue"); lines != nullptr && lines->is_array())
        for (const json::value& line : lines->get_array())
            out += toned("        " + clean(raw_text(&line)), Tone::faint, terminal.colour) + "\n";
    return out;
}

int run_deliver(Session& session, const Invocation& given) {
    bool good = false;
    const auto take = [&](std::string_view line) {
        boost::system::error_code error;
        const json::value stage = json::parse({line.data(), line.size()}, error);
        if (error)
            return session.io.out.good();
        if (text_at(stage, "stage") == "end")
            good = at_path(stage, "good") != nullptr && *at_path(stage, "good") == json::value(true);
        if (session.is_json())
            session.io.out << json_line(stage);
        else
            session.io.out << stage_text(stage, session.io.out_terminal);
        session.io.out.flush();
        return session.io.out.good();
    };
    const Query query{{"recipient", given.argument(0)}, {"sender", given.value("sender")}};
    auto done = session.server().watch("/v1/doctor/deliver" + query_text(query), take, longest_silence);
    if (!done)
        return session.report(done.error(), "doctor deliver");
    return good ? exit_code::ok : 1;
}

} // namespace

std::vector<CommandSpec> simulate_commands() {
    CommandSpec simulate;
    simulate.summary = "Say what would happen to a message, without sending it";
    simulate.options = {
        {"from", "address", "Sender of the envelope; left out: the null sender of reports."},
        {"to", "address", "Recipient; may be given several times."},
        {"file", "file", "The message; left out: a short one is made up.", 'f', false, {}, Completes::files},
        {"listener", "name", "Listener it comes in at; left out: the first of protocol smtp.", 0, false, {}, Completes::names},
        {"client", "address", "Address it comes from; left out: a stranger's."},
        {"sign-in", "mailbox", "Mailbox that signs in on a submission listener; left out: the sender's."},
        {"dialogue", "", "Show the SMTP dialogue too."}};
    simulate.examples = {"mailctl simulate --from bob@example.com --to ann@example.org",
                         "mailctl simulate --from ann@example.org --to bob@example.com --listener submission --file message.eml"};
    simulate.details = "The server plays the transaction with the code that serves real clients and tells the same story. Nothing is stored, "
                       "sent or counted. There is no TLS in it.";
    simulate.related = "why, route test, doctor deliver";
    simulate.run = run_simulate;
    return {simulate};
}

std::vector<CommandSpec> doctor_commands() {
    return {{"deliver", "Try a delivery up to the recipient, without sending", {{"address"}},
             {{"sender", "address", "Sender of the envelope; left out: the null sender."}},
             {"mailctl doctor deliver ann@example.com", "mailctl doctor deliver ann@example.com --sender bob@example.org -o json"},
             "Hosts, MTA-STS, TLSA, connection, TLS, sign-in, MAIL and RCPT are done as for real mail and told as they come; then the "
             "connection is closed. With -o json one object per line. The exit code is 0 when the recipient would be taken.",
             "route test, simulate", run_deliver}};
}

} // namespace mail::mailctl
