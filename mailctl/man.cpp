#include "mailctl/man.hpp"

#include "common/base/text.hpp"
#include "mailctl/help.hpp"
#include "mailctl/nouns.hpp"

namespace mail::mailctl {
namespace {

/// Text for troff: backslashes and dashes written out, no line that begins like a request.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (out.empty() || out.back() == '\n')
            if (c == '.' || c == '\'')
                out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

void append_options(std::string& out, const std::vector<OptionSpec>& options) {
    for (const OptionSpec& option : options) {
        if (option.hidden)
            continue;
        std::string label = option.letter != 0 ? std::string("-") + option.letter + ", " : "";
        label += (option.switchable ? "--[no-]" : "--") + option.name;
        if (!option.choices.empty())
            label += " {" + text::join(option.choices, " | ") + "}";
        else if (!option.value.empty())
            label += " <" + option.value + ">";
        out += ".TP\n" + escaped(label) + "\n" + escaped(option.doc) + "\n";
    }
}

void append_command(std::string& out, const NounSpec& noun, const CommandSpec& command) {
    out += ".SS " + escaped(noun.name + (command.verb.empty() ? "" : " " + command.verb)) + "\n";
    out += escaped(command.summary) + ".\n.PP\n.B " + escaped(usage_line(noun.name, command).substr(7)) + "\n";
    if (!command.details.empty())
        out += ".PP\n" + escaped(command.details) + "\n";
    append_options(out, command.options);
    for (const std::string& example : command.examples)
        out += ".PP\n.EX\n" + escaped(example) + "\n.EE\n";
}

void append_topic(std::string& out, std::string_view title, std::string_view topic) {
    out += ".SH " + escaped(title) + "\n.nf\n" + escaped(help_topic(topic)) + ".fi\n";
}

} // namespace

std::string man_page() {
    std::string out = ".TH MAILCTL 1\n.SH NAME\nmailctl \\- set up, change and watch a maild mail server\n"
                      ".SH SYNOPSIS\n.B mailctl\n<noun> <verb> [name] [options]\n.SH OPTIONS\nThey may stand anywhere on the line.\n";
    append_options(out, global_options());
    out += ".SH COMMANDS\n";
    for (const NounEntry& entry : all_nouns())
        if (const auto noun = find_noun(entry.name))
            for (const CommandSpec& command : noun->commands)
                if (!command.hidden)
                    append_command(out, *noun, command);
    append_topic(out, "FILTERS", "filters");
    append_topic(out, "FORMATTING", "formatting");
    append_topic(out, "ENVIRONMENT", "environment");
    append_topic(out, "EXIT STATUS", "exit-codes");
    return out;
}

} // namespace mail::mailctl
