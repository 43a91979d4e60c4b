// `maild serve --apply FILE` and `maild rescue-admin --apply FILE`: the same road as mailctl apply, before listeners open.
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"
#include "common/schema/secrets.hpp"
#include "common/schema/yaml.hpp"
#include "maild/admin/resources.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mail::admin {
namespace {

Result<std::string> read_document(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        return fail(ErrorCode::invalid, path + ": not a regular file", "check the path given with --apply");
    if (std::filesystem::file_size(path, error) > static_cast<std::uintmax_t>(limit::yaml_bytes))
        return fail(ErrorCode::too_large, path + ": too large");
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in)
        return fail(ErrorCode::invalid, path + ": cannot be read");
    return text;
}

Error all_faults(const schema::Issues& issues) {
    Error out{ErrorCode::invalid, "", ""};
    for (const auto& issue : issues)
        if (issue.severity == schema::Issue::Severity::error)
            out.message += (out.message.empty() ? "" : "\n") + schema::to_text(issue);
    return out;
}

} // namespace

Task<Result<bool>> Resources::apply_files(std::vector<std::string> paths, bool rescue) {
    ChangeRequest request;
    request.actor = rescue ? "maild rescue-admin" : "maild serve --apply";
    schema::Issues issues;
    std::string everything;
    for (const auto& path : paths) {
        MAIL_CO_TRY(const auto text, read_document(path));
        everything += std::to_string(text.size()) + ":" + text;
        auto read = schema::read_yaml(text, path);
        issues.insert(issues.end(), read.issues.begin(), read.issues.end());
        for (auto& document : read.documents)
            request.documents.push_back(std::move(document));
    }
    if (schema::has_errors(issues))
        co_return fail(all_faults(issues));
    if (!rescue)
        request.applied_hash = text::hex(crypto::sha256(everything));
    const auto before = co_await store_.resources().applied_hash();
    if (!rescue && before && *before == request.applied_hash) {
        log(Event::config_skipped, {{"hash", request.applied_hash}});
        co_return false; // a restart never undoes later changes
    }
    schema::SecretOptions secrets;
    secrets.environment = [](const char* name) -> const char* { return std::getenv(name); };
    for (auto& document : request.documents)
        schema::resolve_secrets(document, secrets, issues);
    if (schema::has_errors(issues))
        co_return fail(all_faults(issues));
    const auto documents = request.documents; // places, for the faults the plan finds
    ChangeFailure why;
    const auto outcome = co_await change(std::move(request), why);
    if (!outcome && schema::has_errors(why.issues)) {
        schema::locate(why.issues, documents);
        co_return fail(all_faults(why.issues));
    }
    if (!outcome)
        co_return fail(outcome.error());
    co_return true;
}

} // namespace mail::admin
