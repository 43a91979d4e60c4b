// `mailctl export`: what the server is, as documents that apply accepts unchanged.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/documents.hpp"

#include "common/schema/yaml.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

int run_export(Session& session, const Invocation& given) {
    for (const std::string& kind : given.values("kind"))
        if (auto known = schema::need_kind(kind); !known)
            return session.report({ErrorCode::usage, known.error().message, known.error().hint});
    std::vector<std::string> kinds = given.values("kind");
    if (kinds.empty())
        kinds.emplace_back(); // all
    json::array documents;
    for (const std::string& kind : kinds) {
        const std::string name = kind.empty() ? kind : std::string((*schema::need_kind(kind))->name);
        auto answer = session.get("/v1/export" + query_text({{"kind", name}, {"set", given.value("set")}}));
        if (!answer)
            return session.report(answer.error());
        const json::value* some = at_path(*answer, "documents");
        if (some == nullptr || !some->is_array())
            return session.report({ErrorCode::internal, "the server's answer holds no documents"});
        for (const json::value& document : some->get_array())
            documents.push_back(document);
    }
    json::object body;
    body["documents"] = std::move(documents);
    if (session.is_json())
        return session.print(show_text({}, body, session.print_options()));
    schema::ReadDocuments read = schema::documents_from_json(body);
    if (const int code = tell_issues(session, read.issues); code != exit_code::ok)
        return code;
    schema::YamlOptions options;
    options.comments = given.is_on("comments");
    options.bulk = !given.has("bulk") || given.is_on("bulk");
    session.io.out << schema::write_yaml(read.documents, options);
    return exit_code::ok;
}

} // namespace

std::vector<CommandSpec> export_commands() {
    OptionSpec kind{"kind", "kind", "Only objects of this kind; may be given several times."};
    kind.completes = Completes::kinds;
    OptionSpec bulk{"bulk", "", "Several objects of a kind as one document with items (this is so unless --no-bulk)."};
    bulk.switchable = true;
    return {{"", "Print the configuration as YAML that apply reads back", {},
             {kind, {"set", "name", "Only objects of this apply set."},
              {"comments", "", "Say above each setting what it is for."}, bulk},
             {"mailctl export > site.yaml", "mailctl export --kind mailbox --kind group --comments"},
             "Passwords are never printed: {keep: true} stands for the one that is set.", "apply, plan", run_export}};
}

} // namespace mail::mailctl
