#include "mailctl/nouns.hpp"

#include "common/schema/registry.hpp"
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/resource.hpp"

#include <array>

namespace mail::mailctl {
namespace {

constexpr std::array hand_written{
    NounEntry{"plan", "Whole configurations", "Show what apply would change", plan_commands},
    NounEntry{"apply", "Whole configurations", "Make the server be as documents say", apply_commands},
    NounEntry{"export", "Whole configurations", "Print the configuration as documents", export_commands},
    NounEntry{"validate", "Whole configurations", "Check documents without a server", validate_commands},
    NounEntry{"history", "Whole configurations", "List the changes made", history_commands},
    NounEntry{"status", "Running the server", "Show how the server is doing", status_commands},
    NounEntry{"why", "Running the server", "Say where mail is, and why", why_commands},
    NounEntry{"message", "Running the server", "One message: what happened to it", message_commands},
    NounEntry{"simulate", "Running the server", "Say what would happen to a message", simulate_commands},
    NounEntry{"doctor", "Running the server", "Look into what does not work", doctor_commands},
    NounEntry{"queue", "Running the server", "Outgoing mail that waits", queue_commands},
    NounEntry{"store", "Running the server", "The space that messages take", store_commands},
    NounEntry{"log", "Running the server", "Show what the server logged", log_commands},
    NounEntry{"watch", "Running the server", "Follow changes", watch_commands},
    NounEntry{"explain", "Finding out", "Say what a kind, field, event or limit means", explain_commands},
    NounEntry{"schema", "Finding out", "Kinds and fields for programs and editors", schema_commands},
    NounEntry{"completion", "Finding out", "Completion for bash, zsh and fish", completion_commands},
};

/// Verbs that people type from habit.
std::string_view verb_of_alias(std::string_view verb) {
    return verb == "ls" ? "list" : verb == "rm" ? "delete" : verb;
}

} // namespace

std::vector<NounEntry> all_nouns() {
    std::vector<NounEntry> all;
    for (const schema::Kind* kind : schema::all_kinds())
        all.push_back({kind->name, "Resources", kind->doc, nullptr});
    all.insert(all.end(), hand_written.begin(), hand_written.end());
    return all;
}

std::optional<NounSpec> find_noun(std::string_view name) {
    for (const NounEntry& entry : hand_written)
        if (entry.name == name)
            return NounSpec{std::string(name), std::string(entry.group), std::string(entry.summary), entry.commands()};
    const schema::Kind* kind = schema::find_kind(name);
    if (kind == nullptr)
        return std::nullopt;
    return NounSpec{std::string(kind->name), "Resources", std::string(kind->doc), resource_commands(*kind)};
}

const CommandSpec* find_command(const NounSpec& noun, std::string_view verb) {
    for (const std::string_view wanted : {verb, verb_of_alias(verb)})
        for (const CommandSpec& command : noun.commands)
            if (command.verb == wanted)
                return &command;
    return nullptr;
}

} // namespace mail::mailctl
