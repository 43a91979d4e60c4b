#include "mailctl/help.hpp"

#include "common/base/text.hpp"
#include "mailctl/nouns.hpp"

#include <algorithm>

namespace mail::mailctl {
namespace {

constexpr std::size_t widest_text = 100; ///< longer lines are hard to read
constexpr std::size_t label_column = 28;
constexpr std::size_t most_choices = 6; ///< more are left to the sentence beside

std::size_t width_of(const Terminal& terminal) {
    return terminal.tty ? std::min(std::max<std::size_t>(terminal.width, 40), widest_text) : 80;
}

std::string heading(std::string_view text, const Terminal& terminal) {
    return toned(std::string(text) + ":", Tone::title, terminal.colour) + "\n";
}

/// "  label      text, wrapped below itself"; a long label stands on a line of its own.
std::string entry(const std::string& label, const std::string& text, std::size_t column, const Terminal& terminal) {
    const std::size_t width = width_of(terminal);
    const std::size_t from = std::min(column, width / 2);
    const bool fits = display_width(label) + 2 <= width;
    std::string out = "  " + (fits ? label : std::string(label.find_first_not_of(' '), ' ') + wrapped(text::trim(label), width - 6, 10));
    if (text.empty())
        return out + "\n";
    if (display_width(label) + 4 > from)
        out += "\n" + std::string(from, ' ');
    else
        out.append(from - 2 - display_width(label), ' ');
    return out + wrapped(text, width, from) + "\n";
}

std::size_t column_for(const std::vector<std::string>& labels) {
    std::size_t widest = 0;
    for (const std::string& label : labels)
        if (label.size() + 4 <= label_column)
            widest = std::max(widest, label.size());
    return widest + 4;
}

std::string label_of(const OptionSpec& option) {
    std::string out = option.letter != 0 ? std::string("-") + option.letter + ", " : "    ";
    out += (option.switchable ? "--[no-]" : "--") + option.name;
    if (!option.choices.empty() && option.choices.size() <= most_choices) {
        out += " {" + text::join(option.choices, " | ") + "}";
        if (option.value.ends_with(",..."))
            out += ",...";
    } else if (!option.value.empty()) {
        const bool list = option.value.ends_with(",...");
        out += " <" + (list ? option.value.substr(0, option.value.size() - 4) : option.value) + ">" + (list ? ",..." : "");
    }
    return out;
}

std::string options_text(const std::vector<OptionSpec>& options, const Terminal& terminal) {
    std::vector<std::string> labels;
    for (const OptionSpec& option : options)
        labels.push_back(label_of(option));
    const std::size_t column = column_for(labels);
    std::string out;
    for (std::size_t i = 0; i < options.size(); ++i)
        if (!options[i].hidden)
            out += entry(labels[i], options[i].doc, column, terminal);
    return out;
}

/// Which of the global options matter for a command; the others are left to `help options`.
std::vector<std::string_view> relevant_globals(const CommandSpec& command) {
    const std::string_view verb = command.verb;
    if (verb == "list" || verb == "watch")
        return {"filter", "sort", "limit", "columns", "watch", "output"};
    if (verb == "create")
        return {"if-absent", "dry-run", "output"};
    if (verb == "set" || verb == "password")
        return {"if-present", "dry-run", "output"};
    if (verb == "delete")
        return {"if-present", "dry-run", "yes"};
    if (verb == "retry" || verb == "hold" || verb == "release" || verb == "drop")
        return {"filter", "dry-run", "yes"};
    for (const OptionSpec& option : command.options)
        if (option.name == "prune")
            return {"dry-run", "yes", "output"};
    return {"output"};
}

std::string paragraph(const std::string& text, const Terminal& terminal) {
    return text.empty() ? "" : "\n" + wrapped(text, width_of(terminal), 0) + "\n";
}

} // namespace

const std::vector<OptionSpec>& global_options() {
    static const std::vector<OptionSpec> options = [] {
        std::vector<OptionSpec> all{
            {"output", "format", "table, wide, json, ndjson, yaml, csv, tsv or name; see help formatting.", 'o', false,
             {"table", "wide", "json", "ndjson", "yaml", "csv", "tsv", "name"}, Completes::choices},
            {"no-headers", "", "Leave out the heading line."},
            {"headers", "", "Print the heading line also where it is left out by default."},
            {"columns", "name,...", "Columns to show, in this order."},
            {"filter", "expression", "Only what matches, such as status=deferred; see help filters."},
            {"sort", "column", "Sort by a column; --sort=-column for the other way round."},
            {"limit", "number", "At most so many."},
            {"watch", "", "Show again when something changes, until interrupted."},
            {"yes", "", "Do it without asking.", 'y'},
            {"dry-run", "", "Show what would change and change nothing (also --plan)."},
            {"if-absent", "", "With create: what exists already is fine."},
            {"if-present", "", "With set and delete: what does not exist is fine."},
            {"socket", "path", "The server's admin socket (default: MAILD_SOCKET, or /run/maild/admin.sock)."},
            {"host", "url", "A server elsewhere: ssh://[user@]host[:port][/path/of/admin.sock]."},
            {"timeout", "duration", "How long to wait for an answer (default: 60s)."},
            {"request-id", "text", "Name of this request in the server's log and audit."},
            {"verbose", "", "Show each request as a curl command line.", 'v'},
            {"quiet", "", "Print only data and errors.", 'q'},
            {"color", "when", "Colour on a terminal, always or never.", 0, false, {"auto", "always", "never"}, Completes::choices},
            {"help", "", "Help for this command.", 'h'},
            {"version", "", "Print the version."},
        };
        for (OptionSpec& option : all)
            if (option.name == "socket")
                option.completes = Completes::files;
        return all;
    }();
    return options;
}

std::string usage_line(const std::string& noun, const CommandSpec& command) {
    std::string out = "usage: mailctl " + noun + (command.verb.empty() ? "" : " " + command.verb);
    for (const ArgumentSpec& argument : command.arguments) {
        const std::string word = "<" + argument.name + ">" + (argument.repeated ? "..." : "");
        out += argument.required ? " " + word : " [" + word + "]";
    }
    return out + " [options]";
}

std::string help_overview(const Terminal& terminal) {
    const std::size_t width = width_of(terminal);
    std::string out = wrapped("mailctl sets up, changes and watches a maild mail server.", width, 0) + "\n\n" +
                      "usage: mailctl <noun> <verb> [name] [options]\n";
    std::string_view group;
    for (const NounEntry& noun : all_nouns()) {
        if (noun.group != group) {
            group = noun.group;
            out += "\n" + heading(group, terminal);
            if (group == "Resources")
                out += entry("each with list, show, create, set, delete", "", 0, terminal);
        }
        std::string_view summary = noun.summary;
        if (summary.ends_with('.'))
            summary.remove_suffix(1);
        out += entry(std::string(noun.name), std::string(summary), 16, terminal);
    }
    out += "\n" + heading("Examples", terminal);
    for (const char* line : {"mailctl domain create example.org", "mailctl mailbox create ann@example.org --password-stdin",
                             "mailctl apply -f site.yaml", "mailctl queue list"})
        out += std::string("  ") + line + "\n";
    std::vector<std::string> topics = help_topics();
    out += "\n" + wrapped("More: mailctl <noun> --help, mailctl help {" + text::join(topics, " | ") + "}", width, 6) + "\n";
    return out;
}

std::string help_noun(const NounSpec& noun, const Terminal& terminal) {
    std::string out = wrapped(noun.summary, width_of(terminal), 0) + "\n\n";
    out += "usage: mailctl " + noun.name + " <verb> [name] [options]\n\n" + heading("Verbs", terminal);
    std::vector<std::string> labels;
    for (const CommandSpec& command : noun.commands)
        labels.push_back(command.verb.empty() ? "(none)" : command.verb);
    const std::size_t column = column_for(labels);
    for (std::size_t i = 0; i < labels.size(); ++i)
        if (!noun.commands[i].hidden)
            out += entry(labels[i], noun.commands[i].summary + ".", column, terminal);
    out += "\n" + heading("Examples", terminal);
    std::size_t shown = 0;
    for (const CommandSpec& command : noun.commands)
        if (!command.examples.empty() && shown++ < 4)
            out += "  " + command.examples.front() + "\n";
    return out + "\nMore: mailctl " + noun.name + " <verb> --help\n";
}

std::string help_command(const NounSpec& noun, const CommandSpec& command, const Terminal& terminal) {
    const std::size_t width = width_of(terminal);
    std::string out = wrapped(command.summary + ".", width, 0) + "\n\n" + wrapped(usage_line(noun.name, command), width, 7) + "\n";
    out += paragraph(command.details, terminal);
    if (!command.options.empty())
        out += "\n" + heading("Options", terminal) + options_text(command.options, terminal);
    std::vector<OptionSpec> common;
    for (const std::string_view name : relevant_globals(command))
        for (const OptionSpec& option : global_options())
            if (option.name == name)
                common.push_back(option);
    out += "\n" + heading("Common options (all: mailctl help options)", terminal) + options_text(common, terminal);
    out += "\n" + heading("Examples", terminal);
    for (const std::string& example : command.examples)
        out += "  " + example + "\n";
    if (!command.related.empty())
        out += "\n" + wrapped("See also: " + command.related, width, 10) + "\n";
    return out;
}

} // namespace mail::mailctl
