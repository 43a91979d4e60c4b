#include "common/schema/issue.hpp"

#include <algorithm>

namespace mail::schema {

bool has_errors(const Issues& issues) noexcept {
    return std::any_of(issues.begin(), issues.end(),
                       [](const Issue& issue) { return issue.severity == Issue::Severity::error; });
}

namespace {

std::string subject_of(const Issue& issue) {
    std::string out = issue.kind;
    if (!issue.name.empty() && issue.name != issue.kind)
        out += (out.empty() ? "" : " ") + issue.name;
    for (const auto* part : {&issue.path, &issue.message}) {
        if (!out.empty() && !part->empty())
            out += ": ";
        out += *part;
    }
    return out;
}

} // namespace

std::string to_text(const Issue& issue) {
    std::string out = issue.file;
    if (issue.at.known())
        out +=
            (out.empty() ? "" : ":") + std::to_string(issue.at.line) + ":" + std::to_string(issue.at.column);
    if (!out.empty())
        out += ": ";
    if (issue.severity == Issue::Severity::warning)
        out += "warning: ";
    out += subject_of(issue);
    if (!issue.hint.empty())
        out += " (" + issue.hint + ")";
    return out;
}

Error to_error(const Issues& issues) {
    const Issue* first = nullptr;
    std::size_t more = 0;
    for (const auto& issue : issues) {
        if (issue.severity != Issue::Severity::error)
            continue;
        if (first == nullptr)
            first = &issue;
        else
            ++more;
    }
    if (first == nullptr)
        return Error{ErrorCode::internal, "no fault was found", {}};
    std::string message = subject_of(*first);
    if (more > 0)
        message += ", and " + std::to_string(more) + " more";
    return Error{first->code, std::move(message), first->hint};
}

Issue& report(Issues& issues, std::string_view path, std::string message, std::string hint) {
    Issue issue;
    issue.path = path;
    issue.message = std::move(message);
    issue.hint = std::move(hint);
    return issues.emplace_back(std::move(issue));
}

Issue& warn(Issues& issues, std::string_view path, std::string message, std::string hint) {
    Issue& issue = report(issues, path, std::move(message), std::move(hint));
    issue.severity = Issue::Severity::warning;
    return issue;
}

} // namespace mail::schema
