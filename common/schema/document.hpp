// Document: the desired state of one object, as read from YAML or received as JSON: kind, canonical name and
// normalised spec. What is not in spec has its default. Made by read_yaml and documents_from_json, eaten by
// compute_plan.
#pragma once

#include "common/base/result.hpp"
#include "common/schema/issue.hpp"

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

using SpecPtr = std::shared_ptr<const boost::json::object>;

/// Where the parts of a document stand in the text it was read from.
class SourceMap {
  public:
    virtual ~SourceMap() = default;
    /// Of the value at `path` within spec, or of its key; the nearest enclosing position when there is none.
    [[nodiscard]] virtual Position locate(std::string_view path, bool key) const = 0;
};

struct Document {
    std::string kind; ///< name of a registered kind
    std::string name; ///< canonical
    SpecPtr spec;     ///< never null; normalised, defaults left out
    std::string file;
    std::shared_ptr<const SourceMap> source; ///< may be null
};

/// Fills file and position of issues that name a document's kind and name (answers of the server).
void locate(Issues& issues, std::span<const Document> documents);
/// Two documents of one object are an error at the second, naming the place of the first.
void check_duplicates(std::span<const Document> documents, Issues& issues);

/// {"documents": [{"kind","name","spec"}]}: the body of POST /v1/plan and /v1/apply. Sources do not travel.
[[nodiscard]] std::string documents_to_json(std::span<const Document> documents);

struct ReadDocuments {
    std::vector<Document> documents; ///< those without errors
    Issues issues;
};
/// Secrets that are still {"from": ...} are refused: only the process that reads a file resolves them.
[[nodiscard]] ReadDocuments documents_from_json(const boost::json::value& body);

} // namespace mail::schema
