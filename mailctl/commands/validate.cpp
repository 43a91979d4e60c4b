// `mailctl validate`: everything about documents that can be checked without a server.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/documents.hpp"

#include "common/schema/validate.hpp"

#include <ostream>

namespace mail::mailctl {
namespace {

int run_validate(Session& session, const Invocation& given) {
    std::vector<std::string> files = given.values("file");
    files.insert(files.end(), given.arguments.begin(), given.arguments.end());
    if (files.empty())
        return session.report({ErrorCode::usage, "validate needs -f <file or folder>", "for example: mailctl validate -f site/"});
    auto loaded = load_documents(session, files);
    if (!loaded)
        return session.report(loaded.error());
    schema::validate_documents(loaded->documents, loaded->issues);
    schema::locate(loaded->issues, loaded->documents);
    if (const int code = tell_issues(session, loaded->issues); code != exit_code::ok)
        return code;
    session.say("valid: " + counted(loaded->documents.size(), "object", "objects"));
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> validate_commands() {
    OptionSpec file{"file", "file or folder", "Documents to read; a folder is read recursively (*.yaml), - is standard input.", 'f'};
    file.completes = Completes::files;
    return {{"", "Check documents without a server", {{"file", false, true, Completes::files}}, {file},
             {"mailctl validate -f site/", "mailctl validate site.yaml"},
             "Finds what needs no server: syntax, unknown fields, values out of range, addresses that two objects claim. "
             "Secrets are not read.", "plan, apply, explain", run_validate}};
}

} // namespace mail::mailctl
