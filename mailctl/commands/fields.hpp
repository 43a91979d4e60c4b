// Flags made from a kind's table of fields, and the spec that given flags mean. Secrets never come from an argument:
// a secret field `x` has --x-stdin and --x-file, a login password also --generate-x.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/session.hpp"

#include "common/schema/registry.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace mail::mailctl {

/// One option per field, members of objects as --acme.email; the key is an argument, not an option.
[[nodiscard]] std::vector<OptionSpec> field_options(const schema::Kind& kind);
/// The options for one secret field.
[[nodiscard]] std::vector<OptionSpec> secret_options(const schema::Field& field);

/// Adds what the options say to the object `spec`, in JSON as the API takes it; generated passwords go to `generated`.
[[nodiscard]] Result<void> read_fields(Session& session, const schema::Kind& kind, const Invocation& given,
                                       boost::json::object& spec, std::vector<std::string>& generated);
/// {"value": ...} for a secret field as the options say; null when none of them was given.
[[nodiscard]] Result<boost::json::value> read_secret(Session& session, const schema::Field& field,
                                                     const Invocation& given, std::vector<std::string>& generated,
                                                     const std::string& prefix = {});
/// Asks twice on the terminal without echo. Errors: usage (no terminal), invalid (they differ).
[[nodiscard]] Result<std::string> ask_password(Session& session, const std::string& subject);
/// 20 letters and digits that cannot be mistaken for each other, from the system's random source: over 110 bits.
[[nodiscard]] std::string generate_password();

} // namespace mail::mailctl
