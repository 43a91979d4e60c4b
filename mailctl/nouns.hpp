// The first words of the command line: the kinds of the schema, and the hand-written commands. One noun's commands are
// built when it is asked for, which keeps starting quick.
#pragma once

#include "mailctl/command.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::mailctl {

struct NounEntry {
    std::string_view name;
    std::string_view group;
    std::string_view summary;
    std::vector<CommandSpec> (*commands)(); ///< null: a kind of the schema
};

/// In the order of the overview.
[[nodiscard]] std::vector<NounEntry> all_nouns();
/// With its commands; plurals and declared aliases are understood. Nullopt when there is none.
[[nodiscard]] std::optional<NounSpec> find_noun(std::string_view name);
/// The command of a noun by its verb or a declared alias (ls, rm); null when there is none.
[[nodiscard]] const CommandSpec* find_command(const NounSpec& noun, std::string_view verb);

} // namespace mail::mailctl
