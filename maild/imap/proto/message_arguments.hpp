// Arguments of the commands on messages: SEARCH and what is built on it, FETCH, STORE, COPY, MOVE, EXPUNGE. Plain values, made
// by parse_search, parse_fetch and parse_store; sets are not yet held against the mailbox.
#pragma once

#include "maild/imap/proto/fetch_items.hpp"
#include "maild/imap/proto/flag_list.hpp"
#include "maild/imap/proto/mailbox_scope.hpp"
#include "maild/imap/proto/search_key.hpp"
#include "maild/imap/proto/sequence_set.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mail::imap {

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

} // namespace mail::imap
