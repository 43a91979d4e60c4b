// list, show, create, set and delete of every kind, from its table of fields alone.
#include "mailctl/commands/resource.hpp"

#include "common/base/text.hpp"
#include "common/schema/describe.hpp"
#include "common/schema/json.hpp"
#include "mailctl/commands/bulk.hpp"
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/fields.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

std::string subject_of(const Kind& kind, const std::string& name) {
    return kind.is_singleton ? std::string(kind.name) : std::string(kind.name) + " " + name;
}

Unit unit_of(schema::FieldType type) {
    switch (type) {
    case schema::FieldType::size: return Unit::bytes;
    case schema::FieldType::duration: return Unit::seconds;
    case schema::FieldType::integer: return Unit::number;
    case schema::FieldType::boolean: return Unit::boolean;
    default: return Unit::text;
    }
}

/// What a writing verb prints: the plan of a dry run, the object, or one sentence.
int tell(Session& session, const Kind& kind, const std::string& name, const json::value& answer,
         const std::string& sentence, const std::vector<std::string>& generated) {
    if (session.globals.dry_run) {
        session.io.err << plan_warnings(answer);
        if (session.is_json())
            return session.print(show_text({}, answer, session.print_options()));
        session.io.out << plan_text(answer, session.io.out_terminal);
        return exit_code::ok;
    }
    for (const std::string& password : generated)
        session.io.out << password << '\n';
    if (session.globals.format && !session.globals.quiet && answer.is_object() && !answer.get_object().empty() &&
        *session.globals.format != Format::table) {
        return session.print(show_text(view_of(kind), answer, session.print_options()));
    }
    // A script that asked for a password wants nothing else on stdout.
    if (generated.empty())
        session.say(sentence + " " + clean(subject_of(kind, name)));
    else
        session.note(sentence + " " + clean(subject_of(kind, name)));
    return exit_code::ok;
}

api::Call write_call(const Session& session, const std::string& method, const std::string& path, Query query) {
    if (session.globals.dry_run)
        query.emplace_back("dry_run", "1");
    api::Call call;
    call.method = method;
    call.path = path + query_text(query);
    return call;
}

bool exists(Session& session, const std::string& path) { return session.get(path).has_value(); }

int run_list(Session& session, const Kind& kind, const Invocation& given) {
    if (given.is_on("removed"))
        return list_command(session, removed_view(), api::path_of(kind.plural), {{"removed", "1"}});
    return list_command(session, view_of(kind), api::path_of(kind.plural), {{"set", given.value("in-set")}});
}

int run_show(Session& session, const Kind& kind, const Invocation& given) {
    std::vector<std::string> names = given.arguments;
    if (kind.is_singleton)
        names.emplace_back(kind.name);
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto name = resource_name(kind, names[i]);
        if (!name)
            return session.report(name.error(), subject_of(kind, names[i]));
        auto object = session.get(resource_path(kind, *name));
        if (!object)
            return session.report(object.error(), subject_of(kind, *name));
        const PrintOptions options = session.print_options();
        if (i > 0 && options.format == Format::table)
            session.io.out << '\n';
        if (const int code = session.print(show_text(view_of(kind), *object, options)); code != 0)
            return code;
    }
    return exit_code::ok;
}

int run_create(Session& session, const Kind& kind, const Invocation& given) {
    if (given.has("file"))
        return create_from_file(session, kind, given);
    if (given.arguments.empty())
        return session.report({ErrorCode::usage, std::string(kind.name) + " create needs a name or --file",
                               "see: mailctl " + std::string(kind.name) + " create --help"});
    auto name = resource_name(kind, given.argument(0));
    if (!name)
        return session.report(name.error(), subject_of(kind, given.argument(0)));
    json::object spec;
    std::vector<std::string> generated;
    if (auto done = read_fields(session, kind, given, spec, generated); !done)
        return session.report(done.error(), subject_of(kind, *name));
    api::Call call = write_call(session, "PUT", resource_path(kind, *name), {});
    call.body = json::serialize(json::object{{"spec", std::move(spec)}});
    call.headers.emplace_back("If-None-Match", "*");
    auto object = session.ask(std::move(call));
    if (object)
        return tell(session, kind, *name, *object, "created", generated);
    const Error error = object.error();
    const bool is_conflict = error.code == ErrorCode::conflict || error.code == ErrorCode::stale;
    // A conflict may also be another owner of the address: only the object itself counts as "there already".
    if (session.globals.if_absent && is_conflict && exists(session, resource_path(kind, *name))) {
        session.note(clean(subject_of(kind, *name)) + " exists already; left as it is");
        return exit_code::ok;
    }
    return session.report(error, subject_of(kind, *name));
}

int run_set(Session& session, const Kind& kind, const Invocation& given) {
    const std::string wanted = kind.is_singleton ? std::string(kind.name) : given.argument(0);
    auto name = resource_name(kind, wanted);
    if (!name)
        return session.report(name.error(), subject_of(kind, wanted));
    json::object spec;
    std::vector<std::string> generated;
    if (auto done = read_fields(session, kind, given, spec, generated); !done)
        return session.report(done.error(), subject_of(kind, *name));
    for (const std::string& field : given.values("unset"))
        spec[field] = nullptr;
    if (spec.empty())
        return session.report({ErrorCode::usage, std::string(kind.name) + " set needs at least one option to change",
                               "see: mailctl " + std::string(kind.name) + " set --help"});
    const std::string path = resource_path(kind, *name);
    auto before = session.get(path);
    if (!before) {
        if (before.error().code == ErrorCode::not_found && session.globals.if_present) {
            session.note(clean(subject_of(kind, *name)) + " does not exist; nothing to do");
            return exit_code::ok;
        }
        return session.report(before.error(), subject_of(kind, *name));
    }
    api::Call call = write_call(session, "PATCH", path, {});
    call.content_type = "application/merge-patch+json";
    call.body = json::serialize(json::object{{"spec", std::move(spec)}});
    auto object = session.ask(std::move(call));
    if (!object)
        return session.report(object.error(), subject_of(kind, *name));
    const bool same = !session.globals.dry_run && raw_text(at_path(*before, "meta.version")) == raw_text(at_path(*object, "meta.version"));
    return tell(session, kind, *name, *object, same ? "no changes to" : "changed", generated);
}

/// Asks before a deletion that takes stored mail with it.
Result<bool> may_delete(Session& session, const Kind& kind, const std::string& name, const std::string& path,
                        const Query& query) {
    if (!kind.has_account || session.globals.yes || session.globals.dry_run)
        return true;
    Query dry = query;
    dry.emplace_back("dry_run", "1");
    api::Call call;
    call.method = "DELETE";
    call.path = path + query_text(dry);
    MAIL_TRY(const json::value plan, session.ask(std::move(call)));
    if (const json::value* effects = at_path(plan, "effects"); effects != nullptr && effects->is_array())
        for (const json::value& effect : effects->get_array())
            session.note("effect: " + clean(raw_text(&effect)));
    return session.confirm("delete " + subject_of(kind, name) + "?");
}

int delete_one(Session& session, const Kind& kind, const std::string& wanted, const Query& query) {
    auto name = resource_name(kind, wanted);
    if (!name)
        return session.report(name.error(), subject_of(kind, wanted));
    const std::string path = resource_path(kind, *name);
    const auto absent = [&](const Error& error) {
        return error.code == ErrorCode::not_found && session.globals.if_present;
    };
    auto sure = may_delete(session, kind, *name, path, query);
    if (sure && !*sure)
        return session.abandoned();
    Result<json::value> answer = sure ? session.ask(write_call(session, "DELETE", path, query))
                                      : Result<json::value>(fail(sure.error()));
    if (answer) {
        if (session.globals.dry_run)
            return tell(session, kind, *name, *answer, "", {});
        session.say("deleted " + clean(subject_of(kind, *name)));
        return exit_code::ok;
    }
    if (!absent(answer.error()))
        return session.report(answer.error(), subject_of(kind, *name));
    session.note(clean(subject_of(kind, *name)) + " does not exist; nothing to do");
    return exit_code::ok;
}

int run_delete(Session& session, const Kind& kind, const Invocation& given) {
    const Query query{{"cascade", given.is_on("cascade") ? "1" : ""}};
    int worst = exit_code::ok;
    std::size_t done = 0;
    for (const std::string& name : given.arguments) {
        const int code = delete_one(session, kind, name, query);
        done += code == exit_code::ok ? 1U : 0U;
        worst = code == exit_code::ok ? worst : code;
    }
    return worst != exit_code::ok && done > 0 ? exit_code::partly_done : worst;
}

using Runner = int (*)(Session&, const Kind&, const Invocation&);

std::function<int(Session&, const Invocation&)> bound(Runner run, const Kind& kind) {
    return [run, &kind](Session& session, const Invocation& given) { return run(session, kind, given); };
}

std::string argument_name(const Kind& kind) { return std::string(kind.key_field().name); }

std::string sample_name(const Kind& kind) {
    const std::string_view sample = kind.key_field().sample;
    return sample.empty() ? "example" : std::string(sample);
}

bool is_good_sample(const schema::Field& field) {
    const bool is_text = field.type != schema::FieldType::secret && field.type != schema::FieldType::object;
    return !field.is_key && !field.sample.empty() && is_text;
}

/// " --quota 10GiB" of required fields and the first others that have an example, for the help.
std::string sample_flags(const Kind& kind, std::size_t most) {
    std::string out;
    std::size_t extra = 0;
    for (const schema::Field& field : kind.fields) {
        if (!is_good_sample(field) || (!field.is_required && (!field.choices.empty() || extra == most)))
            continue;
        extra += field.is_required ? 0U : 1U;
        const bool quoted = field.sample.find_first_of(" *;&|<>()$'\"") != std::string_view::npos;
        const std::string value(field.sample);
        out += " " + schema::flag_name(field) + " " + (quoted ? "\"" + value + "\"" : value);
    }
    return out;
}

CommandSpec create_spec(const Kind& kind) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "create";
    spec.summary = "Create a " + noun;
    spec.arguments = {{argument_name(kind), false}};
    spec.options = field_options(kind);
    OptionSpec file{"file", "file", "Create all of this YAML or CSV file; - is standard input.", 'f'};
    file.completes = Completes::files;
    spec.options.push_back(std::move(file));
    spec.examples = {"mailctl " + noun + " create " + sample_name(kind) + sample_flags(kind, 2)};
    for (const schema::Field& field : kind.fields)
        if (field.type == schema::FieldType::secret && field.secret_use == schema::SecretUse::verifier)
            spec.examples.push_back("printf %s \"$PW\" | mailctl " + noun + " create " + sample_name(kind) + " --" +
                                    std::string(field.name) + "-stdin");
    spec.details = "What is left out has its default. An object that exists already is a conflict; with --if-absent it "
                   "is left as it is.";
    spec.related = noun + " set, explain " + noun + ", apply";
    spec.run = bound(run_create, kind);
    return spec;
}

CommandSpec set_spec(const Kind& kind) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "set";
    spec.summary = kind.is_singleton ? "Change settings of the " + noun : "Change some settings of a " + noun;
    if (!kind.is_singleton)
        spec.arguments = {{argument_name(kind), true, false, Completes::names}};
    spec.options = field_options(kind);
    spec.options.push_back({"unset", "field", "Back to the default."});
    spec.examples = {"mailctl " + noun + " set" + (kind.is_singleton ? "" : " " + sample_name(kind)) + sample_flags(kind, 1)};
    spec.details = "Only what is named changes. A list is replaced as a whole.";
    spec.related = noun + " show, explain " + noun;
    spec.run = bound(run_set, kind);
    return spec;
}

CommandSpec show_spec(const Kind& kind) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "show";
    spec.summary = "Show settings and state of " + std::string(kind.is_singleton ? "the " : "a ") + noun;
    if (!kind.is_singleton)
        spec.arguments = {{argument_name(kind), true, true, Completes::names}};
    spec.examples = {"mailctl " + noun + " show" + (kind.is_singleton ? "" : " " + sample_name(kind)),
                     "mailctl " + noun + " show" + (kind.is_singleton ? "" : " " + sample_name(kind)) + " -o yaml"};
    spec.related = noun + " set, explain " + noun;
    spec.run = bound(run_show, kind);
    return spec;
}

CommandSpec list_spec(const Kind& kind) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "list";
    spec.summary = "List all " + std::string(kind.plural);
    spec.options = {{"in-set", "set", "Only objects of this apply set."}};
    spec.examples = {"mailctl " + noun + " list", "mailctl " + noun + " list --filter name~example.org -o json"};
    if (kind.has_account) {
        spec.options.push_back({"removed", "", "Those that were deleted and can still be restored."});
        spec.examples.push_back("mailctl " + noun + " list --removed");
    }
    spec.related = noun + " show, help filters, help formatting";
    spec.run = bound(run_list, kind);
    return spec;
}

CommandSpec delete_spec(const Kind& kind) {
    const std::string noun(kind.name);
    CommandSpec spec;
    spec.verb = "delete";
    spec.summary = "Delete a " + noun;
    spec.arguments = {{argument_name(kind), true, true, Completes::names}};
    spec.options = {{"cascade", "", "Also delete what refers to it."}};
    spec.examples = {"mailctl " + noun + " delete " + sample_name(kind) + (kind.has_account ? " --yes" : ""),
                     "mailctl " + noun + " delete " + sample_name(kind) + " --if-present --dry-run"};
    spec.details = kind.has_account ? "Asks first, because stored mail goes with it; without a terminal it needs --yes. For a "
                                      "while it is kept: see " + noun + " list --removed and " + noun + " restore." : "";
    spec.related = noun + " list";
    spec.run = bound(run_delete, kind);
    return spec;
}

} // namespace

View view_of(const Kind& kind) {
    View view;
    view.noun = std::string(kind.name);
    view.documents = true;
    const std::vector<const schema::Field*> always = schema::columns(kind, false);
    const std::vector<const schema::Field*> wide = schema::columns(kind, true);
    const auto holds = [](const std::vector<const schema::Field*>& list, const schema::Field* field) {
        return std::find(list.begin(), list.end(), field) != list.end();
    };
    const schema::Field& key = kind.key_field();
    view.columns.push_back({std::string(key.name), "name"});
    const auto add = [&](const schema::Field& field, Shown shown) {
        if (!field.is_key && field.type != schema::FieldType::secret)
            view.columns.push_back({std::string(field.name), "spec." + std::string(field.name), unit_of(field.type), shown});
    };
    for (const schema::Field* field : always)
        add(*field, Shown::always);
    for (const schema::Field* field : wide)
        if (!holds(always, field))
            add(*field, Shown::wide);
    for (const schema::Field& field : kind.fields)
        if (!holds(wide, &field) && !holds(always, &field))
            add(field, Shown::asked);
    if (key.name != "name")
        view.columns.push_back({"name", "name", Unit::text, Shown::asked});
    view.columns.push_back({"kind", "kind", Unit::text, Shown::asked});
    view.columns.push_back({"set", "meta.set", Unit::text, Shown::wide});
    view.columns.push_back({"version", "meta.version", Unit::number, Shown::asked});
    view.columns.push_back({"created", "meta.created", Unit::time, Shown::asked});
    view.columns.push_back({"updated", "meta.updated", Unit::time, Shown::wide});
    return view;
}

std::string resource_path(const Kind& kind, std::string_view name) {
    return kind.is_singleton ? api::path_of(kind.name) : api::path_of(kind.plural, name);
}

Result<std::string> resource_name(const Kind& kind, const std::string& given) { return kind.canonical_name(given); }

std::vector<CommandSpec> resource_commands(const Kind& kind) {
    std::vector<CommandSpec> commands;
    if (!kind.is_singleton)
        commands.push_back(list_spec(kind));
    commands.push_back(show_spec(kind));
    if (!kind.is_singleton)
        commands.push_back(create_spec(kind));
    commands.push_back(set_spec(kind));
    if (!kind.is_singleton)
        commands.push_back(delete_spec(kind));
    for (CommandSpec& extra : extra_commands(kind))
        commands.push_back(std::move(extra));
    return commands;
}

} // namespace mail::mailctl
