// POP3 commands (RFC 1939, 2449, 2595, 5034, 6856) as a pure function. Used by the session and by fuzzing.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::pop3 {

enum class Verb : std::uint8_t { user, pass, auth, stls, capa, quit, stat, list, retr, dele, noop, rset, top, uidl, utf8, lang };

struct Command {
    Verb verb{};
    std::string text;                   ///< USER's name, PASS's password (spaces kept), AUTH's mechanism, empty to list them
    std::optional<std::string> initial; ///< AUTH's initial response, still base64; "=" is an empty one
    std::optional<std::uint32_t> number; ///< message number, from 1
    std::uint32_t lines = 0;            ///< of TOP
};

/// One line without CR LF. Errors: invalid, with words for the -ERR reply.
[[nodiscard]] Result<Command> parse_command(std::string_view line);

} // namespace mail::pop3
