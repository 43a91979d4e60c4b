// The schema told to others: people (explain), editors (JSON Schema), other versions of mailctl (GET
// /v1/schema), shells (completion). All of it is read from the tables.
#pragma once

#include "common/base/result.hpp"
#include "common/schema/registry.hpp"

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

/// Text about "mailbox" or "mailbox.quota". Errors: not_found with the nearest word.
[[nodiscard]] Result<std::string> explain(std::string_view topic, Kinds kinds = all_kinds());

/// {"schema_hash","kinds":[{"name","plural","doc","singleton","fields":[{"name","type","doc","default","choices",...}]}]}:
/// enough to render flags, tables and checks for a kind one was not compiled with.
[[nodiscard]] boost::json::object schema_json(Kinds kinds = all_kinds());
/// 32 hex digits over everything schema_json tells.
[[nodiscard]] std::string schema_hash(Kinds kinds = all_kinds());
/// JSON Schema (draft 2020-12) of a document, for editors.
[[nodiscard]] boost::json::object json_schema(Kinds kinds = all_kinds());

/// "--display-name" for display_name.
[[nodiscard]] std::string flag_name(const Field& field);
/// "<size>", "{imap | pop3}", "<text>,...": what stands after the flag in help.
[[nodiscard]] std::string value_hint(const Field& field);
/// Words that may follow "kind field=" or a flag: choices, true and false; empty when only the server knows.
[[nodiscard]] std::vector<std::string> complete_value(const Field& field);
/// Fields shown as columns, in order; those of -o wide when asked.
[[nodiscard]] std::vector<const Field*> columns(const Kind& kind, bool wide);

} // namespace mail::schema
