// `mailctl mailbox freeze` and `unfreeze`: whether a mailbox may send.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"

#include "common/schema/kind.hpp"

#include <boost/json.hpp>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

int run_freeze(Session& session, const schema::Kind& kind, const Invocation& given, bool frozen) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = std::string(kind.name) + " " + (name ? *name : given.argument(0));
    if (!name)
        return session.report(name.error(), subject);
    if (session.globals.dry_run) {
        session.say("would " + std::string(frozen ? "freeze" : "unfreeze") + " sending of " + clean(subject));
        return exit_code::ok;
    }
    json::object body;
    if (frozen && !given.value("reason").empty())
        body["reason"] = given.value("reason");
    auto answer = session.post(resource_path(kind, *name) + "/actions/" + (frozen ? "freeze" : "unfreeze"), body);
    if (!answer)
        return session.report(answer.error(), subject);
    session.say(clean(subject) + (frozen ? " sends nothing from now on" : " may send again"));
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> freeze_commands(const schema::Kind& kind) {
    const std::string noun(kind.name);
    const std::string sample(kind.key_field().sample);
    std::vector<CommandSpec> out;
    for (const bool frozen : {true, false}) {
        CommandSpec spec;
        spec.verb = frozen ? "freeze" : "unfreeze";
        spec.summary = frozen ? "Let it send nothing until it is unfrozen" : "Let it send again after its sending was frozen";
        spec.arguments = {{std::string(kind.key_field().name), true, false, Completes::names}};
        if (frozen)
            spec.options = {{"reason", "text", "Told to whoever tries to send, and in the log."}};
        spec.examples = {"mailctl " + noun + " " + spec.verb + " " + sample};
        spec.details = frozen ? "Signing in and receiving go on. What is queued already is sent."
                              : "Today's new recipients are forgotten, so that the guard does not strike again at once.";
        spec.related = noun + " show, explain policy.sending";
        spec.run = [&kind, frozen](Session& session, const Invocation& given) { return run_freeze(session, kind, given, frozen); };
        out.push_back(std::move(spec));
    }
    return out;
}

} // namespace mail::mailctl
