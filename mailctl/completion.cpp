#include "mailctl/completion.hpp"

#include "common/base/text.hpp"
#include "common/schema/registry.hpp"
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/help.hpp"
#include "mailctl/nouns.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace mail::mailctl {
namespace {

constexpr auto patience = std::chrono::milliseconds(300);
constexpr std::uint64_t most_names = 200;

using Words = std::vector<std::string>;

const OptionSpec* option_named(const std::vector<OptionSpec>& options, std::string_view word) {
    for (const OptionSpec& option : options)
        if (word == "--" + option.name || (option.letter != 0 && word == std::string("-") + option.letter))
            return &option;
    return nullptr;
}

const OptionSpec* option_of(const CommandSpec* command, std::string_view word) {
    const OptionSpec* option = command != nullptr ? option_named(command->options, word) : nullptr;
    return option != nullptr ? option : option_named(global_options(), word);
}

bool takes_value(const OptionSpec* option) { return option != nullptr && !option->value.empty() && !option->switchable; }

/// Names of what exists; silent when the server does not answer.
Words live_names(Session& session, const std::string& noun, const std::string& start) {
    const schema::Kind* kind = schema::find_kind(noun);
    if (kind == nullptr && noun != "queue")
        return {};
    session.globals.timeout = patience;
    session.globals.limit = most_names;
    // Ids of the queue are numbers, which no filter compares by their beginning.
    session.globals.filter = start.empty() || kind == nullptr ? "" : "name~" + start;
    auto page = fetch_list(session, api::path_of(kind != nullptr ? kind->plural : "queue"), {});
    Words names;
    if (page)
        for (const boost::json::value& item : at_path(*page, "items")->get_array())
            names.push_back(clean(raw_text(at_path(item, kind != nullptr ? "name" : "id"))));
    return names;
}

Words candidates_for(Session& session, Completes what, const std::string& noun, const std::string& start) {
    Words out;
    if (what == Completes::kinds)
        for (const schema::Kind* kind : schema::all_kinds())
            out.emplace_back(kind->name);
    if (what == Completes::names)
        out = live_names(session, noun, start);
    return out;
}

struct Place {
    std::optional<NounSpec> noun;
    const CommandSpec* command = nullptr;
    const OptionSpec* open_option = nullptr; ///< waits for its value
    std::size_t arguments = 0;
};

/// Where on the line the word being typed stands.
Place place_of(const Words& words) {
    Place place;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string& word = words[i];
        if (place.open_option != nullptr) {
            place.open_option = nullptr;
            continue;
        }
        if (word.starts_with('-') && word != "-") {
            const OptionSpec* option = option_of(place.command, word);
            place.open_option = takes_value(option) ? option : nullptr;
        } else if (!place.noun) {
            place.noun = find_noun(word);
            if (!place.noun)
                return place;
            place.command = find_command(*place.noun, "");
        } else if (const CommandSpec* verb = find_command(*place.noun, word); verb != nullptr && place.arguments == 0 &&
                                                                              (place.command == nullptr || place.command->verb.empty())) {
            place.command = verb;
        } else {
            ++place.arguments;
        }
    }
    return place;
}

Words option_words(const CommandSpec* command) {
    Words out;
    const auto add = [&](const std::vector<OptionSpec>& options) {
        for (const OptionSpec& option : options)
            if (!option.hidden)
                out.push_back("--" + option.name);
    };
    if (command != nullptr)
        add(command->options);
    add(global_options());
    return out;
}

Words candidates(Session& session, const Words& words) {
    const Place place = place_of(words);
    const std::string& start = words.back();
    if (place.open_option != nullptr) {
        if (!place.open_option->choices.empty())
            return place.open_option->choices;
        return candidates_for(session, place.open_option->completes, place.noun ? place.noun->name : "", start);
    }
    if (start.starts_with('-'))
        return option_words(place.command);
    Words out;
    if (!place.noun) {
        for (const NounEntry& noun : all_nouns())
            out.emplace_back(noun.name);
        out.emplace_back("help");
        return out;
    }
    if (place.arguments == 0 && (place.command == nullptr || place.command->verb.empty()))
        for (const CommandSpec& command : place.noun->commands)
            if (!command.verb.empty() && !command.hidden)
                out.push_back(command.verb);
    if (place.command == nullptr || place.command->arguments.empty())
        return out;
    const auto& arguments = place.command->arguments;
    const bool fits = place.arguments < arguments.size() || arguments.back().repeated;
    if (fits) {
        const ArgumentSpec& argument = arguments[std::min(place.arguments, arguments.size() - 1)];
        for (std::string& one : candidates_for(session, argument.completes, place.noun->name, start))
            out.push_back(std::move(one));
    }
    return out;
}

constexpr std::string_view bash_script = R"(# bash completion for mailctl: source <(mailctl completion bash)
_mailctl() {
    local IFS=$'\n' word="${COMP_LINE:0:COMP_POINT}"
    local -a words
    # Addresses hold "@" and ":", where bash breaks words: the line is split at blanks instead.
    IFS=$' \t' read -r -a words <<< "$word"
    [[ $word == *[[:space:]] ]] && words+=("")
    local current="${words[-1]}" prefix="" found
    [[ $current == *[@:=]* ]] && prefix="${current%"${COMP_WORDS[COMP_CWORD]}"}"
    [[ ${COMP_WORDS[COMP_CWORD]} == [@:=] ]] && prefix="$current"
    COMPREPLY=()
    while read -r found; do
        COMPREPLY+=("${found#"$prefix"}")
    done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _mailctl mailctl
)";

constexpr std::string_view zsh_script = R"(#compdef mailctl
# zsh completion for mailctl: source <(mailctl completion zsh)
_mailctl() {
    local -a found
    found=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
compdef _mailctl mailctl
)";

constexpr std::string_view fish_script = R"(# fish completion for mailctl: mailctl completion fish | source
function __mailctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete -- $words[2..-1] "$current" 2>/dev/null
end
complete -c mailctl -a '(__mailctl_complete)'
)";

int print_script(Session& session, std::string_view script) {
    session.io.out << script;
    return exit_code::ok;
}

} // namespace

std::vector<std::string> complete(Session& session, const Words& words) {
    if (words.empty())
        return {};
    Words out;
    for (std::string& one : candidates(session, words))
        if (one.starts_with(words.back()))
            out.push_back(std::move(one));
    return out;
}

std::vector<CommandSpec> completion_commands() {
    const auto shell = [](std::string name, std::string example, std::string_view script) {
        CommandSpec spec;
        spec.verb = name;
        spec.summary = "Print the completion script for " + name;
        spec.examples = {std::move(example)};
        spec.run = [script](Session& session, const Invocation&) { return print_script(session, script); };
        return spec;
    };
    return {shell("bash", "source <(mailctl completion bash)", bash_script),
            shell("zsh", "source <(mailctl completion zsh)", zsh_script),
            shell("fish", "mailctl completion fish | source", fish_script)};
}

} // namespace mail::mailctl
