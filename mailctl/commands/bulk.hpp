// `create --file`: many objects of one kind from YAML documents or a CSV table whose heading names the fields.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/session.hpp"

#include "common/schema/registry.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::mailctl {

/// Creates one after another; what fails is told and the rest goes on. Exit code 9 when some failed and some did not.
int create_from_file(Session& session, const schema::Kind& kind, const Invocation& given);
/// RFC 4180: quoted cells may hold commas, quotes and line ends; CRLF and LF both end a row. Empty lines are left out.
[[nodiscard]] std::vector<std::vector<std::string>> read_csv(std::string_view text);

} // namespace mail::mailctl
