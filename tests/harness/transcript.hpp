// Transcript: a conversation as text, the default form of protocol tests.
//
//   # RFC 5321 §3.3: RCPT before MAIL is 503        first line: the rule
//   given  mailbox ann@example.org {quota: 1MiB}    a resource, as kind, name and spec in YAML flow style
//   given  message ann@example.org Subject: hi      a message delivered before; \n in it begins a new line
//   given  listener x {protocol: smtp, bind: "*:25", etrn_from: [127.0.0.1]}    settings of the listener that is played against
//   given  plaintext                                sign-in without TLS is allowed
//   only   plain                                    not played inside TLS (for STARTTLS and the like)
//   only   tls                                      played only inside TLS
//   only   sockets                                  not played in memory, where a client has no address that rules could name
//   only   whole                                    the client's bytes are not cut (what arrives together matters)
//   S: 220 ...                                      a line of the server; ... stands for any text
//   C: EHLO client.example                          a line of the client; several in a row leave in one write
//   S: 250-...                                      all lines of one multi-line SMTP reply
//   S: ...                                          any number of lines, up to the next S line
//   S: closed                                       the server ends the connection
//
// Every mailbox given has the password "secret". Parsing and matching are pure; player.hpp plays.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::harness {

struct Given {
    std::string kind, name, rest;
    unsigned line = 0;
};

struct Step {
    enum class Kind { client, server };
    Kind kind = Kind::client;
    std::string text;
    unsigned line = 0;
};

struct Transcript {
    std::string rule; ///< the first line without '#'
    std::vector<Given> given;
    bool plaintext = false;
    bool only_plain = false;
    bool only_tls = false;
    bool only_sockets = false;
    bool only_whole = false;
    std::vector<Step> steps;
};

/// Errors: invalid, with the line number in front.
[[nodiscard]] Result<Transcript> parse_transcript(std::string_view text);
/// `...` in the pattern stands for any text, none included. Linear in the size of `line`.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view line);
/// "250-...": one pattern for a whole multi-line reply.
[[nodiscard]] bool is_multiline(std::string_view pattern);

} // namespace mail::harness
