// SMTP, submission and LMTP commands as values (RFC 5321 §4.1, 1870, 1985, 2033, 3030, 3207, 3461, 4865, 4954, 6152, 6531,
// 6710, 8689; Postfix's XCLIENT).
// parse_command: one line without CR LF -> a Command or the Reply that refuses it. serialize: the way back, for the
// outbound client and tests: parse(serialize(x)) == x. Pure, linear, bounded by the line; no state of a session here.
#pragma once

#include "common/base/time.hpp"
#include "maild/smtp/proto/path.hpp"
#include "maild/smtp/proto/reply.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mail::smtp {

enum class Body : std::uint8_t { seven_bit, eight_bit, binary };
enum class DsnReturn : std::uint8_t { full, headers };
/// RFC 3461 §4.1 NOTIFY; the same bits as store::queue_notify. 0: not given.
namespace notify {
inline constexpr std::uint8_t never = 1, success = 2, failure = 4, delay = 8;
}

struct MailParameters {
    std::optional<std::uint64_t> size; ///< the largest number when the digits overflow
    std::optional<Body> body;
    bool smtputf8 = false;
    std::optional<std::string> auth; ///< decoded; empty for "<>" (RFC 4954 §5)
    std::optional<DsnReturn> ret;
    std::optional<std::string> envid; ///< xtext as given
    bool require_tls = false;                  ///< RFC 8689
    std::optional<std::uint64_t> hold_seconds; ///< RFC 4865 HOLDFOR
    std::optional<Time> hold_until;            ///< HOLDUNTIL, whole seconds
    std::optional<std::int8_t> priority;       ///< RFC 6710: -9 to 9
    bool operator==(const MailParameters&) const = default;
};
struct RcptParameters {
    std::uint8_t notify = 0;
    std::optional<std::string> orcpt; ///< "rfc822;xtext" as given
    bool operator==(const RcptParameters&) const = default;
};

// The alternatives of Command; their order is the order of Verb.
struct Ehlo { std::string name; bool operator==(const Ehlo&) const = default; };
struct Helo { std::string name; bool operator==(const Helo&) const = default; };
struct Lhlo { std::string name; bool operator==(const Lhlo&) const = default; };
struct Mail {
    Path path;
    MailParameters parameters;
    bool operator==(const Mail&) const = default;
};
struct Rcpt {
    Path path;
    RcptParameters parameters;
    bool operator==(const Rcpt&) const = default;
};
struct Data { bool operator==(const Data&) const = default; };
struct Bdat {
    std::uint64_t size = 0;
    bool last = false;
    bool operator==(const Bdat&) const = default;
};
struct Rset { bool operator==(const Rset&) const = default; };
struct Noop { bool operator==(const Noop&) const = default; };
struct Quit { bool operator==(const Quit&) const = default; };
struct StartTls { bool operator==(const StartTls&) const = default; };
struct Auth {
    std::string mechanism;              ///< upper case
    std::optional<std::string> initial; ///< base64 as given; "=" has become "" (RFC 4954 §4)
    bool operator==(const Auth&) const = default;
};
struct Vrfy { std::string text; bool operator==(const Vrfy&) const = default; };
struct Expn { std::string text; bool operator==(const Expn&) const = default; };
struct Help { std::string text; bool operator==(const Help&) const = default; };
/// RFC 1985 §5.2: a domain, "@domain" for all below it too, or "#queue".
struct Etrn { std::string text; bool operator==(const Etrn&) const = default; };
struct Xclient {
    std::vector<std::pair<std::string, std::string>> attributes; ///< upper-case name, decoded value; empty: unavailable
    bool operator==(const Xclient&) const = default;
};
/// A command of another protocol (HTTP, SIP ...): the session closes without running what follows (faults S47).
struct Foreign { bool operator==(const Foreign&) const = default; };

using Command = std::variant<Ehlo, Helo, Lhlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, StartTls, Auth, Vrfy, Expn,
                             Help, Etrn, Xclient, Foreign>;
enum class Verb : std::uint8_t { ehlo, helo, lhlo, mail, rcpt, data, bdat, rset, noop, quit, starttls, auth, vrfy, expn,
                                 help, etrn, xclient, foreign };
inline constexpr std::size_t verb_count = std::variant_size_v<Command>;

[[nodiscard]] inline Verb verb_of(const Command& command) noexcept { return static_cast<Verb>(command.index()); }
/// "EHLO", "MAIL", ...
[[nodiscard]] std::string_view name_of(Verb verb) noexcept;

/// The command, or the 5xx that refuses the line: 500 5.5.2 unknown, 501 5.5.4 bad argument, 501 5.1.3 or 5.1.7 bad
/// address, 555 5.5.4 unknown parameter.
[[nodiscard]] std::variant<Command, Reply> parse_command(std::string_view line);
/// The line with CR LF. Texts must not hold control characters; they become blanks.
[[nodiscard]] std::string serialize(const Command& command);

} // namespace mail::smtp
