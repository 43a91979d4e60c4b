// Whatever a line holds: a command whose fields keep their promises, or words for the -ERR.
#include "maild/pop3/proto/command.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mail::pop3;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto command = parse_command(line);
    if (!command) {
        if (command.error().message.empty())
            std::abort();
        return 0;
    }
    const bool needs_number = command->verb == Verb::retr || command->verb == Verb::dele || command->verb == Verb::top;
    if ((needs_number && !command->number) || (command->number && *command->number == 0))
        std::abort();
    if ((command->verb == Verb::user || command->verb == Verb::pass) && command->text.empty())
        std::abort();
    if (command->verb == Verb::pass && !line.ends_with(command->text)) // spaces are part of a password (RFC 1939 §7)
        std::abort();
    return 0;
}
