// From a command line to an exit code. Finds the command by its first words, builds the CLI11 parser for that one
// command only (which keeps starting under a few milliseconds), and runs it. app.cpp is the only file that sees CLI11.
#pragma once

#include "mailctl/command.hpp"
#include "mailctl/session.hpp"

#include <string>
#include <vector>

namespace mail::mailctl {

/// `args` without the program's name.
[[nodiscard]] int run(const std::vector<std::string>& args, Io& io);
/// Parses the words after the noun and verb by the specs of a command and of the global options. Errors: usage.
[[nodiscard]] Result<Invocation> parse_arguments(const std::string& noun, const CommandSpec& command,
                                                 const std::vector<std::string>& args);
/// The global options of an invocation. Errors: usage.
[[nodiscard]] Result<Globals> read_globals(const Invocation& given, const Io& io);

} // namespace mail::mailctl
