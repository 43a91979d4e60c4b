#include "mailctl/man.hpp"

#include "common/base/text.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/schema/describe.hpp"
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

/// One field as `explain` tells it: its path and type, then lines.
void append_field(std::string& out, const std::string& told) {
    bool first = true;
    for (const auto line : text::split(told, '\n')) {
        const auto words = text::trim(line);
        if (words.empty())
            continue;
        if (line[0] != ' ')
            out += ".TP\n.B " + escaped(words) + "\n";
        else
            out += (first ? "" : ".br\n") + escaped(words) + "\n";
        first = line[0] != ' ';
    }
}

void append_topic(std::string& out, std::string_view title, std::string_view topic) {
    out += ".SH " + escaped(title) + "\n.nf\n" + escaped(help_topic(topic)) + ".fi\n";
}

} // namespace

std::string man_page() {
    std::string out = ".TH MAILCTL 1 \"\" \"maild " MAIL_VERSION "\"\n.SH NAME\nmailctl \\- set up, change and watch a maild mail server\n"
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
    return out + ".SH SEE ALSO\n.BR maild (8),\n.BR maild\\-documents (5)\n";
}

std::string documents_man_page() {
    std::string out = ".TH MAILD-DOCUMENTS 5 \"\" \"maild " MAIL_VERSION "\"\n.SH NAME\nmaild\\-documents \\- documents that describe a mail server\n"
                      ".SH DESCRIPTION\n.B mailctl apply \\-f\nand\n.B maild serve \\-\\-apply\nread these. A file holds one or more "
                      "documents, each with one object\n(kind, name, spec) or with many (kind, items, and defaults for all of them):\n"
                      ".PP\n.EX\nkind: mailbox\ndefaults: {quota: 2GiB}\nitems:\n  ann@example.org: {display_name: Ann Archer}\n.EE\n"
                      ".PP\n.B mailctl export\nwrites the present configuration in this form. /etc/maild/maild.yaml itself holds only what "
                      "is needed\nbefore the store opens; see\n.BR maild (8).\n";
    for (const schema::Kind* kind : schema::all_kinds()) {
        out += ".SH KIND " + escaped(text::to_upper(kind->name)) + "\n" + escaped(kind->doc) + "\n";
        for (const auto& field : kind->fields)
            append_field(out, *schema::explain(std::string(kind->name) + "." + std::string(field.name)));
    }
    out += ".SH LIMITS\n";
    for (const LimitInfo& info : all_limits())
        out += ".TP\n.BR " + escaped(info.name) + " \" " + std::to_string(info.value) + " " + escaped(info.unit) + "\"\n" +
               escaped(info.sentence) + ".\n";
    out += ".SH LOG EVENTS\n";
    for (const EventInfo& info : all_events())
        out += ".TP\n.B " + escaped(info.id) + "\n" + escaped(info.sentence) + ". " + escaped(info.action) + "\n";
    return out + ".SH SEE ALSO\n.BR mailctl (1),\n.BR maild (8)\n";
}

} // namespace mail::mailctl
