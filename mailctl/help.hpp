// All help texts: the overview, a noun, a command, and topics. Made from the specs and the kinds' tables; the width is
// the terminal's. Notation: <value>, [optional], {a | b}, ... for repetition.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/output/style.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::mailctl {

[[nodiscard]] std::string help_overview(const Terminal& terminal);
[[nodiscard]] std::string help_noun(const NounSpec& noun, const Terminal& terminal);
[[nodiscard]] std::string help_command(const NounSpec& noun, const CommandSpec& command, const Terminal& terminal);
/// "usage: mailctl mailbox create <address> [options]".
[[nodiscard]] std::string usage_line(const std::string& noun, const CommandSpec& command);
/// A topic such as "exit-codes", or "" when there is none of that name.
[[nodiscard]] std::string help_topic(std::string_view name);
[[nodiscard]] std::vector<std::string> help_topics();

/// Options that every command takes.
[[nodiscard]] const std::vector<OptionSpec>& global_options();

} // namespace mail::mailctl
