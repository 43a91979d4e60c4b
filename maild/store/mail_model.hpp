// The words of mail in the store: accounts own folders, folders of a class own items, an item is bytes plus properties; what
// changing flags and copying comes to; attributes beside all of them. Plain values, no SQL, no protocol words. Used by store/*
// and whoever sees folders.
#pragma once

#include "common/base/id.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
