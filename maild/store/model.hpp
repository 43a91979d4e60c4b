// The words of the store: accounts own folders, folders of a class own items, an item is bytes plus
// properties; beside them the outbound queue, stories, resources. Plain values, no SQL, no protocol words.
// Used by store/* and service/*.
#pragma once

#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "maild/store/story_model.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::store {

using AccountId = std::int64_t; ///< positive; never reused
using FolderId = std::int64_t;  ///< positive; never reused
using BlobId = std::int64_t;    ///< positive; never reused
using Uid = std::uint32_t;      ///< positive, ascending within a folder, never reused (RFC 9051 §2.3.1.1)
using ModSeq =
    std::uint64_t; ///< one counter per account: CONDSTORE, QRESYNC, sync states and the change bus alike

enum class FolderClass : std::uint8_t { mail, calendar, contacts, tasks, notes, journal, rules };
enum class SpecialUse : std::uint8_t { none, inbox, drafts, sent, trash, junk, archive, all, flagged };

/// System flags as bits; \Recent is not kept.
namespace flag {
inline constexpr std::uint8_t seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16;
}

struct Folder {
    FolderId id = 0;
    AccountId account = 0;
    std::string name; ///< UTF-8 NFC path with '/', "INBOX" exactly for the inbox
    FolderClass folder_class = FolderClass::mail;
    SpecialUse special_use = SpecialUse::none;
    std::uint32_t uid_validity = 0;
    Uid uid_next = 1;
    ModSeq modseq = 0; ///< highest of any change in this folder
    std::uint32_t messages = 0;
    std::uint32_t unseen = 0;
    std::uint64_t bytes = 0;
    Id object_id; ///< RFC 8474 MAILBOXID; survives RENAME
};

/// Where bytes lie in the segments. Never changes the content it names; compaction may move it (re-read on
/// not_found).
struct BlobRef {
    BlobId id = 0;
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t checksum = 0; ///< CRC-32C of the bytes
};

/// What FETCH FLAGS, SEARCH and a folder snapshot need of one item.
struct ItemRow {
    Uid uid = 0;
    std::uint8_t flags = 0;
    std::string keywords; ///< sorted, space separated, case kept as first given
    ModSeq modseq = 0;
    Time internal_date{};
    std::uint32_t size = 0; ///< prefix + bytes: RFC822.SIZE
};

/// What reading the bytes needs. The item's bytes are `prefix` followed by the blob.
struct ItemBody {
    Uid uid = 0;
    Id id;
    std::string prefix;
    BlobRef blob;
    Time saved{}; ///< when it came into this folder (RFC 8514 SAVEDATE)
};

/// Facts computed from an item's bytes; may be dropped and rebuilt at any time. Keyed by blob (without the
/// prefix) because copies share it; what the prefix adds (Return-Path, Delivered-To) is in none of these.
struct Derived {
    BlobId blob = 0;
    std::string envelope;      ///< IMAP ENVELOPE, ready to send
    std::string body;          ///< IMAP BODY
    std::string bodystructure; ///< IMAP BODYSTRUCTURE
    std::string facts;         ///< packed search and sort keys; format owned by service/derived
};

/// Inclusive ranges, ascending, not overlapping.
struct UidRange {
    Uid first = 0;
    Uid last = 0;
};
using UidSet = std::vector<UidRange>;

// ---- attributes
// --------------------------------------------------------------------------------------------------------

/// A small named value beside a folder, an account (folder 0) or the server (account and folder 0): metadata
/// entries, rights. What names mean is the service's business.
struct Attribute {
    AccountId account = 0;
    FolderId folder = 0;
    std::string name;
    std::string value; ///< any bytes
};
struct AttributeChange {
    std::string name;
    std::optional<std::string> value; ///< nullopt: the attribute goes
};

// ---- accept
// ---------------------------------------------------------------------------------------------------------

/// Bytes that are already in a segment but not yet named by a row; made by Spool. Dropped unused: swept
/// later.
struct SpooledBytes {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t checksum = 0;
    std::shared_ptr<const void> pin = nullptr; ///< while it lives their segment stays, although no row names them
};

/// The bytes of one message: small ones in memory, large ones already spooled. Exactly one is set.
struct Content {
    std::shared_ptr<const std::string> memory;
    std::optional<SpooledBytes> spooled;
    [[nodiscard]] std::uint64_t size() const noexcept {
        return memory ? memory->size() : spooled ? spooled->length : 0;
    }
};

/// One copy into one folder.
struct LocalCopy {
    AccountId account = 0;
    FolderId folder = 0; ///< 0: the account's INBOX
    std::uint8_t flags = 0;
    std::string keywords;
    std::string prefix; ///< header bytes of this recipient alone
    Time internal_date{};
    std::uint64_t quota = 0; ///< bytes the account may hold, 0 = no limit; checked inside the transaction
};

enum class QueueStatus : std::uint8_t { ready, active, deferred, held };

/// One recipient of one message on its way out.
struct QueueRecipient {
    std::string recipient;   ///< as given
    std::string domain;      ///< key of the destination domain
    std::string original;    ///< ORCPT as given (RFC 3461 §4.2), or empty
    std::uint8_t notify = 0; ///< queue_notify bits; 0 = not given
    Time due{};
    Time expires{}; ///< for people; the route's policy decides
    bool held = false;
    std::int8_t priority = 0; ///< -1, 0 or 1; higher goes first within a destination
};
namespace queue_notify {
inline constexpr std::uint8_t never = 1, success = 2, failure = 4, delay = 8;
}

/// What is common to all recipients of one message on its way out.
struct Envelope {
    std::string sender;      ///< empty for the null reverse-path
    std::string envelope_id; ///< ENVID
    bool return_headers_only = false; ///< RET=HDRS (RFC 3461 §4.3)
    bool return_full = false;         ///< RET=FULL
    bool smtputf8 = false;
    bool eight_bit = false; ///< BODY=8BITMIME or 8-bit bytes seen
    bool binary = false;
    bool require_tls = false;
    std::string message_id; ///< Message-ID of the header, without <>, or empty
};

/// Attributes of one account (0: the server) that become true with a message. Nobody is told of the change.
struct AttributeWrite {
    AccountId account = 0;
    std::vector<AttributeChange> changes;
};

/// One message, everything that becomes true of it at once.
struct AcceptPlan {
    Id message; ///< id of the message
    Content content;
    std::optional<Derived> derived; ///< of the content; without it whoever asks first, or the indexer, puts it there
    Envelope envelope;
    std::vector<LocalCopy> local;
    std::vector<QueueRecipient> queue;
    std::optional<Story> story;
    std::vector<AttributeWrite> attributes; ///< written unless nobody takes the message
};

struct Placed {
    FolderId folder = 0;
    std::uint32_t uid_validity = 0;
    Uid uid = 0;
    ModSeq modseq = 0;
};
struct AcceptReceipt {
    std::vector<Result<Placed>>
        local; ///< one per AcceptPlan::local; over_quota or not_found leave the others valid
    std::optional<BlobRef> bytes; ///< where the content is now; none when nobody took it
};

// ---- changes
// --------------------------------------------------------------------------------------------------------

/// What one committed transaction did to one folder, as subscribers see it.
struct FolderChange {
    AccountId account = 0;
    FolderId folder = 0;
    ModSeq modseq = 0;            ///< of this change
    std::vector<ItemRow> added;   ///< ascending UIDs
    std::vector<ItemRow> flagged; ///< items whose flags or keywords changed, new state
    std::vector<Uid> expunged;    ///< ascending
    bool folder_itself = false;   ///< created, renamed, deleted, subscribed
    bool folder_deleted = false;  ///< the folder is gone; its items are not listed in expunged
    bool attributes = false;      ///< attributes changed; with folder 0 those of the account itself
};
struct Changes {
    std::vector<FolderChange> folders;
    bool queue = false;                 ///< queue items became due or changed
    std::uint64_t revision = 0;         ///< of the resources if they changed, else 0
    std::vector<std::string> resources; ///< "kind/name" changed
};

// ---- flags, copy, expunge
// ---------------------------------------------------------------------------------------------

enum class FlagOperation : std::uint8_t { add, remove, replace };
struct FlagChange {
    FolderId folder = 0;
    UidSet uids;
    FlagOperation operation = FlagOperation::add;
    std::uint8_t flags = 0;
    std::vector<std::string> keywords;
    std::optional<ModSeq> unchanged_since; ///< RFC 7162 §3.1.3
    std::uint8_t fixed_flags = 0;          ///< flags that stay as they are whatever the operation says
    bool fixed_keywords = false;           ///< and so do all keywords
};
struct FlagReceipt {
    ModSeq modseq = 0;           ///< highest of the folder
    std::vector<ModSeq> changes; ///< of this change: ascending, one for each transaction that changed something
    std::vector<ItemRow> changed; ///< new state of the items that exist and passed unchanged_since
    std::vector<Uid> modified;    ///< failed unchanged_since
};
struct CopyReceipt {
    std::uint32_t uid_validity = 0;
    std::vector<std::pair<Uid, Uid>> pairs; ///< source, target; ascending
};

} // namespace mail::store
