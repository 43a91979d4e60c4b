// One search on its way through a folder, and searches whose results are kept up to date (RFC 5267).
#pragma once

#include "maild/imap/connection.hpp"

namespace mail::imap {

/// The folder is the selected one, or one that ESEARCH IN names (RFC 7377).
struct Session::SearchRun {
    SearchPlanPtr plan;
    store::FolderId folder = 0;
    service::SnapshotPtr snapshot;
    /// Of an update: messages not changed after `since` are found when `known` holds their UIDs.
    store::ModSeq since = 0;
    std::vector<NumberRange> known;
    /// For progress (RFC 9585); no tag: nothing is told.
    std::string tag;
    SteadyTime told{};
    std::uint64_t done = 0;
    std::uint64_t total = 0;
};

/// SEARCH or SORT RETURN (UPDATE), until CANCELUPDATE or another mailbox is selected.
struct Session::SearchContext {
    std::string tag;
    bool uid = false;
    SearchArguments arguments;
    std::vector<SortCriterion> criteria; ///< of SORT
    std::vector<store::Uid> found;       ///< in the order told
    service::SnapshotPtr seen;           ///< as of which `found` was told
};

} // namespace mail::imap
