// Verbs that only some kinds have: `password` where people sign in; `group member`, `mailbox alias`, `mailbox forward`,
// which add to a list and take from it without naming the whole; `server metrics`.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/fields.hpp"
#include "mailctl/commands/resource.hpp"

#include "common/base/secret.hpp"
#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

const schema::Field* login_password(const Kind& kind) {
    for (const schema::Field& field : kind.fields)
        if (field.type == schema::FieldType::secret && field.secret_use == schema::SecretUse::verifier)
            return &field;
    return nullptr;
}

Result<json::value> change(Session& session, const Kind& kind, const std::string& name, json::value secret) {
    json::object body;
    body["password"] = std::move(secret);
    return session.post(resource_path(kind, name) + "/actions/password", body);
}

/// What the change would be: the same as setting the field.
Result<json::value> dry_change(Session& session, const Kind& kind, const std::string& name, json::value secret) {
    json::object spec;
    spec[login_password(kind)->name] = std::move(secret);
    api::Call call;
    call.method = "PATCH";
    call.path = resource_path(kind, name) + "?dry_run=1";
    call.content_type = "application/merge-patch+json";
    call.body = json::serialize(json::object{{"spec", std::move(spec)}});
    return session.ask(std::move(call));
}

int run_password(Session& session, const Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = std::string(kind.name) + " " + (name ? *name : given.argument(0));
    if (!name)
        return session.report(name.error(), subject);
    std::vector<std::string> generated;
    auto secret = read_secret(session, *login_password(kind), given, generated);
    if (!secret)
        return session.report(secret.error(), subject);
    if (secret->is_null()) {
        auto typed = ask_password(session, subject);
        if (!typed)
            return session.report(typed.error(), subject);
        *secret = json::value(json::object{{"value", *typed}});
        wipe(typed->data(), typed->size());
    }
    auto answer = session.globals.dry_run ? dry_change(session, kind, *name, std::move(*secret))
                                          : change(session, kind, *name, std::move(*secret));
    if (!answer)
        return session.report(answer.error(), subject);
    if (session.globals.dry_run) {
        session.io.out << plan_text(*answer, session.io.out_terminal);
        return exit_code::ok;
    }
    for (const std::string& password : generated)
        session.io.out << password << '\n';
    if (generated.empty())
        session.say("changed the password of " + clean(subject));
    else
        session.note("changed the password of " + clean(subject));
    return exit_code::ok;
}

/// A verb that changes one list of a kind.
struct ListVerb {
    std::string_view kind;
    std::string_view verb;
    std::string_view field;
};
constexpr std::array list_verbs{ListVerb{"group", "member", "members"}, ListVerb{"mailbox", "alias", "aliases"},
                                ListVerb{"mailbox", "forward", "forward"}};
constexpr int most_tries = 5; ///< somebody else may change the object at the same time

/// The list after adding or removing; equal texts count once, without regard to ASCII case as in addresses.
json::array edited(const json::value& object, const std::string& path, bool add, const std::vector<std::string>& values) {
    std::vector<std::string> texts;
    if (const json::value* now = at_path(object, path); now != nullptr && now->is_array())
        for (const json::value& one : now->get_array())
            texts.push_back(raw_text(&one));
    for (const std::string& value : values) {
        const auto is_same = [&](const std::string& text) { return text::iequals(text, value); };
        if (!add)
            std::erase_if(texts, is_same);
        else if (std::none_of(texts.begin(), texts.end(), is_same))
            texts.push_back(value);
    }
    json::array list;
    for (const std::string& text : texts)
        list.emplace_back(text);
    return list;
}

int run_list_verb(Session& session, const Kind& kind, const ListVerb& verb, const Invocation& given) {
    const std::string what = given.argument(0);
    const std::vector<std::string> values(given.arguments.begin() + std::min<std::ptrdiff_t>(2, std::ssize(given.arguments)),
                                          given.arguments.end());
    if ((what != "add" && what != "remove") || values.empty())
        return session.report({ErrorCode::usage, "say what to do: mailctl " + std::string(kind.name) + " " + std::string(verb.verb) +
                                                     " {add | remove} <" + std::string(kind.key_field().name) + "> <address>..."});
    auto name = resource_name(kind, given.argument(1));
    const std::string subject = std::string(kind.name) + " " + (name ? *name : given.argument(1));
    if (!name)
        return session.report(name.error(), subject);
    const std::string path = resource_path(kind, *name);
    Result<json::value> answer = fail(ErrorCode::stale, "somebody else keeps changing it", "try again");
    json::value before;
    for (int tries = 0; tries < most_tries && !answer && answer.error().code == ErrorCode::stale; ++tries) {
        auto object = session.get(path);
        if (!object)
            return session.report(object.error(), subject);
        before = *object;
        json::object spec;
        spec[verb.field] = edited(before, "spec." + std::string(verb.field), what == "add", values);
        api::Call call;
        call.method = "PATCH";
        call.path = path + (session.globals.dry_run ? "?dry_run=1" : "");
        call.content_type = "application/merge-patch+json";
        call.body = json::serialize(json::object{{"spec", std::move(spec)}});
        call.headers.emplace_back("If-Match", "\"" + raw_text(at_path(before, "meta.version")) + "\"");
        answer = session.ask(std::move(call));
    }
    if (!answer)
        return session.report(answer.error(), subject);
    if (session.globals.dry_run) {
        session.io.out << plan_text(*answer, session.io.out_terminal);
        return exit_code::ok;
    }
    const bool same = raw_text(at_path(before, "meta.version")) == raw_text(at_path(*answer, "meta.version"));
    session.say((same ? "no changes to " : "changed ") + clean(subject));
    return exit_code::ok;
}

CommandSpec list_verb_spec(const Kind& kind, const ListVerb& verb) {
    const std::string noun(kind.name);
    const std::string word(verb.verb);
    const std::string sample(kind.key_field().sample);
    CommandSpec spec;
    spec.verb = word;
    spec.summary = "Add to the " + std::string(verb.field) + " of a " + noun + ", or remove from them";
    spec.arguments = {{"add | remove"}, {std::string(kind.key_field().name), true, false, Completes::names}, {"address", true, true}};
    spec.examples = {"mailctl " + noun + " " + word + " add " + sample + " bob@example.org",
                     "mailctl " + noun + " " + word + " remove " + sample + " bob@example.org"};
    spec.details = "What is there already is no error, and neither is removing what is not there.";
    spec.related = noun + " set, " + noun + " show";
    spec.run = [&kind, &verb](Session& session, const Invocation& given) { return run_list_verb(session, kind, verb, given); };
    return spec;
}

int run_metrics(Session& session, const Invocation&) {
    api::Call call;
    call.path = "/metrics";
    auto reply = session.call(std::move(call));
    if (!reply)
        return session.report(reply.error());
    session.io.out << reply->body;
    return exit_code::ok;
}

CommandSpec metrics_spec() {
    CommandSpec spec;
    spec.verb = "metrics";
    spec.summary = "Print the server's counters in the form of Prometheus";
    spec.examples = {"mailctl server metrics | grep queue"};
    spec.related = "status";
    spec.run = run_metrics;
    return spec;
}

int run_reindex(Session& session, const Invocation&) {
    api::Call call;
    call.method = "POST";
    call.path = "/v1/reindex";
    const auto reply = session.call(std::move(call));
    if (!reply)
        return session.report(reply.error());
    session.io.out << "the search index is being built again; see mailctl status\n";
    return exit_code::ok;
}

CommandSpec reindex_spec() {
    CommandSpec spec;
    spec.verb = "reindex";
    spec.summary = "Throw the search index away and build it again";
    spec.examples = {"mailctl server reindex"};
    spec.details = "Returns at once. Searches give the same answers meanwhile, only slower.";
    spec.related = "status, server metrics";
    spec.run = run_reindex;
    return spec;
}

CommandSpec password_spec(const Kind& kind, const schema::Field& field) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "password";
    spec.summary = "Set a new password";
    spec.arguments = {{std::string(kind.key_field().name), true, false, Completes::names}};
    spec.options = secret_options(field);
    spec.examples = {"mailctl " + noun + " password ann@example.org",
                     "printf %s \"$PW\" | mailctl " + noun + " password ann@example.org --password-stdin"};
    spec.details = "Asks on the terminal unless told where the password comes from. It is never an argument, where others "
                   "could see it.";
    spec.related = noun + " set";
    spec.run = [&kind](Session& session, const Invocation& given) { return run_password(session, kind, given); };
    return spec;
}

} // namespace

std::vector<CommandSpec> extra_commands(const Kind& kind) {
    std::vector<CommandSpec> commands;
    if (const schema::Field* field = login_password(kind))
        commands.push_back(password_spec(kind, *field));
    if (kind.name == "server") {
        commands.push_back(metrics_spec());
        commands.push_back(reindex_spec());
    }
    if (kind.owns_address && !kind.has_account)
        commands.push_back(expand_command(kind));
    if (kind.name == "mailbox") {
        for (CommandSpec& command : freeze_commands(kind))
            commands.push_back(std::move(command));
        commands.push_back(quota_command(kind));
    }
    if (kind.name == "mailbox")
        for (CommandSpec& command : mailbox_commands())
            commands.push_back(std::move(command));
    if (kind.name == "mailbox")
        for (CommandSpec& command : recovery_commands(kind))
            commands.push_back(std::move(command));
    if (kind.name == "mailbox")
        for (CommandSpec& command : share_commands(kind))
            commands.push_back(std::move(command));
    if (kind.name == "retention")
        commands.push_back(retention_test_command());
    if (kind.name == "route")
        commands.push_back(route_test_command());
    if (kind.name == "mailbox")
        for (CommandSpec& spec : rights_commands(kind))
            commands.push_back(std::move(spec));
    for (const ListVerb& verb : list_verbs)
        if (verb.kind == kind.name && kind.find(verb.field) != nullptr)
            commands.push_back(list_verb_spec(kind, verb));
    return commands;
}

} // namespace mail::mailctl
