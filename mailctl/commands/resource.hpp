// The commands every kind has: list, show, create, set, delete; and what a kind adds to them.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/output/printer.hpp"

#include "common/schema/registry.hpp"

#include <vector>

namespace mail::mailctl {

[[nodiscard]] std::vector<CommandSpec> resource_commands(const schema::Kind& kind);
/// Columns and units of a kind's objects, from its table of fields.
[[nodiscard]] View view_of(const schema::Kind& kind);
/// "/v1/mailboxes/ann@example.org"; of a kind that exists once the path without a name.
[[nodiscard]] std::string resource_path(const schema::Kind& kind, std::string_view name);
/// The canonical spelling of a name given on the command line.
[[nodiscard]] Result<std::string> resource_name(const schema::Kind& kind, const std::string& given);

/// Commands that only some kinds have (commands/extra.cpp).
[[nodiscard]] std::vector<CommandSpec> extra_commands(const schema::Kind& kind);

} // namespace mail::mailctl
