// Delivery status notifications: complete RFC 3464 multipart/report messages from a struct, with the fields
// that RFC 3461 carries (ENVID, ORCPT, RET) and the internationalised forms of RFC 6533 where an address is
// not ASCII. Called by the queue (failure, delay) and by delivery. The result is a whole CRLF message; the
// caller sends it with the null reverse-path and never sends one about a message that had the null
// reverse-path itself (RFC 3461 §6.2).
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

enum class DsnAction : std::uint8_t { failed, delayed, delivered, relayed, expanded };

struct DsnRecipient {
    std::string address;  ///< final recipient as used in the envelope
    std::string original; ///< ORCPT, xtext undone: "rfc822;bob@example.org"; empty when none was given
    DsnAction action = DsnAction::failed;
    std::string status; ///< RFC 3463, for example "5.1.1"; a bad one becomes 5.0.0, 4.0.0 or 2.0.0 by action
    std::string remote_mta; ///< host that answered; empty when the failure is ours
    std::string reply;      ///< the remote's own words, "550 5.1.1 no such user"; may have many lines
    std::string reason;     ///< our words when no remote answered, for example "connection timed out"
    std::optional<Time> last_attempt;
    std::optional<Time> retry_until; ///< only for delayed
};

struct Dsn {
    std::string reporting_mta; ///< our host name
    std::string from;          ///< address of the From field, for example postmaster@example.org
    std::string to;            ///< reverse-path of the original message
    std::string message_id;    ///< without angle brackets; unique
    Time now{};
    std::string envelope_id; ///< ENVID, xtext undone; may be empty
    std::optional<Time> arrival;
    std::vector<DsnRecipient> recipients;
    std::string_view original; ///< the message reported on, or its beginning with its header section
    bool return_full = false;  ///< the third part is all of `original` up to limit::report_message, else the header section
};

[[nodiscard]] std::string build_dsn(const Dsn& dsn);
/// True when an address or the original's header makes the report itself need SMTPUTF8.
[[nodiscard]] bool dsn_needs_utf8(const Dsn& dsn) noexcept;
/// What a status code means and what its reader can do, in one or two plain sentences.
[[nodiscard]] std::string explain_status(std::string_view status);

} // namespace mail
