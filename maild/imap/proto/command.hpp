// Command: one parsed IMAP command (RFC 9051 §6 and the extensions named below) as a tag, a verb and typed arguments.
// Mailbox names are raw bytes here: the session decodes them, since their encoding depends on what was enabled.
// A new command: a Verb, a struct in Body when it has arguments (<family>_arguments.hpp), a row in parse.cpp's table, a parser in parse_<family>.cpp.
#pragma once

#include "common/base/secret.hpp"
#include "maild/imap/proto/append_arguments.hpp"
#include "maild/imap/proto/framer.hpp"
#include "maild/imap/proto/mailbox_arguments.hpp"
#include "maild/imap/proto/message_arguments.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mail::imap {

enum class Verb : std::uint8_t {
    append, authenticate, cancelupdate, capability, check, close, compress, copy, create, delete_, deleteacl, enable,
    esearch, examine, expunge, fetch, getacl, getmetadata, getquota, getquotaroot, id, idle, language, list, listrights,
    login, logout, lsub, move, myrights, namespace_, noop, notify, rename, replace, search, select, setacl, setmetadata,
    sort, starttls, status, store, subscribe, thread, unauthenticate, unselect, unsubscribe,
};

struct NoArguments {};
struct AuthenticateArguments {
    std::string mechanism; ///< upper-case
    std::optional<Secret> initial; ///< base64 as sent (RFC 4959); "=" is an empty response
};
struct LoginArguments {
    std::string user;
    Secret password;
};
struct IdArguments {
    std::vector<std::pair<std::string, std::string>> fields; ///< NIL values left out
};
struct WordsArguments { ///< ENABLE and COMPRESS: upper-case words; LANGUAGE: tags; CANCELUPDATE: tags of commands
    std::vector<std::string> words;
};

using Body = std::variant<NoArguments, AuthenticateArguments, LoginArguments, IdArguments, WordsArguments,
                          RightsArguments, MetadataArguments, NotifyArguments, SelectArguments, MailboxArguments,
                          RenameArguments, StatusArguments, ListArguments,
                          AppendArguments, SearchArguments, SortArguments, ThreadArguments, FetchArguments,
                          StoreArguments, CopyArguments, ExpungeArguments>;

struct Command {
    std::string tag;
    Verb verb = Verb::noop;
    bool uid = false; ///< UID FETCH, UID COPY ...
    Body body;
};

/// Why a frame is not a command.
struct BadCommand {
    std::string tag; ///< empty: answer with "*"
    std::size_t offset = 0;
    std::string reason;
};

using ParseOutcome = std::variant<Command, BadCommand>;

/// Takes one whole frame apart. Never recurses deeper than limit::imap_nesting.
[[nodiscard]] ParseOutcome parse(const Frame& frame);

} // namespace mail::imap
