#include "mailctl/commands/bulk.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/schema/json.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/documents.hpp"
#include "mailctl/commands/resource.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
using schema::Kind;

constexpr auto most_bytes = static_cast<std::size_t>(limit::yaml_bytes);

struct Wanted {
    std::string name;
    json::object spec;
    std::string place; ///< "users.csv: row 3"
};

Result<json::value> cell_value(const schema::Field& field, const std::string& cell) {
    if (field.type != schema::FieldType::secret)
        return schema::value_from_text(field, cell);
    // A login password's verifier may stand in a table; the password itself may not.
    if (!cell.starts_with('{'))
        return fail(ErrorCode::invalid, "passwords are not read from CSV",
                    "give a hash such as {SCRAM-SHA-256}..., or use YAML with {from: \"env:NAME\"}");
    return json::value(json::object{{"hash", cell}});
}

Result<std::vector<Wanted>> wanted_of_csv(const Kind& kind, const std::string& file, std::string_view text) {
    const std::vector<std::vector<std::string>> rows = read_csv(text);
    std::vector<Wanted> all;
    if (rows.empty())
        return all;
    std::vector<const schema::Field*> fields;
    std::vector<std::string> names;
    for (const schema::Field& field : kind.fields)
        names.emplace_back(field.name);
    for (const std::string& heading : rows.front()) {
        fields.push_back(kind.find(text::trim(heading)));
        if (fields.back() == nullptr)
            return fail(ErrorCode::invalid, file + ": row 1: a " + std::string(kind.name) + " has no field " + heading,
                        "the first line names the fields: " + text::join(names, ", "));
    }
    for (std::size_t i = 1; i < rows.size(); ++i) {
        Wanted one;
        one.place = file + ": row " + std::to_string(i + 1);
        for (std::size_t j = 0; j < rows[i].size() && j < fields.size(); ++j) {
            if (rows[i][j].empty())
                continue;
            if (fields[j]->is_key) {
                one.name = rows[i][j];
                continue;
            }
            auto value = cell_value(*fields[j], rows[i][j]);
            if (!value)
                return fail(value.error().code, one.place + ": " + std::string(fields[j]->name) + ": " + value.error().message,
                            value.error().hint);
            one.spec[fields[j]->name] = std::move(*value);
        }
        if (one.name.empty())
            return fail(ErrorCode::invalid, one.place + ": no " + std::string(kind.key_field().name));
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<Wanted> wanted_of_documents(const Kind& kind, Loaded& loaded) {
    std::vector<Wanted> all;
    for (const schema::Document& document : loaded.documents) {
        if (document.kind != kind.name) {
            schema::Issue& issue = schema::report(loaded.issues, "", "only objects of kind " + std::string(kind.name) +
                                                                         " can be created here", "use mailctl apply");
            issue.kind = document.kind;
            issue.name = document.name;
            issue.file = document.file;
            continue;
        }
        all.push_back({document.name, *document.spec, document.file});
    }
    return all;
}

int create_one(Session& session, const Kind& kind, Wanted& one) {
    auto name = resource_name(kind, one.name);
    const std::string subject = std::string(kind.name) + " " + one.name;
    if (!name)
        return session.report(name.error(), subject);
    api::Call call;
    call.method = "PUT";
    call.path = resource_path(kind, *name) + (session.globals.dry_run ? "?dry_run=1" : "");
    call.body = json::serialize(json::object{{"spec", std::move(one.spec)}});
    call.headers.emplace_back("If-None-Match", "*");
    auto object = session.ask(std::move(call));
    if (object) {
        session.say((session.globals.dry_run ? "would create " : "created ") + clean(subject));
        return exit_code::ok;
    }
    const Error error = object.error();
    if (session.globals.if_absent && error.code == ErrorCode::conflict && session.get(resource_path(kind, *name))) {
        session.note(clean(subject) + " exists already; left as it is");
        return exit_code::ok;
    }
    return session.report(error, subject);
}

} // namespace

std::vector<std::vector<std::string>> read_csv(std::string_view text) {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> row;
    std::string cell;
    bool quoted = false;
    const auto end_row = [&] {
        row.push_back(std::move(cell));
        cell.clear();
        if (row.size() > 1 || !row.front().empty())
            rows.push_back(std::move(row));
        row.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c != '"')
                cell += c;
            else if (i + 1 < text.size() && text[i + 1] == '"')
                cell += text[++i];
            else
                quoted = false;
        } else if (c == '"' && cell.empty()) {
            quoted = true;
        } else if (c == ',') {
            row.push_back(std::move(cell));
            cell.clear();
        } else if (c == '\n') {
            end_row();
        } else if (c != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') {
            cell += c;
        }
    }
    if (!cell.empty() || !row.empty())
        end_row();
    return rows;
}

int create_from_file(Session& session, const Kind& kind, const Invocation& given) {
    const std::string file = given.value("file");
    if (!given.arguments.empty())
        return session.report({ErrorCode::usage, "a name and --file exclude each other"});
    auto text = read_input(session, file, most_bytes);
    if (!text)
        return session.report(text.error());
    std::vector<Wanted> all;
    const std::string key(kind.key_field().name);
    const bool looks_like_csv = text->starts_with(key + ",") || text->starts_with(key + "\n");
    if (file.ends_with(".csv") || (file == "-" && looks_like_csv)) {
        auto rows = wanted_of_csv(kind, file, *text);
        if (!rows)
            return session.report(rows.error());
        all = std::move(*rows);
    } else {
        Loaded loaded;
        load_text(*text, file == "-" ? "stdin" : file, loaded);
        resolve_all(session, loaded, false, file == "-");
        all = wanted_of_documents(kind, loaded);
        if (const int code = tell_issues(session, loaded.issues); code != exit_code::ok)
            return code;
    }
    std::size_t done = 0;
    int worst = exit_code::ok;
    for (Wanted& one : all) {
        const int code = create_one(session, kind, one);
        done += code == exit_code::ok ? 1U : 0U;
        worst = code == exit_code::ok ? worst : code;
    }
    return worst != exit_code::ok && done > 0 ? exit_code::partly_done : worst;
}

} // namespace mail::mailctl
