// The help topics; short texts that belong to no command.
#include "mailctl/help.hpp"

#include "common/base/text.hpp"
#include "mailctl/output/printer.hpp"

namespace mail::mailctl {
namespace {

constexpr std::string_view environment_text = R"(Environment variables that mailctl reads:

  MAILD_SOCKET   The server's admin socket; --socket wins over it. Without
                 both: /run/maild/admin.sock.
  NO_COLOR       Any value: no colour.
  TERM           "dumb": no colour.
  COLUMNS        Width of tables where the terminal does not tell its own.
)";

constexpr std::string_view exit_codes_text = R"(How mailctl ends:

   0  done, or nothing to do
   1  another failure, or "no" was the answer to a question
   2  the command line cannot be understood, or needs --yes
   3  what was named does not exist
   4  exists already, or is in use
   5  not allowed
   6  the server cannot be reached
   7  invalid input
   8  the plan or version is stale: look again, then repeat
   9  partly done: some of several things failed (never apply)
  10  plan --exit-code found something to change
 130  interrupted

Errors are told on standard error in at most three lines: what failed and why,
and after "hint:" what to do. With -o json it is one JSON object (RFC 9457)
whose "code" is a stable word.
)";

constexpr std::string_view formatting_text = R"(How mailctl prints, chosen with -o:

  table    columns for people, shortened to the terminal (default there)
  wide     all columns, never shortened
  json     one value: {"items": [...]} for lists
  ndjson   one JSON value per line
  yaml     documents that mailctl apply reads
  csv      comma-separated with a heading line
  tsv      separated by tabs, no heading (default in a pipe)
  name     kind/name, one per line

--columns chooses columns by name; any path below spec., status. or meta. is
one too. Tables show sizes, times and durations for people; tsv and csv print
bytes, seconds and RFC 3339 times. Control characters are escaped everywhere;
in tsv a tab is \t, a line end \n and a backslash \\.

Data goes to standard output; questions, hints and errors to standard error.
)";

constexpr std::string_view filters_text = R"(--filter narrows a list on the server:

  field=value    equal            field!=value   not equal
  field~value    contains         field<value    less than
                                  field>value    greater than

A comma is "and". Fields are those of mailctl explain <kind>, and name, kind,
set and domain; for the queue: id, sender, recipient, domain, status, attempts,
route, message_id, error, size and age. Nothing matching is no error.

Examples:
  mailctl mailbox list --filter enabled=false
  mailctl mailbox list --filter 'name~example.org,quota>1GiB'
  mailctl queue list --filter 'status=deferred,attempts>3'
)";

std::string options_text() {
    std::string out = "Options of every command:\n\n";
    for (const OptionSpec& option : global_options()) {
        std::string label = option.letter != 0 ? std::string("  -") + option.letter + ", --" : "      --";
        label += option.name;
        if (!option.choices.empty() && option.choices.size() < 5)
            label += " {" + text::join(option.choices, " | ") + "}";
        else if (!option.value.empty())
            label += " <" + option.value + ">";
        out += padded(label, 30) + (label.size() > 28 ? "\n" + std::string(30, ' ') : "") + wrapped(option.doc, 79, 30) + "\n";
    }
    return out + "\nThey may stand anywhere on the line.\n";
}

} // namespace

std::vector<std::string> help_topics() { return {"environment", "exit-codes", "filters", "formatting", "options"}; }

std::string help_topic(std::string_view name) {
    if (name == "environment")
        return std::string(environment_text);
    if (name == "exit-codes")
        return std::string(exit_codes_text);
    if (name == "formatting")
        return std::string(formatting_text);
    if (name == "filters")
        return std::string(filters_text);
    if (name == "options")
        return options_text();
    return {};
}

} // namespace mail::mailctl
