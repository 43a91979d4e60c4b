// Command: one parsed IMAP command (RFC 9051 §6 and the extensions named below) as a tag, a verb and typed arguments.
// Mailbox names are raw bytes here: the session decodes them, since their encoding depends on what was enabled.
// A new command: a Verb, a struct in Body when it has arguments, a row in parse.cpp's table, a parser in parse_<family>.cpp.
#pragma once

#include "common/base/secret.hpp"
#include "common/mail/date.hpp"
#include "maild/imap/proto/fetch_items.hpp"
#include "maild/imap/proto/framer.hpp"
#include "maild/imap/proto/mailbox_scope.hpp"
#include "maild/imap/proto/search_key.hpp"

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

/// System flags as bits (RFC 9051 §2.3.2).
enum class FlagBit : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };

struct FlagList {
    std::uint8_t system = 0;           ///< FlagBit bits; \Recent is dropped
    std::vector<std::string> keywords; ///< each once, ASCII case ignored
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
struct ResyncArguments { ///< RFC 7162 §3.2.5
    std::uint32_t uid_validity = 0;
    std::uint64_t modseq = 0;
    std::optional<SequenceSet> known_uids;
    std::optional<std::pair<SequenceSet, SequenceSet>> sequence_match;
};
struct SelectArguments {
    std::string mailbox;
    bool condstore = false;
    std::optional<ResyncArguments> resync;
};
struct MailboxArguments { ///< CREATE, DELETE, SUBSCRIBE, UNSUBSCRIBE, GETQUOTAROOT; the root of GETQUOTA
    std::string mailbox;
    std::vector<std::string> special_use; ///< RFC 6154 §3: "\Archive" as sent
};
struct RightsArguments { ///< GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314)
    std::string mailbox;
    std::string identifier;
    std::string rights; ///< with "+" or "-" before them as sent
};
struct MetadataArguments { ///< GETMETADATA, SETMETADATA (RFC 5464)
    enum class Depth : std::uint8_t { zero, one, infinity };
    std::string mailbox; ///< empty: the server
    std::optional<std::uint32_t> max_size;
    Depth depth = Depth::zero;
    std::vector<std::pair<std::string, std::optional<std::string>>> entries; ///< values of SETMETADATA alone; none: NIL
};
struct NotifyArguments { ///< RFC 5465
    bool status = false;
    std::vector<NotifyGroup> groups; ///< none: NOTIFY NONE
};
struct RenameArguments {
    std::string from;
    std::string to;
};
/// Bits of the STATUS items.
enum class StatusItem : std::uint16_t {
    messages = 1, recent = 2, uid_next = 4, uid_validity = 8, unseen = 16, deleted = 32, size = 64,
    highest_modseq = 128, append_limit = 256, mailbox_id = 512, deleted_storage = 1024,
};
struct StatusArguments {
    std::string mailbox;
    std::uint16_t items = 0;
};
struct ListArguments { ///< RFC 5258, RFC 5819, RFC 6154
    std::string reference;
    std::vector<std::string> patterns;
    bool extended = false; ///< any of the extended syntax was used
    bool select_subscribed = false, select_remote = false, select_recursive = false, select_special_use = false;
    bool return_subscribed = false, return_children = false, return_special_use = false;
    bool return_my_rights = false;            ///< RFC 8440
    std::vector<std::string> return_metadata; ///< entries (RFC 9590)
    std::uint16_t return_status = 0; ///< StatusItem bits
};
/// What APPEND and REPLACE are made of, in the order of the command; see append_parser.hpp.
struct AppendPiece {
    enum class Kind : std::uint8_t {
        begin, ///< of a message: `flags`, `date`, `catenated`
        bytes, ///< a literal of `size` bytes
        url,   ///< `url`, or a literal of `size` bytes that holds it
        end,   ///< of a message
    };
    Kind kind = Kind::begin;
    FlagList flags;
    std::optional<DateTime> date;
    bool catenated = false; ///< RFC 4469
    std::string url;
    std::uint64_t size = 0;
    bool literal8 = false;
    bool streamed = false; ///< its bytes are still to come
};
struct ReplaceArguments {     ///< RFC 8508
    bool uid = false;         ///< UID REPLACE
    std::uint32_t number = 0; ///< 0: "*"
};
struct AppendArguments { ///< only for messages that were not streamed
    std::string mailbox;
    std::optional<ReplaceArguments> replaces;
    std::vector<AppendPiece> pieces;
};
/// "101:200" in order, or "-1:-100" counted from the end (RFC 9394, RFC 5267 §4.4).
struct PartialRange {
    bool from_end = false;
    std::uint32_t first = 1; ///< not above last
    std::uint32_t last = 1;
};
struct SearchArguments {
    bool extended = false; ///< RETURN was given (RFC 4731)
    bool return_min = false, return_max = false, return_all = false, return_count = false, return_save = false;
    bool return_update = false; ///< RFC 5267 §4.3
    std::optional<PartialRange> partial;
    std::vector<MailboxScope> scopes; ///< of ESEARCH IN (RFC 7377); none: the selected mailbox
    std::string charset; ///< upper-case; empty: none given
    SearchProgram program;
};
enum class SortKey : std::uint8_t { arrival, cc, date, from, size, subject, to, display_from, display_to };
struct SortCriterion {
    SortKey key = SortKey::arrival;
    bool reverse = false;
};
struct SortArguments { ///< RFC 5256, RFC 5267
    std::vector<SortCriterion> criteria;
    SearchArguments search;
};
struct ThreadArguments { ///< RFC 5256
    bool by_references = false; ///< else ORDEREDSUBJECT
    SearchArguments search;
};
struct FetchArguments {
    SequenceSet set;
    FetchItems items;
    std::optional<std::uint64_t> changed_since; ///< RFC 7162 §3.1.4
    bool vanished = false;                      ///< RFC 7162 §3.2.6
    std::optional<PartialRange> partial;        ///< RFC 9394 §3.3
};
struct StoreArguments {
    enum class How : std::uint8_t { replace, add, remove };
    SequenceSet set;
    How how = How::replace;
    bool silent = false;
    FlagList flags;
    std::optional<std::uint64_t> unchanged_since; ///< RFC 7162 §3.1.3
};
struct CopyArguments { ///< COPY, MOVE
    SequenceSet set;
    std::string mailbox;
};
struct ExpungeArguments {
    std::optional<SequenceSet> uids; ///< UID EXPUNGE (RFC 4315)
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
