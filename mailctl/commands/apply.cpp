// `mailctl plan` and `mailctl apply`: from documents to a plan, from a plan to a change, all or nothing.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/documents.hpp"
#include "mailctl/output/json.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr auto most_plan_bytes = static_cast<std::size_t>(limit::yaml_bytes) * 2;

/// What is sent to /v1/plan and /v1/apply.
struct Request {
    json::object body;
    std::vector<schema::Document> documents;
    json::value unresolved; ///< the documents with {"from": ...}, for a plan file; null with inline secrets
    int code = exit_code::ok;
};

json::value parsed(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value() : value;
}

/// The documents as they stand in the files, so that a plan file holds no secret.
json::value unresolved_documents(const std::vector<schema::Document>& documents) {
    json::value body = parsed(schema::documents_to_json(documents));
    json::array* list = body.is_object() ? body.get_object().at("documents").if_array() : nullptr;
    if (list == nullptr)
        return {};
    for (std::size_t i = 0; i < list->size() && i < documents.size(); ++i)
        (*list)[i].get_object()["file"] = documents[i].file;
    return std::move(*list);
}

/// Documents that a plan file carries; JSON is YAML, so the one reader reads them too.
void load_plan_documents(const json::array& documents, Loaded& into) {
    for (const json::value& one : documents) {
        json::object document;
        for (const char* member : {"kind", "name", "spec"})
            if (const json::value* value = at_path(one, member))
                document[member] = *value;
        load_text(json::serialize(document), text_at(one, "file"), into);
    }
}

Result<json::value> read_plan_file(Session& session, const std::string& file) {
    MAIL_TRY(const std::string text, read_input(session, file, most_plan_bytes));
    json::value plan = parsed(text);
    if (!plan.is_object() || text_at(plan, "plan_hash").empty())
        return fail(ErrorCode::invalid, file + " is no plan", "make one with: mailctl plan -f ... -o json > " + file);
    return plan;
}

Result<void> add_settings(const Invocation& given, json::object& body) {
    body["set"] = given.has("set") ? given.value("set") : std::string("default");
    body["prune"] = given.is_on("prune");
    body["take_over"] = given.is_on("take-over");
    body["max_deletes"] = nullptr;
    if (given.has("max-deletes")) {
        const auto most = text::number(given.value("max-deletes"));
        if (!most)
            return fail(ErrorCode::usage, "--max-deletes needs a number, not " + given.value("max-deletes"));
        body["max_deletes"] = *most;
    }
    return {};
}

/// Reads everything a request is made of; `code` other than 0: faults were told.
Result<Request> read_request(Session& session, const Invocation& given) {
    Request request;
    std::vector<std::string> files = given.values("file");
    files.insert(files.end(), given.arguments.begin(), given.arguments.end());
    Loaded loaded;
    json::value plan;
    if (given.has("plan-file")) {
        MAIL_TRY(plan, read_plan_file(session, given.value("plan-file")));
    } else if (files.empty()) {
        return fail(ErrorCode::usage, given.noun + " needs -f <file or folder>",
                    "for example: mailctl " + given.noun + " -f site.yaml");
    }
    MAIL_DO(add_settings(given, request.body));
    const json::value* carried = at_path(plan, "request.documents");
    if (files.empty() && (carried == nullptr || !carried->is_array()))
        return fail(ErrorCode::invalid, given.value("plan-file") + " carries no documents",
                    "name them as well: mailctl apply --plan-file " + given.value("plan-file") + " -f ...");
    if (files.empty()) {
        load_plan_documents(carried->get_array(), loaded);
        for (const char* member : {"set", "prune", "take_over", "max_deletes"})
            if (const json::value* value = at_path(plan, std::string("request.") + member))
                request.body[member] = *value;
    } else {
        MAIL_TRY(loaded, load_documents(session, files));
    }
    if (plan.is_object())
        request.body["plan_hash"] = *at_path(plan, "plan_hash");
    if (!given.is_on("allow-inline-secrets"))
        request.unresolved = unresolved_documents(loaded.documents);
    const bool stdin_used = std::find(files.begin(), files.end(), "-") != files.end();
    resolve_all(session, loaded, given.is_on("allow-inline-secrets"), stdin_used);
    request.code = tell_issues(session, loaded.issues);
    request.documents = std::move(loaded.documents);
    json::value body = parsed(schema::documents_to_json(request.documents));
    request.body["documents"] = std::move(body.as_object().at("documents"));
    return request;
}

int show_plan(Session& session, const Request& request, json::value plan) {
    session.io.err << plan_warnings(plan);
    if (!session.is_json() && session.format() != Format::yaml) {
        session.io.out << plan_text(plan, session.io.out_terminal);
        return exit_code::ok;
    }
    if (plan.is_object() && !request.unresolved.is_null()) {
        json::object carried = request.body;
        carried["documents"] = request.unresolved;
        carried.erase("plan_hash");
        plan.get_object()["request"] = std::move(carried);
    }
    return session.print(show_text({}, plan, session.print_options()));
}

json::object without_hash(json::object body) {
    body.erase("plan_hash");
    return body;
}

int run_plan(Session& session, const Invocation& given) {
    auto request = read_request(session, given);
    if (!request)
        return session.report(request.error());
    if (request->code != exit_code::ok)
        return request->code;
    auto plan = session.post("/v1/plan", without_hash(request->body));
    if (!plan)
        return report_documents(session, plan.error(), request->documents);
    const bool changes = count_plan(*plan).has_changes();
    const int code = show_plan(session, *request, std::move(*plan));
    return code == exit_code::ok && changes && given.is_on("exit-code") ? exit_code::has_changes : code;
}

/// What was done: the same blocks as the plan, or the server's JSON.
int show_applied(Session& session, const json::value& answer) {
    if (session.is_json())
        return session.print(show_text({}, answer, session.print_options()));
    const PlanCounts counts = count_plan(answer);
    session.io.err << plan_warnings(answer);
    if (!counts.has_changes())
        session.io.out << "no changes\n";
    else
        session.say("applied: " + done_summary(counts));
    return exit_code::ok;
}

/// Shows the plan and asks; nullopt: go on. On the way takes the plan's hash, so that what was seen is what is done.
Result<bool> agreed(Session& session, Request& request, bool& is_empty) {
    MAIL_TRY(const json::value plan, session.post("/v1/plan", without_hash(request.body)));
    const PlanCounts counts = count_plan(plan);
    is_empty = !counts.has_changes();
    if (is_empty && counts.adopt == 0)
        return true;
    if (const json::value* hash = at_path(plan, "plan_hash"); hash != nullptr && !request.body.contains("plan_hash"))
        request.body["plan_hash"] = *hash;
    if (is_empty)
        return true; // only joins the set: nothing to agree to
    session.io.err << plan_warnings(plan);
    (session.is_json() ? session.io.err : session.io.out) << plan_text(plan, session.io.out_terminal);
    return session.confirm("apply this?");
}

int run_apply(Session& session, const Invocation& given) {
    if (session.globals.dry_run)
        return run_plan(session, given);
    auto request = read_request(session, given);
    if (!request)
        return session.report(request.error());
    if (request->code != exit_code::ok)
        return request->code;
    if (!session.globals.yes) {
        bool is_empty = false;
        auto sure = agreed(session, *request, is_empty);
        if (!sure)
            return report_documents(session, sure.error(), request->documents);
        if (!*sure)
            return session.abandoned();
    }
    auto answer = session.post("/v1/apply", request->body);
    if (!answer)
        return report_documents(session, answer.error(), request->documents);
    return show_applied(session, *answer);
}

std::vector<OptionSpec> request_options() {
    OptionSpec file{"file", "file or folder", "Documents to read; a folder is read recursively (*.yaml), - is standard input.", 'f'};
    file.completes = Completes::files;
    return {file,
            {"set", "name", "The set these documents are; objects belong to it from now on (default: default)."},
            {"prune", "", "Delete objects of the set that no document names any more."},
            {"max-deletes", "number", "Let --prune delete so many; without it 10 objects or 10 % of the set are the most."},
            {"take-over", "", "Take objects that belong to another set."},
            {"allow-inline-secrets", "", "Accept passwords written in the documents; others must not be able to read the file."}};
}

} // namespace

std::vector<CommandSpec> plan_commands() {
    CommandSpec spec{"", "Show what apply would change", {{"file", false, true, Completes::files}}, request_options(),
                     {"mailctl plan -f site.yaml", "mailctl plan -f site/ --prune --exit-code"},
                     "Nothing is changed. With -o json the plan can be kept, reviewed and given to apply --plan-file; it holds "
                     "no secrets.", "apply, validate, export", run_plan};
    spec.options.push_back({"exit-code", "", "End with 10 when there is something to change."});
    return {spec};
}

std::vector<CommandSpec> apply_commands() {
    CommandSpec spec{"", "Make the server be as the documents say", {{"file", false, true, Completes::files}}, request_options(),
                     {"mailctl apply -f site.yaml", "mailctl apply -f site/ --set prod --prune --yes",
                      "mailctl export | mailctl apply -f - --yes"},
                     "Shows the plan and asks; without a terminal it needs --yes. All or nothing: a fault anywhere changes "
                     "nothing. A document says all settings of its object: what it leaves out goes back to the default. "
                     "Applying the same documents again prints \"no changes\".", "plan, export, history, explain", run_apply};
    OptionSpec plan{"plan-file", "file", "Do exactly this plan (of plan -o json); refused when the server has changed since."};
    plan.completes = Completes::files;
    spec.options.push_back(std::move(plan));
    return {spec};
}

} // namespace mail::mailctl
