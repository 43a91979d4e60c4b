// What is gone and can come back: expunged messages, removed accounts, and what decides how long they stay. Plain values of
// RecoveryStore. A hold keeps everything of an account: nothing of it goes for good while it stands.
#pragma once

#include "maild/store/mail_model.hpp"

namespace mail::store {

using RecoverableId = std::int64_t; ///< positive; ascends with the time of the expunge; never reused

/// How long what an account loses is kept; its resource says so (ResourceWrite), and it outlives the resource.
struct AccountKeeping {
    Duration recoverable{};             ///< 0: as Maintenance says
    std::uint64_t recoverable_bytes = 0; ///< 0: as Maintenance says
    Time held_until{};                  ///< Time::max(): until somebody lifts the hold; in the past: no hold
    [[nodiscard]] bool held(Time now) const noexcept { return held_until > now; }
};

/// A message that was expunged. Its bytes are `prefix` followed by the blob.
struct RecoverableItem {
    RecoverableId id = 0;
    FolderId folder = 0;     ///< it was in; may be gone, and 0 where that is not known
    std::string folder_name; ///< at that time
    Uid uid = 0;             ///< it had there
    std::uint8_t flags = 0;
    std::string keywords;
    Time internal_date{};
    Time saved{};
    Time expunged{};
    std::uint32_t size = 0;
    std::string prefix;
    BlobRef blob;
};
struct RecoverablePage {
    RecoverableId beyond = 0; ///< where the page before ended; 0: from the start
    bool newest_first = true;
    std::size_t limit = 100;
    std::vector<RecoverableId> ids; ///< not empty: only these
};
struct RecoverableUse {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    std::optional<Time> oldest; ///< when the first of them was expunged
    AccountKeeping keeping;
    std::optional<Time> held_since;
};

struct RestoreRequest {
    AccountId account = 0;
    std::vector<RecoverableId> ids; ///< in the order in which they get their UIDs
    FolderId folder = 0;            ///< 0: each into the folder it was in, which is made again when it is gone
    std::uint64_t quota = 0;        ///< bytes the account may hold; 0: no limit
};
struct RestoredItem {
    RecoverableId id = 0;
    FolderId folder = 0;
    std::string folder_name;
    Uid uid = 0;
    std::uint32_t size = 0;
};
struct RestoreReceipt {
    std::vector<RestoredItem> items;
    std::vector<RecoverableId> missing; ///< came back before, or are gone for good
    bool over_quota = false;            ///< the rest found no room
};

/// What the age of an item counts from.
enum class AgeOf : std::uint8_t { saved, received }; ///< when it came into its folder; its internal date
struct AgeRule {
    FolderId folder = 0;
    Time before{};
    AgeOf age = AgeOf::saved;
};
struct OldItems {
    std::vector<Uid> uids; ///< ascending
    std::uint64_t bytes = 0;
    std::optional<Time> oldest;
    bool more = false;
};
struct Expiry {
    AgeRule rule;
    std::vector<Uid> uids;  ///< ascending; those that are still as old as the rule asks go
    bool for_good = false;  ///< not into recoverable items, unless the account is held
};
struct Expired {
    std::size_t recoverable = 0; ///< went to recoverable items
    std::size_t for_good = 0;
};

/// An account whose resource was removed. It can be connected again until its time has come.
struct RemovedAccount {
    AccountId id = 0;
    std::string kind;
    std::string name;
    Time created{};
    Time removed{};
    AccountKeeping keeping;
    std::string spec; ///< of the resource as it was; empty when it went before specs were kept
    std::string set;
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    bool purging = false; ///< some of it is gone for good: too late
};

} // namespace mail::store
