// Error: what went wrong, for people (message, hint) and for protocols (code). The one table in error.cpp maps a
// code to its SMTP reply, IMAP response code, HTTP status and mailctl exit code, so that every front says the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mail {

enum class ErrorCode : std::uint8_t {
    internal,      ///< a bug or a broken invariant
    usage,         ///< a command line that cannot be understood
    not_found,     ///< the thing named does not exist
    conflict,      ///< exists already, or is in use
    denied,        ///< the caller may not
    unauthorized,  ///< sign-in failed
    invalid,       ///< input that breaks a rule
    stale,         ///< a precondition (version, plan) no longer holds
    unavailable,   ///< a peer, service or file cannot be reached
    timeout,       ///< no answer in time
    too_large,     ///< over a size limit
    over_quota,    ///< the mailbox has no room
    no_space,      ///< the server has no room; temporary
    temporary,     ///< try again later
    unsupported,   ///< known but not offered
    closed,        ///< the connection ended
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message{}; ///< one sentence without a final stop: what failed and why
    std::string hint{};    ///< what to do about it; may be empty
};

/// How one ErrorCode is told over each protocol.
struct ErrorFace {
    std::string_view name;      ///< stable snake_case word used in JSON (`code`)
    int smtp_reply;             ///< RFC 5321 reply code
    std::string_view smtp_enhanced; ///< RFC 3463 code
    std::string_view imap_code; ///< RFC 5530 response code, without brackets; may be empty
    int http_status;
    int exit_code;              ///< of mailctl, contract of the command line
};

[[nodiscard]] const ErrorFace& face_of(ErrorCode code) noexcept;
/// The code whose name is `name`; internal when unknown.
[[nodiscard]] ErrorCode error_code_named(std::string_view name) noexcept;

} // namespace mail
