// `mailctl mailbox share | unshare`: a mailbox that several people use, with their rights on its folders and the right to send
// with its address, in one command.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"

#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

constexpr int most_tries = 5; ///< somebody else may change the mailbox at the same time

/// A list of addresses after adding or removing; case does not count.
json::array changed_list(const json::value& mailbox, const std::string& field, const std::vector<std::string>& who, bool add) {
    json::array list;
    const auto is_one = [&](const std::string& text) {
        return std::any_of(who.begin(), who.end(), [&](const auto& one) { return text::iequals(one, text); });
    };
    if (const json::value* now = at_path(mailbox, "spec." + field); now != nullptr && now->is_array())
        for (const json::value& one : now->get_array())
            if (!is_one(raw_text(&one)))
                list.push_back(one);
    if (add)
        for (const std::string& one : who)
            list.emplace_back(one);
    return list;
}

/// The mailbox with `who` in the list `field` and in no other; made as a shared one when it is not there and `add`.
Result<json::value> write_senders(Session& session, const std::string& path, const std::vector<std::string>& who,
                                  const std::string& field, bool add) {
    const std::string dry = session.globals.dry_run ? "?dry_run=1" : "";
    Result<json::value> answer = fail(ErrorCode::stale, "somebody else keeps changing it", "try again");
    for (int tries = 0; tries < most_tries && !answer && answer.error().code == ErrorCode::stale; ++tries) {
        const auto before = session.get(path);
        const bool makes = add && !before && before.error().code == ErrorCode::not_found;
        if (!before && !makes)
            return fail(before.error());
        json::object spec;
        for (const char* list : {"send_as", "send_on_behalf"})
            spec[list] = changed_list(makes ? json::value() : *before, list, who, field == list);
        if (makes)
            spec["type"] = "shared";
        api::Call call;
        call.method = makes ? "PUT" : "PATCH";
        call.path = path + dry;
        call.content_type = makes ? "application/json" : "application/merge-patch+json";
        call.body = json::serialize(json::object{{"spec", std::move(spec)}});
        call.headers.emplace_back(makes ? "If-None-Match" : "If-Match", makes ? "*" : "\"" + raw_text(at_path(*before, "meta.version")) + "\"");
        answer = session.ask(std::move(call));
    }
    return answer;
}

int run_share(Session& session, const Kind& kind, const Invocation& given, bool add) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = "mailbox " + (name ? *name : given.argument(0));
    std::vector<std::string> who;
    for (std::size_t i = 1; name && i < given.arguments.size(); ++i) {
        auto one = resource_name(kind, given.arguments[i]);
        if (!one)
            return session.report(one.error(), subject);
        who.push_back(std::move(*one));
    }
    if (!name)
        return session.report(name.error(), subject);
    const std::string send = given.has("send") ? given.value("send") : "as";
    const std::string field = !add || send == "no" ? "" : send == "as" ? "send_as" : "send_on_behalf";
    const std::string path = resource_path(kind, *name);
    const auto answer = write_senders(session, path, who, field, add);
    if (!answer)
        return session.report(answer.error(), subject);
    const std::string rights = given.has("rights") ? given.value("rights") : "write";
    if (session.globals.dry_run) {
        if (at_path(*answer, "plan_hash") != nullptr)
            session.io.out << plan_text(*answer, session.io.out_terminal);
        for (const std::string& one : who)
            session.say(add ? "would grant " + rights + " on all folders to " + clean(one) : "would revoke all rights of " + clean(one));
        return exit_code::ok;
    }
    for (const std::string& one : who) {
        json::object body{{"to", one}};
        if (add)
            body["rights"] = rights;
        const auto granted = session.post(path + "/actions/" + (add ? "grant" : "revoke"), body);
        if (!granted)
            return session.report(granted.error(), subject);
    }
    session.say(clean(subject) + (add ? " is shared with " : " is no longer shared with ") + clean(text::join(who, ", ")));
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> share_commands(const Kind& kind) {
    std::vector<CommandSpec> out;
    for (const bool add : {true, false}) {
        CommandSpec spec;
        spec.verb = add ? "share" : "unshare";
        spec.summary = add ? "Share a mailbox with people, made when it is not there" : "Take a shared mailbox from people again";
        spec.arguments = {{"address", true, false, Completes::names}, {"who", true, true, Completes::names}};
        if (add)
            spec.options = {{"rights", "rights", "On all folders: see, read, write, manage, full, or letters of RFC 4314; write when absent."},
                            {"send", "how", "Whether they may send with its address: as (the default), behalf (they are named as well), no.",
                             0, false, {"as", "behalf", "no"}, Completes::choices}};
        spec.examples = {add ? "mailctl mailbox share info@example.org ann@example.org bob@example.org"
                             : "mailctl mailbox unshare info@example.org bob@example.org"};
        spec.details = add ? "They find its folders as \"Other Users/ADDRESS/...\" and may write with its address. A mailbox that is made has "
                             "the type shared and no password. Safe to repeat."
                           : "All their rights on its folders go, and with them the right to send with its address.";
        spec.related = "mailbox grant, mailbox rights, explain mailbox.send_as";
        spec.run = [&kind, add](Session& session, const Invocation& given) { return run_share(session, kind, given, add); };
        out.push_back(std::move(spec));
    }
    return out;
}

} // namespace mail::mailctl
