// How the store is and what keeps it in order: counters, where the space goes, and what one turn of housekeeping may do and
// did. Plain values of Store::stats, space and maintain.
#pragma once

#include "common/base/limits.hpp"
#include "maild/store/mail_model.hpp"

namespace mail::store {

struct StoreStats {
    std::uint64_t commits = 0;
    std::uint64_t transactions = 0;
    std::uint64_t segment_syncs = 0;
    std::uint64_t waiting = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t blobs = 0;      ///< blobs that something refers to
    std::uint64_t blob_bytes = 0; ///< their bytes
    std::uint64_t longest_turn = 0; ///< microseconds the writer was busy with one batch at most, since the start
    bool stalled = false; ///< the disk does not answer
    bool failed = false; ///< an I/O error was seen; nothing is written any more and maild must restart
};

/// What one turn of maintenance may do; call again while Maintained::more, with its accounts_after.
struct Maintenance {
    Time recoverable_before{}; ///< items expunged before go for good, unless their account or its domain has an age of its own
    std::uint64_t recoverable_bytes = 0; ///< beyond so many of one account its oldest go as well; 0: no bound
    Time removed_before{};     ///< accounts removed before go for good
    struct DomainAge {         ///< a domain's own; 0: as for all
        std::string domain;
        Duration recoverable{};
        Duration removed{};
    };
    std::vector<DomainAge> domains;
    /// Recoverable items are looked at account by account, those of held ones not at all. nullopt: this turn at none.
    std::optional<AccountId> accounts_after = 0;
    Time stories_before{};     ///< stories and their events older than this go
    std::uint64_t stories_bytes = 0; ///< beyond so many bytes the oldest go as well; 0: no bound
    std::size_t slice = 500;   ///< rows and accounts of one turn, so that no turn holds up mail
    unsigned compact_percent = limit::compact_percent; ///< full segments with less in use are compacted; 0: none
    std::size_t vanished_ranges = limit::vanished_ranges; ///< kept for one folder
};
struct Maintained {
    std::size_t items = 0;    ///< messages that are gone for good
    std::vector<std::string> accounts; ///< names of removed accounts that are gone for good
    std::optional<AccountId> accounts_after; ///< nullopt: all accounts were looked at
    std::size_t stories = 0;  ///< stories and events that went
    std::size_t segments = 0; ///< segment files without any live byte that were removed
    std::uint64_t freed_bytes = 0; ///< that those files took on the disk
    std::size_t moved = 0;    ///< messages that compaction copied out of thin segments
    std::uint64_t moved_bytes = 0;
    std::size_t damaged = 0;  ///< messages whose bytes it found damaged: they stay where they are, and their segment too
    std::size_t vanished = 0; ///< ranges of expunged UIDs that were forgotten
    bool more = false;
};

/// Where the space goes.
struct SpaceReport {
    std::uint64_t segments = 0;
    std::uint64_t segment_bytes = 0;  ///< up to the end of what was written
    std::uint64_t live_bytes = 0;     ///< of them, what rows name
    std::uint64_t thin_segments = 0;  ///< full ones with less in use than the asked percentage
    std::uint64_t reclaimable = 0;    ///< bytes that compacting those gives back
    std::uint64_t database_bytes = 0; ///< with its log
    std::uint64_t free_bytes = 0;     ///< of the file system
};

} // namespace mail::store
