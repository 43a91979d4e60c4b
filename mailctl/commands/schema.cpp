// `mailctl schema`: the kinds and their fields for programs and editors.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/output/json.hpp"

#include "common/schema/describe.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

int run_json_schema(Session& session, const Invocation&) {
    session.io.out << json_text(schema::json_schema());
    return exit_code::ok;
}

int run_show(Session& session, const Invocation& given) {
    if (!given.is_on("server")) {
        session.io.out << json_text(schema::schema_json());
        return exit_code::ok;
    }
    auto answer = session.get("/v1/schema");
    if (!answer)
        return session.report(answer.error());
    session.io.out << json_text(*answer);
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> schema_commands() {
    std::vector<CommandSpec> commands;
    commands.push_back({"json-schema", "Print a JSON Schema of the documents that apply reads", {}, {},
        {"mailctl schema json-schema > mail.schema.json"},
        "Editors check and complete YAML by it: put \"# yaml-language-server: $schema=mail.schema.json\" on the first line.",
        "explain, validate", run_json_schema});
    commands.push_back({"show", "Print all kinds and fields as JSON", {},
        {{"server", "", "As the server knows them, instead of this program."}}, {"mailctl schema show --server"}, "",
        "schema json-schema", run_show});
    return commands;
}

} // namespace mail::mailctl
