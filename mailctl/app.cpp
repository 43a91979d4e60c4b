#include "mailctl/app.hpp"

#include "common/base/text.hpp"
#include "mailctl/completion.hpp"
#include "mailctl/context.hpp"
#include "mailctl/help.hpp"
#include "mailctl/man.hpp"
#include "mailctl/nouns.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <deque>
#include <ostream>

namespace mail::mailctl {
namespace {

#ifndef MAIL_VERSION
#define MAIL_VERSION "0.1.0"
#endif

using Words = std::vector<std::string>;

const OptionSpec* global_named(std::string_view word) {
    const std::string_view name = word.substr(0, word.find('='));
    for (const OptionSpec& option : global_options())
        if (name == "--" + option.name || (option.letter != 0 && word.size() >= 2 && word[0] == '-' && word[1] == option.letter))
            return &option;
    return nullptr;
}

/// The next word that is no option, from `at` on; options met on the way go to `options`. args.size() when there is none
/// before an option that is not a global one.
std::size_t next_word(const Words& args, std::size_t at, Words& options) {
    while (at < args.size()) {
        const std::string& word = args[at];
        if (!word.starts_with('-') || word == "-")
            return at;
        const OptionSpec* option = global_named(word);
        if (option == nullptr)
            return args.size();
        options.push_back(word);
        ++at;
        const bool is_long = word.starts_with("--");
        const bool has_value = is_long ? word.find('=') != std::string::npos : word.size() > 2;
        if (!option->value.empty() && !has_value && at < args.size())
            options.push_back(args[at++]);
    }
    return at;
}

bool wants_json(const Words& args) {
    for (std::size_t i = 0; i < args.size(); ++i) {
        std::string value;
        if ((args[i] == "-o" || args[i] == "--output") && i + 1 < args.size())
            value = args[i + 1];
        else if (args[i].starts_with("--output="))
            value = args[i].substr(9);
        else if (args[i].starts_with("-o"))
            value = args[i].substr(2);
        if (value == "json" || value == "ndjson")
            return true;
    }
    return false;
}

int refuse(Io& io, const Words& args, const Error& error) {
    write_error(io.err, error, {}, nullptr, wants_json(args), io.err_terminal.colour);
    return exit_code_of(error);
}

/// "did you mean queue? ..." for a word that is no command.
Error unknown_word(const std::string& word, const std::string& what, const Words& known, const std::string& help) {
    const std::string near = text::nearest(word, known);
    return {ErrorCode::usage, "there is no " + what + " " + word,
            (near.empty() ? "" : "did you mean " + near + "? ") + std::string("see: ") + help};
}

Error unknown_noun(const std::string& word) {
    Words known{"help"};
    for (const NounEntry& noun : all_nouns())
        known.emplace_back(noun.name);
    return unknown_word(clean(word), "command", known, "mailctl help");
}

Error unknown_verb(const NounSpec& noun, const std::string& word) {
    Words known;
    for (const CommandSpec& command : noun.commands)
        known.push_back(command.verb);
    if (word.empty())
        return {ErrorCode::usage, "mailctl " + noun.name + " needs a verb: " + text::join(known, ", "),
                "see: mailctl " + noun.name + " --help"};
    return unknown_word(clean(word), noun.name + " command", known, "mailctl " + noun.name + " --help");
}

int show_help(Io& io, const Words& words) {
    const std::string first = words.empty() ? "" : words[0];
    if (first.empty()) {
        io.out << help_overview(io.out_terminal);
        return exit_code::ok;
    }
    if (const std::string topic = help_topic(first); !topic.empty()) {
        io.out << topic;
        return exit_code::ok;
    }
    const std::optional<NounSpec> noun = find_noun(first);
    if (!noun)
        return refuse(io, words, unknown_noun(first));
    const CommandSpec* command = find_command(*noun, words.size() > 1 ? words[1] : "");
    if (words.size() > 1 && command == nullptr)
        return refuse(io, words, unknown_verb(*noun, words[1]));
    if (command != nullptr && (words.size() > 1 || noun->commands.size() == 1))
        io.out << help_command(*noun, *command, io.out_terminal);
    else
        io.out << help_noun(*noun, io.out_terminal);
    return exit_code::ok;
}

bool asks_help(const Words& args) {
    for (const std::string& arg : args) {
        if (arg == "--")
            return false;
        if (arg == "--help" || arg == "-h")
            return true;
    }
    return false;
}

/// An option of one command and the values given for it. A deque of these keeps their addresses.
struct Slot {
    const OptionSpec* option = nullptr;
    Words values{};
};

std::string cli_name(const OptionSpec& option) {
    std::string name = option.letter != 0 ? std::string("-") + option.letter + "," : "";
    name += "--" + option.name;
    if (option.name == "dry-run")
        name += ",--plan";
    return name;
}

void add_option(CLI::App& app, Slot& slot) {
    const OptionSpec& option = *slot.option;
    if (option.value.empty()) {
        const std::string name = option.switchable ? "--" + option.name + "{true},--no-" + option.name + "{false}" : cli_name(option);
        app.add_flag(name, slot.values)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        return;
    }
    // One value per occurrence: `--alias a b` leaves b to the arguments.
    app.add_option(cli_name(option), slot.values)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// The words that CLI11 could not place, told so that a person can put them right.
Error misplaced(const Words& rest, const std::string& noun, const CommandSpec& command) {
    const std::string help = "mailctl " + noun + (command.verb.empty() ? "" : " " + command.verb) + " --help";
    for (const std::string& word : rest) {
        if (!word.starts_with("--"))
            continue;
        const std::string name = word.substr(0, word.find('='));
        Words known;
        for (const auto* options : {&command.options, &global_options()})
            for (const OptionSpec& option : *options) {
                known.push_back("--" + option.name);
                if ("--" + option.name == name + "-stdin")
                    return {ErrorCode::usage, "there is no option " + clean(name) + ": secrets are never arguments, where others see them",
                            "use " + name + "-stdin or " + name + "-file <file>"};
            }
        return unknown_word(clean(name), "option", known, help);
    }
    const bool is_option = rest.front().size() > 1 && rest.front().front() == '-';
    return {ErrorCode::usage, (is_option ? "there is no option " : "unexpected argument ") + clean(rest.front()), "see: " + help};
}

Error friendly(const CLI::ParseError& error, const std::string& noun, const CommandSpec& command) {
    std::string message = error.what();
    // "--quota: 1 required text missing" and its like become one plain sentence.
    if (const std::size_t end = message.find(" required"); message.starts_with("-") && end != std::string::npos)
        message = message.substr(0, message.find(':')) + " needs a value";
    return {ErrorCode::usage, clean(message),
            "see: mailctl " + noun + (command.verb.empty() ? "" : " " + command.verb) + " --help"};
}

Result<void> check_choices(const Slot& slot) {
    const OptionSpec& option = *slot.option;
    for (const std::string& value : slot.values) {
        if (option.switchable && value != "true" && value != "false" && value != "yes" && value != "no")
            return fail(ErrorCode::usage, "--" + option.name + " is true or false, not " + clean(value));
        if (option.choices.empty() || value.empty() || option.value.ends_with(",..."))
            continue;
        if (std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end())
            continue;
        const std::string near = text::nearest(value, option.choices);
        return fail(ErrorCode::usage, "--" + option.name + " cannot be " + clean(value),
                    (near.empty() ? "" : "did you mean " + near + "? ") + "one of: " + text::join(option.choices, ", "));
    }
    return {};
}

Result<void> check_arguments(const std::string& noun, const CommandSpec& command, const Invocation& given) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
        const ArgumentSpec& argument = command.arguments[i];
        if (argument.required && given.arguments.size() <= i)
            return fail(ErrorCode::usage, noun + (command.verb.empty() ? "" : " " + command.verb) + ": <" + argument.name + "> is missing",
                        usage_line(noun, command));
        most = argument.repeated ? SIZE_MAX : i + 1;
    }
    if (given.arguments.size() > most)
        return fail(ErrorCode::usage, "unexpected argument " + clean(given.arguments[most]), usage_line(noun, command));
    return {};
}

/// Noun and verb are found: parse, set up a session, run.
int run_command(const NounSpec& noun, const CommandSpec& command, const Words& args, Io& io) {
    auto given = parse_arguments(noun.name, command, args);
    if (!given)
        return refuse(io, args, given.error());
    auto globals = read_globals(*given, io);
    if (!globals)
        return refuse(io, args, globals.error());
    Session session(io, std::move(*globals));
    return command.run(session, *given);
}

int run_complete(const Words& args, Io& io) {
    Words words(args.begin() + 1, args.end());
    if (!words.empty() && words.front() == "--")
        words.erase(words.begin());
    Invocation none;
    auto globals = read_globals(none, io);
    if (!globals)
        return exit_code::ok;
    Session session(io, std::move(*globals));
    for (const std::string& word : complete(session, words))
        io.out << word << '\n';
    return exit_code::ok;
}

} // namespace

Result<Invocation> parse_arguments(const std::string& noun, const CommandSpec& command, const Words& args) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::deque<Slot> slots;
    for (const OptionSpec& option : command.options)
        slots.push_back({&option});
    for (const OptionSpec& option : global_options()) {
        const auto is_same = [&](const OptionSpec& own) { return own.name == option.name; };
        // A kind's field may have the name of a global option; it wins.
        if (std::none_of(command.options.begin(), command.options.end(), is_same))
            slots.push_back({&option});
    }
    Invocation given;
    given.noun = noun;
    given.verb = command.verb;
    try {
        for (Slot& slot : slots)
            add_option(app, slot);
        app.add_option("arguments", given.arguments)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        app.parse(Words(args.rbegin(), args.rend()));
    } catch (const CLI::ParseError& error) {
        return fail(friendly(error, noun, command));
    }
    if (const Words rest = app.remaining(); !rest.empty())
        return fail(misplaced(rest, noun, command));
    for (Slot& slot : slots) {
        MAIL_DO(check_choices(slot));
        for (std::string& value : slot.values)
            given.options.emplace_back(slot.option->name, slot.option->switchable && value == "no" ? "false" : std::move(value));
    }
    MAIL_DO(check_arguments(noun, command, given));
    return given;
}

Result<Globals> read_globals(const Invocation& given, const Io& io) {
    Globals globals;
    if (given.has("output"))
        globals.format = format_named(given.value("output"));
    if (given.is_on("headers") || given.is_on("no-headers"))
        globals.headers = !given.is_on("no-headers");
    for (const std::string& list : given.values("columns"))
        for (const std::string_view name : text::split(list, ','))
            if (!text::trim(name).empty())
                globals.columns.emplace_back(text::trim(name));
    globals.filter = text::join(given.values("filter"), ",");
    globals.sort = given.value("sort");
    if (given.has("limit")) {
        globals.limit = text::number(given.value("limit"));
        if (!globals.limit)
            return fail(ErrorCode::usage, "--limit needs a number, not " + clean(given.value("limit")));
    }
    const std::string from_environment = io.environment("MAILD_SOCKET");
    globals.socket = given.has("socket") ? given.value("socket")
                     : from_environment.empty() ? std::string(default_socket) : from_environment;
    if (given.has("host") && given.has("socket"))
        return fail(ErrorCode::usage, "--host and --socket exclude each other");
    if (const std::string host = given.value("host"); host.starts_with("unix:")) {
        globals.socket = host.substr(5);
    } else if (!host.empty()) {
        if (auto remote = parse_remote(host); !remote)
            return fail(remote.error());
        globals.socket = host;
    }
    if (given.has("timeout")) {
        const auto timeout = parse_duration(given.value("timeout"));
        if (!timeout || timeout->count() <= 0)
            return fail(ErrorCode::usage, "--timeout needs a duration such as 30s, not " + clean(given.value("timeout")));
        globals.timeout = *timeout;
    }
    globals.request_id = given.value("request-id");
    globals.watch = given.is_on("watch");
    globals.yes = given.is_on("yes");
    globals.dry_run = given.is_on("dry-run");
    globals.if_absent = given.is_on("if-absent");
    globals.if_present = given.is_on("if-present");
    globals.verbose = given.is_on("verbose");
    globals.quiet = given.is_on("quiet");
    return globals;
}

int run(const Words& args, Io& io) {
    if (!args.empty() && args.front() == "__complete")
        return run_complete(args, io);
    if (!args.empty() && args.front() == "__man") {
        io.out << (args.size() > 1 && args[1] == "documents" ? documents_man_page() : man_page());
        return exit_code::ok;
    }
    Words options;
    const std::size_t first = next_word(args, 0, options);
    const bool has_noun = first < args.size();
    if (!has_noun && std::find(args.begin(), args.end(), "--version") != args.end()) {
        io.out << "mailctl " MAIL_VERSION "\n";
        return exit_code::ok;
    }
    if (!has_noun) {
        if (args.empty() || asks_help(args))
            return show_help(io, {});
        const bool only_globals = options.size() == args.size();
        return refuse(io, args, only_globals ? Error{ErrorCode::usage, "a command is missing", "see: mailctl help"}
                                             : Error{ErrorCode::usage, "there is no option " + clean(args[options.size()]), "see: mailctl help options"});
    }
    if (args[first] == "help") {
        Words words;
        for (std::size_t i = first + 1; i < args.size(); ++i)
            if (!args[i].starts_with('-'))
                words.push_back(args[i]);
        return show_help(io, words);
    }
    const std::optional<NounSpec> noun = find_noun(args[first]);
    if (!noun)
        return refuse(io, args, unknown_noun(args[first]));
    const std::size_t second = next_word(args, first + 1, options);
    const CommandSpec* command = second < args.size() ? find_command(*noun, args[second]) : nullptr;
    std::size_t rest = second + 1;
    if (command == nullptr) {
        command = find_command(*noun, "");
        if (asks_help(args))
            return show_help(io, {noun->name});
        if (command == nullptr)
            return refuse(io, args, unknown_verb(*noun, second < args.size() ? args[second] : ""));
        rest = first + 1;
        options.clear();
        next_word(args, 0, options);
    }
    if (asks_help(args)) {
        io.out << help_command(*noun, *command, io.out_terminal);
        return exit_code::ok;
    }
    options.insert(options.end(), args.begin() + static_cast<std::ptrdiff_t>(rest), args.end());
    return run_command(*noun, *command, options, io);
}

} // namespace mail::mailctl
