// `mailctl mailbox stats | verify | sessions | kick`: what is in a mailbox, whether it is sound, and who is using it.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"

#include "mailctl/transfer/progress.hpp"
#include "mailctl/transfer/upload.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

Result<std::string> mailbox_name(const Invocation& given) {
    return resource_name(*schema::find_kind("mailbox"), given.argument(0));
}

/// Beyond two thirds of what may be kept it is time to look.
std::string recoverable_text(const json::value& kept) {
    const auto bytes = number_at(kept, "bytes"), most = number_at(kept, "most_bytes");
    return "recoverable: " + counted(static_cast<std::uint64_t>(number_at(kept, "messages")), "message", "messages") + ", " +
           human_bytes(bytes) + (most > 0 ? " of " + human_bytes(most) : "") +
           (most > 0 && bytes > most / 3 * 2 ? "; beyond that the oldest go for good" : "");
}

int run_stats(Session& session, const Invocation& given) {
    const auto mailbox = mailbox_name(given);
    auto summary = mailbox ? session.get(mail_path(*mailbox)) : Result<json::value>(fail(mailbox.error()));
    if (!summary)
        return session.report(summary.error(), "mailbox " + given.argument(0));
    const auto whole = session.get(api::path_of("mailboxes", *mailbox));
    const json::value* kept = whole ? at_path(*whole, "status.recoverable") : nullptr;
    if (kept != nullptr)
        summary->as_object()["recoverable"] = *kept;
    if (session.is_json()) {
        session.io.out << json::serialize(*summary) << '\n';
        return exit_code::ok;
    }
    const View view{"folder", "name", {{"folder", "name"}, {"messages", "messages", Unit::number}, {"unseen", "unseen", Unit::number},
                                       {"size", "bytes", Unit::bytes}, {"special_use", "special_use", Unit::text, Shown::wide},
                                       {"uid_next", "uid_next", Unit::number, Shown::wide}}, false};
    const int code = session.print(list_text(view, *summary, session.print_options()));
    const auto quota = number_at(*summary, "quota");
    if (session.format() == Format::table)
        session.note(counted(static_cast<std::uint64_t>(number_at(*summary, "messages")), "message", "messages") + ", " +
                     human_bytes(number_at(*summary, "bytes")) + (quota > 0 ? " of " + human_bytes(quota) : ""));
    if (session.format() == Format::table && kept != nullptr && number_at(*kept, "messages") > 0)
        session.note(recoverable_text(*kept));
    return code;
}

/// One folder, page by page.
Result<void> verify_folder(Session& session, const std::string& mailbox, const std::string& folder, json::array& damaged,
                           std::uint64_t& checked, const std::function<void()>& step) {
    for (std::int64_t after = 0;;) {
        MAIL_TRY(const auto page, session.get(mail_path(mailbox, "/verify" + query_text({{"folder", folder}, {"after", std::to_string(after)}}))));
        checked += static_cast<std::uint64_t>(number_at(page, "checked"));
        if (const auto* list = at_path(page, "damaged"); list != nullptr && list->is_array())
            for (const auto& each : list->get_array())
                damaged.push_back(json::object{{"folder", folder}, {"uid", number_at(each, "uid")}, {"reason", text_at(each, "reason")}});
        step();
        const auto next = number_at(page, "next");
        if (next <= after)
            return {};
        after = next;
    }
}

int run_verify(Session& session, const Invocation& given) {
    const auto mailbox = mailbox_name(given);
    auto summary = mailbox ? session.get(mail_path(*mailbox)) : Result<json::value>(fail(mailbox.error()));
    const std::string subject = "mailbox " + (mailbox ? *mailbox : given.argument(0));
    if (!summary)
        return session.report(summary.error(), subject);
    json::array damaged;
    std::uint64_t checked = 0;
    Progress progress(session);
    for (const auto& item : at_path(*summary, "items")->as_array()) {
        const auto folder = text_at(item, "name");
        const auto total = static_cast<std::uint64_t>(number_at(*summary, "messages"));
        const auto done = verify_folder(session, *mailbox, folder, damaged, checked, [&] { progress.show(checked, total, checked, folder); });
        if (!done) {
            progress.finish();
            return session.report(done.error(), subject + ", folder " + clean(folder));
        }
    }
    progress.finish();
    const bool sound = damaged.empty();
    if (session.is_json()) {
        session.io.out << json::serialize(json::object{{"checked", checked}, {"damaged", std::move(damaged)}}) << '\n';
        return sound ? exit_code::ok : 1;
    }
    for (const auto& each : damaged)
        session.io.out << clean(text_at(each, "folder")) << '\t' << number_at(each, "uid") << '\t' << clean(text_at(each, "reason")) << '\n';
    if (!sound)
        return session.report({ErrorCode::internal, counted(damaged.size(), "message is", "messages are") + " damaged", "restore them from a backup"}, subject);
    session.say(counted(checked, "message", "messages") + " checked, all sound");
    return exit_code::ok;
}

int run_sessions(Session& session, const Invocation& given) {
    static const View view{"session", "id", {{"id", "id"}, {"protocol", "protocol"}, {"peer", "peer"}, {"since", "since", Unit::time}, {"tls", "tls", Unit::boolean}}, false};
    const auto mailbox = mailbox_name(given);
    if (!mailbox)
        return session.report(mailbox.error(), "mailbox " + given.argument(0));
    auto list = session.get(api::path_of("mailboxes", *mailbox) + "/sessions");
    if (!list)
        return session.report(list.error(), "mailbox " + *mailbox);
    return session.print(list_text(view, *list, session.print_options()));
}

int run_kick(Session& session, const Invocation& given) {
    const auto mailbox = mailbox_name(given);
    if (!mailbox)
        return session.report(mailbox.error(), "mailbox " + given.argument(0));
    const auto path = api::path_of("mailboxes", *mailbox);
    json::object body;
    if (given.has("session"))
        body["session"] = given.value("session");
    body["dry_run"] = session.globals.dry_run;
    const auto answer = session.post(path + "/actions/kick", json::value(std::move(body)));
    if (!answer)
        return session.report(answer.error(), "mailbox " + *mailbox);
    session.say((session.globals.dry_run ? "would end " : "ended ") +
                counted(static_cast<std::uint64_t>(number_at(*answer, "ended")), "session", "sessions"));
    return exit_code::ok;
}

CommandSpec command(std::string verb, std::string summary, std::string details, std::function<int(Session&, const Invocation&)> run) {
    CommandSpec spec;
    spec.examples = {"mailctl mailbox " + verb + " ann@example.org"};
    spec.verb = std::move(verb);
    spec.summary = std::move(summary);
    spec.details = std::move(details);
    spec.arguments = {{"address", true, false, Completes::names}};
    spec.run = std::move(run);
    return spec;
}

} // namespace

std::vector<CommandSpec> mailbox_commands() {
    std::vector<CommandSpec> out;
    out.push_back(mailbox_import_command());
    out.push_back(mailbox_export_command());
    out.push_back(command("stats", "Show the folders of a mailbox and what they hold", "", run_stats));
    out.push_back(command("verify", "Read every message of a mailbox and check its bytes",
                          "Tells which messages do not match their checksum any more; exit code 1 when there is one.", run_verify));
    out.push_back(command("sessions", "List who is signed in to a mailbox right now", "", run_sessions));
    auto kick = command("kick", "End the sessions of a mailbox",
                        "Who is signed in is cut off at once and may sign in again. To keep somebody out: mailctl mailbox set <address> --no-enabled.", run_kick);
    kick.options = {{"session", "id", "Only this session, as mailbox sessions names it"}};
    out.push_back(std::move(kick));
    return out;
}

} // namespace mail::mailctl
