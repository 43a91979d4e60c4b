// What a command is: its words, arguments, options, help and the function that runs it.
// commands/*.cpp describe theirs with these; app.cpp parses a command line by them; help and completion print them.
// Specs are built when a command line names their noun and not before, so that starting stays quick.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail::mailctl {

class Session;
struct Invocation;

/// What <TAB> offers for a value or an argument.
enum class Completes : std::uint8_t { nothing, names, files, kinds, choices };

struct OptionSpec {
    std::string name;               ///< without dashes: "display-name"
    std::string value;              ///< placeholder without brackets; empty: the option is a switch
    std::string doc;                ///< one sentence
    char letter = 0;                ///< -f
    bool switchable = false;        ///< a yes/no field: --enabled, --enabled=false, --no-enabled
    std::vector<std::string> choices{};
    Completes completes = Completes::nothing;
    bool hidden = false;
};

struct ArgumentSpec {
    std::string name;               ///< "address"
    bool required = true;
    bool repeated = false;
    Completes completes = Completes::nothing;
};

struct CommandSpec {
    std::string verb;               ///< empty: the noun alone is the command
    std::string summary;            ///< one sentence without a final stop
    std::vector<ArgumentSpec> arguments{};
    std::vector<OptionSpec> options{};
    std::vector<std::string> examples{}; ///< whole command lines
    std::string details{};          ///< further sentences of help
    std::string related{};          ///< "mailbox set, explain mailbox"
    std::function<int(Session&, const Invocation&)> run{};
    bool hidden = false;
};

/// A first word and the commands behind it.
struct NounSpec {
    std::string name;
    std::string group;              ///< heading in `mailctl help`
    std::string summary;
    std::vector<CommandSpec> commands{};
};

/// A parsed command line: what was given, in order.
struct Invocation {
    std::string noun;
    std::string verb;
    std::vector<std::string> arguments{};
    std::vector<std::pair<std::string, std::string>> options{};

    [[nodiscard]] bool has(std::string_view option) const {
        for (const auto& [name, value] : options)
            if (name == option)
                return true;
        return false;
    }
    /// A switch that was given and not switched off.
    [[nodiscard]] bool is_on(std::string_view option) const { return has(option) && value(option) != "false"; }
    /// The last value given, or "".
    [[nodiscard]] std::string value(std::string_view option) const {
        std::string last;
        for (const auto& [name, given] : options)
            if (name == option)
                last = given;
        return last;
    }
    [[nodiscard]] std::vector<std::string> values(std::string_view option) const {
        std::vector<std::string> all;
        for (const auto& [name, given] : options)
            if (name == option)
                all.push_back(given);
        return all;
    }
    [[nodiscard]] std::string argument(std::size_t index) const {
        return index < arguments.size() ? arguments[index] : std::string{};
    }
};

} // namespace mail::mailctl
