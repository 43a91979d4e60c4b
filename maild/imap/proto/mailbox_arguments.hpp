// Arguments of the commands on mailboxes: selecting, listing, STATUS, names, rights, metadata, NOTIFY. Plain values, made by
// parse_mailbox, parse_rights and parse_scope. Names are raw bytes: the session decodes them, since their encoding depends on
// what was enabled.
#pragma once

#include "maild/imap/proto/mailbox_scope.hpp"
#include "maild/imap/proto/sequence_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mail::imap {

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

} // namespace mail::imap
