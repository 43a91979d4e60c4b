// YAML in and out: read_yaml turns a text into documents, write_yaml prints documents that read_yaml reads
// back to the same. The schema decides types, never YAML: `no` and `012` stay text where the field is text.
// Refused, with FILE:LINE:COLUMN: duplicate and unknown keys, merge keys, tags, keys that are no plain text,
// nesting deeper than limit::yaml_depth, texts over limit::yaml_bytes, more than limit::yaml_nodes nodes
// after aliases are expanded (counted, not walked). All faults are reported, up to the first that breaks the
// syntax. Pure; throws nothing.
#pragma once

#include "common/schema/document.hpp"
#include "common/schema/registry.hpp"

#include <span>
#include <string>
#include <string_view>

namespace mail::schema {

/// `file` is for messages only. Secrets are left as {"from": ...}; see secrets.hpp for the next step.
[[nodiscard]] ReadDocuments read_yaml(std::string_view text, std::string_view file,
                                      Kinds kinds = all_kinds());

struct YamlOptions {
    bool comments = false;  ///< each field's sentence above it
    bool bulk = true;       ///< several objects of a kind as one document with `items`
    std::string schema_url; ///< when not empty, the first line names it for editors
};
/// In registry order, names sorted; secrets must be redacted already (json.hpp redact).
[[nodiscard]] std::string write_yaml(std::span<const Document> documents, const YamlOptions& options = {},
                                     Kinds kinds = all_kinds());
/// Any JSON value as YAML (for -o yaml of things that are no documents).
[[nodiscard]] std::string json_to_yaml(const boost::json::value& value);

} // namespace mail::schema
