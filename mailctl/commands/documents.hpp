// Documents from files: reads YAML (JSON is YAML too), finds the files of a folder, resolves secrets, and tells faults
// as FILE:LINE:COLUMN on stderr. Shared by apply, plan, validate and `create --file`.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/session.hpp"

#include "common/schema/document.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace mail::mailctl {

struct Loaded {
    std::vector<schema::Document> documents;
    schema::Issues issues;
};

/// Every file of `paths`; a folder is read recursively (*.yaml, *.yml, *.json) in the order of names; "-" is standard
/// input. Errors: a path that cannot be read. Faults inside the files are issues.
[[nodiscard]] Result<Loaded> load_documents(Session& session, const std::vector<std::string>& paths);
/// One text of documents; `file` is for messages and for the folder that secrets are relative to.
void load_text(std::string_view text, const std::string& file, Loaded& into);
/// {"from": "env:NAME"} and the like become values; `stdin_used` when the documents came from there.
void resolve_all(Session& session, Loaded& loaded, bool allow_inline, bool stdin_used);
/// Tells all issues on stderr; the exit code of the first error, 0 when there are only warnings.
int tell_issues(Session& session, const schema::Issues& issues);
/// Reports a failed plan or apply; faults that name a document are told at their place in its file.
int report_documents(Session& session, const Error& error, const std::vector<schema::Document>& documents);

} // namespace mail::mailctl
