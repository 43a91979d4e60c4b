// `mailctl mailbox folders | rights | grant | revoke`: what is in a mailbox, and who may do what there.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"

#include <boost/json.hpp>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

const View& folder_view() {
    static const View view{"folder", "name",
        {{"folder", "name"}, {"messages", "messages", Unit::number}, {"unseen", "unseen", Unit::number}, {"size", "bytes", Unit::bytes},
         {"special_use", "special_use"}}, false};
    return view;
}

const View& rights_view() {
    static const View view{"rights", "identifier", {{"folder", "folder"}, {"who", "identifier"}, {"rights", "rights"}}, false};
    return view;
}

int run_folders(Session& session, const Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    if (!name)
        return session.report(name.error(), "mailbox " + given.argument(0));
    return list_command(session, folder_view(), resource_path(kind, *name) + "/folders", {});
}

int run_rights(Session& session, const Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    if (!name)
        return session.report(name.error(), "mailbox " + given.argument(0));
    return list_command(session, rights_view(), resource_path(kind, *name) + "/rights", {{"folder", given.value("folder")}});
}

int run_change(Session& session, const Kind& kind, const Invocation& given, bool grant) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = "mailbox " + (name ? *name : given.argument(0));
    if (!name)
        return session.report(name.error(), subject);
    json::object body{{"to", given.argument(1)}};
    if (grant)
        body["rights"] = given.has("rights") ? given.value("rights") : std::string("read");
    if (given.has("folder"))
        body["folder"] = given.value("folder");
    if (session.globals.dry_run)
        return session.report({ErrorCode::usage, "granting and revoking have no dry run", "see: mailctl mailbox rights " + *name}, subject);
    auto answer = session.post(resource_path(kind, *name) + "/actions/" + (grant ? "grant" : "revoke"), body);
    if (!answer)
        return session.report(answer.error(), subject);
    const auto count = answer->at("changed").to_number<std::uint64_t>();
    session.say((grant ? "granted " + std::string(answer->at("rights").as_string()) + " on " : std::string("revoked all rights on ")) +
                counted(count, "folder", "folders") + " of " + clean(*name) + (grant ? " to " : " from ") + clean(given.argument(1)));
    return exit_code::ok;
}

OptionSpec folder_option() { return {"folder", "name", "One folder only; without it all folders."}; }

CommandSpec change_spec(const Kind& kind, bool grant) {
    CommandSpec spec;
    spec.verb = grant ? "grant" : "revoke";
    spec.summary = grant ? "Let somebody use the folders of a mailbox" : "Take from somebody all rights on the folders of a mailbox";
    spec.arguments = {{"address", true, false, Completes::names}, {"who", true, false, Completes::names}};
    if (grant)
        spec.options.push_back({"rights", "rights", "What is allowed: see, read, write, manage, full, or letters of RFC 4314; read when absent."});
    spec.options.push_back(folder_option());
    spec.examples = grant ? std::vector<std::string>{"mailctl mailbox grant team@example.org ann@example.org --rights write",
                                                     "mailctl mailbox grant public@example.org anyone --folder News"}
                          : std::vector<std::string>{"mailctl mailbox revoke team@example.org ann@example.org"};
    spec.details = "<who> is the address of a mailbox, or `anyone` who signs in. The folders are then seen as \"Other Users/ADDRESS/...\", "
                   "those of public@DOMAIN as \"Public/...\". What was allowed before is replaced.";
    spec.related = "mailbox rights, mailbox folders";
    spec.run = [&kind, grant](Session& session, const Invocation& given) { return run_change(session, kind, given, grant); };
    return spec;
}

} // namespace

std::vector<CommandSpec> rights_commands(const Kind& kind) {
    CommandSpec folders;
    folders.verb = "folders";
    folders.summary = "List the folders of a mailbox";
    folders.arguments = {{"address", true, false, Completes::names}};
    folders.examples = {"mailctl mailbox folders ann@example.org"};
    folders.related = "mailbox rights";
    folders.run = [&kind](Session& session, const Invocation& given) { return run_folders(session, kind, given); };
    CommandSpec rights;
    rights.verb = "rights";
    rights.summary = "Show who may do what in the folders of a mailbox";
    rights.arguments = {{"address", true, false, Completes::names}};
    rights.options = {folder_option()};
    rights.examples = {"mailctl mailbox rights team@example.org", "mailctl mailbox rights team@example.org --folder INBOX -o json"};
    rights.details = "Rights are the letters of RFC 4314: l see it, r read, s mark as seen, w change other flags, i put messages in, "
                     "p send to it, k make folders below, x delete it, t mark messages as deleted, e remove them, a give rights.";
    rights.related = "mailbox grant, mailbox revoke";
    rights.run = [&kind](Session& session, const Invocation& given) { return run_rights(session, kind, given); };
    return {std::move(folders), std::move(rights), change_spec(kind, true), change_spec(kind, false)};
}

} // namespace mail::mailctl
