// SearchProgram: the keys of SEARCH (RFC 9051 §6.4.4) as a flat vector in prefix order: an operator stands before its
// operands, and `span` counts the nodes of a whole subtree, itself included. So evaluating or skipping needs no recursion
// over attacker-made depth (the parser stops at limit::imap_nesting and limit::imap_search_keys).
#pragma once

#include "common/base/time.hpp"
#include "maild/imap/proto/sequence_set.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mail::imap {

enum class KeyKind : std::uint8_t {
    all_of,  ///< every operand: the program itself and parentheses
    any_of,  ///< OR: two operands
    none_of, ///< NOT: one operand
    all,
    nothing,      ///< keys that no message can match: NEW, RECENT (there is no \Recent here)
    system_flag,  ///< `number`: bit of proto FlagBit
    keyword,      ///< `text`
    header,       ///< `name`, `text`; empty text: the field is there
    from, to, cc, bcc, subject, ///< `text`
    body, text,                 ///< `text`
    before, on, since,          ///< `time`: internal date
    sent_before, sent_on, sent_since, ///< `time`: Date field
    saved_before, saved_on, saved_since, ///< RFC 8514
    larger, smaller,  ///< `number` of bytes
    older, younger,   ///< `number` of seconds (RFC 5032)
    sequence, uid,    ///< `set`
    modseq,           ///< `number` or later (RFC 7162 §3.1.5)
    email_id, thread_id, ///< `text` (RFC 8474)
};

struct SearchKey {
    KeyKind kind = KeyKind::all;
    std::uint32_t span = 1;
    std::uint64_t number = 0;
    Time time{};
    std::string name;
    std::string text; ///< in the charset of the command until the session converts it
    SequenceSet set{};
};

struct SearchProgram {
    std::vector<SearchKey> keys; ///< keys[0] is all_of over the rest
    bool uses_modseq = false;    ///< enables CONDSTORE (RFC 7162 §3.1.5)
};

} // namespace mail::imap
