#include "mailctl/commands/documents.hpp"

#include "common/base/limits.hpp"
#include "common/schema/secrets.hpp"
#include "common/schema/yaml.hpp"
#include "mailctl/commands/common.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <istream>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace fs = std::filesystem;

constexpr int deepest_folder = 16;
constexpr std::size_t most_files = 100000;
constexpr auto most_bytes = static_cast<std::size_t>(limit::yaml_bytes);

Result<void> find_files(const fs::path& folder, int depth, std::vector<std::string>& out) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
        entries.push_back(it->path());
    if (error)
        return fail(ErrorCode::denied, "cannot read " + folder.string() + ": " + error.message());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
        if (entry.filename().string().starts_with('.'))
            continue; // editors and version control keep theirs there
        if (fs::is_directory(entry, error)) {
            if (depth >= deepest_folder)
                return fail(ErrorCode::invalid, entry.string() + " is nested too deep");
            MAIL_DO(find_files(entry, depth + 1, out));
        } else if (const std::string end = entry.extension().string(); end == ".yaml" || end == ".yml" || end == ".json") {
            out.push_back(entry.string());
            if (out.size() > most_files)
                return fail(ErrorCode::too_large, folder.string() + " holds too many files");
        }
    }
    return {};
}

Result<std::vector<std::string>> files_of(const std::string& path) {
    std::vector<std::string> files;
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
        files.push_back(path);
        return files;
    }
    MAIL_DO(find_files(path, 0, files));
    if (files.empty())
        return fail(ErrorCode::not_found, "no *.yaml files in " + path);
    return files;
}

/// What stands after `prefix` in `text`, when the prefix ends at the end of a word.
bool take_prefix(std::string_view& text, const std::string& prefix) {
    if (!text.starts_with(prefix))
        return false;
    const std::string_view rest = text.substr(prefix.size());
    if (!rest.empty() && std::string_view(" :./[").find(rest.front()) == std::string_view::npos)
        return false;
    text = rest;
    return true;
}

/// "documents[3].spec.quota", "mailbox/ann@example.org/spec.quota" or "mailbox ann@example.org: quota": which document,
/// and the path within its spec.
bool names_document(std::string_view& path, const schema::Document& document, std::size_t index) {
    const bool found = take_prefix(path, "documents[" + std::to_string(index) + "]") ||
                       take_prefix(path, document.kind + "/" + document.name) ||
                       take_prefix(path, document.kind + " " + document.name) ||
                       (document.kind == document.name && take_prefix(path, document.kind));
    if (!found)
        return false;
    const std::size_t start = path.find_first_not_of(" :./");
    path = start == std::string_view::npos ? std::string_view{} : path.substr(start);
    if (path == "spec")
        path = {};
    else if (path.starts_with("spec.") || path.starts_with("spec/"))
        path.remove_prefix(5);
    return true;
}

/// An issue for a fault of the server's answer, when it names one of the documents: by kind and name, its path or its words.
bool to_issue(const api::ProblemItem& item, const std::vector<schema::Document>& documents, schema::Issues& issues) {
    for (std::size_t i = 0; i < documents.size(); ++i) {
        schema::Issue issue;
        issue.code = error_code_named(item.code);
        issue.kind = documents[i].kind;
        issue.name = documents[i].name;
        issue.hint = item.hint;
        std::string_view path = item.path;
        std::string_view message = item.message;
        const bool by_name = item.kind == issue.kind && item.name == issue.name;
        const bool by_path = !by_name && names_document(path, documents[i], i);
        const bool by_message = names_document(message, documents[i], i);
        if (!by_name && !by_path && !by_message)
            continue;
        if (by_name || by_path)
            issue.path = path;
        issue.at_key = item.at_key;
        issue.severity = item.is_warning ? schema::Issue::Severity::warning : schema::Issue::Severity::error;
        issue.message = message;
        issues.push_back(std::move(issue));
        return true;
    }
    return false;
}

} // namespace

void load_text(std::string_view text, const std::string& file, Loaded& into) {
    schema::ReadDocuments read = schema::read_yaml(text, file);
    for (schema::Document& document : read.documents)
        into.documents.push_back(std::move(document));
    for (schema::Issue& issue : read.issues)
        into.issues.push_back(std::move(issue));
}

Result<Loaded> load_documents(Session& session, const std::vector<std::string>& paths) {
    Loaded loaded;
    for (const std::string& path : paths) {
        MAIL_TRY(const std::vector<std::string> files, files_of(path));
        for (const std::string& file : files) {
            MAIL_TRY(const std::string text, read_input(session, file, most_bytes));
            load_text(text, file == "-" ? "stdin" : file, loaded);
        }
    }
    schema::check_duplicates(loaded.documents, loaded.issues);
    return loaded;
}

void resolve_all(Session& session, Loaded& loaded, bool allow_inline, bool stdin_used) {
    schema::SecretOptions options;
    options.allow_inline = allow_inline;
    if (!stdin_used)
        options.read_stdin = [&session]() -> Result<std::string> {
            std::string line;
            if (!std::getline(session.io.in, line))
                return fail(ErrorCode::invalid, "standard input has no further line for a secret");
            return line;
        };
    options.environment = [](const char* name) -> const char* { return std::getenv(name); };
    for (schema::Document& document : loaded.documents)
        schema::resolve_secrets(document, options, loaded.issues);
}

int tell_issues(Session& session, const schema::Issues& issues) {
    int code = exit_code::ok;
    for (const schema::Issue& issue : issues)
        if (code == exit_code::ok && issue.severity == schema::Issue::Severity::error)
            code = face_of(issue.code).exit_code;
    if (session.is_json() && code != exit_code::ok) {
        api::Problem problem = api::problem_of(schema::to_error(issues));
        for (const schema::Issue& issue : issues)
            problem.errors.push_back({issue.path, issue.at.line, std::string(face_of(issue.code).name),
                                      schema::to_text(issue), issue.hint, issue.kind, issue.name,
                                      issue.severity == schema::Issue::Severity::warning, issue.at_key});
        session.io.err << api::to_json(problem) << '\n';
        return code;
    }
    for (const schema::Issue& issue : issues)
        if (issue.severity == schema::Issue::Severity::error || !session.globals.quiet)
            session.io.err << clean(schema::to_text(issue)) << '\n';
    return code;
}

int report_documents(Session& session, const Error& error, const std::vector<schema::Document>& documents) {
    const api::Problem* problem = session.server().problem();
    schema::Issues issues;
    if (problem != nullptr && problem->detail == error.message && !session.is_json())
        for (const api::ProblemItem& item : problem->errors)
            to_issue(item, documents, issues);
    if (!schema::has_errors(issues))
        return session.report(error);
    schema::locate(issues, documents);
    tell_issues(session, issues);
    return exit_code_of(error);
}

} // namespace mail::mailctl
