// Writing IMAP responses (RFC 9051 §7): small functions that append to the session's output buffer, so that one buffer
// serves thousands of FETCH lines without an allocation each. Strings come out as atom, quoted or literal, whichever is
// needed: nothing a client stored can break a line (response splitting).
#pragma once

#include "common/base/error.hpp"
#include "maild/imap/proto/sequence_set.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace mail::imap {

void append_number(std::string& out, std::uint64_t number);
void append_all(std::string& out, std::initializer_list<std::string_view> pieces);
/// Atom when it may be one, else quoted or literal. `utf8`: the session takes UTF-8 in quoted strings.
void append_astring(std::string& out, std::string_view value, bool utf8 = false);
/// `name` is UTF-8; sessions without UTF-8 get modified UTF-7 (RFC 3501 §5.1.3).
void append_mailbox(std::string& out, std::string_view name, bool utf8);
/// "(\Seen \Flagged $Work)"; `keywords` is space separated.
void append_flags(std::string& out, std::uint8_t system, std::string_view keywords);
/// "* 3 FETCH (", or with `uid_only` "* 17 UIDFETCH (" (RFC 9586 §3.3).
void append_fetch_start(std::string& out, std::uint32_t number, std::uint32_t uid, bool uid_only);
/// "{n}\r\n", or "~{n}\r\n" for a literal8; the bytes follow.
void append_literal_header(std::string& out, std::uint64_t size, bool literal8 = false);

/// "tag OK [code] text\r\n"; `code` without brackets may be empty; "*" as tag for an untagged one.
void append_status(std::string& out, std::string_view tag, std::string_view condition, std::string_view code,
                   std::string_view text);
/// NO with the response code of RFC 5530 that belongs to the error, and the error's own sentence.
void append_failure(std::string& out, std::string_view tag, const Error& error);

/// "* LIST (\Noselect) "/" name ("CHILDINFO" ("SUBSCRIBED"))"
struct ListLine {
    std::string_view verb = "LIST";
    std::string attributes = {}; ///< space separated
    std::string_view name = {};
    bool child_subscribed = false; ///< RFC 5258 §3.5
    std::string_view old_name = {};     ///< RFC 9051 §6.3.9.7; empty: none
};
void append_list(std::string& out, const ListLine& line, bool utf8);

/// "* ESEARCH (TAG "a1") UID MIN 1 ..." (RFC 4731).
struct SearchSummary {
    std::string_view tag = {};
    bool uid = false;
    std::optional<std::uint32_t> min = {}, max = {};
    const NumberList* all = nullptr;
    const NumberList* part = nullptr;  ///< with part_of: PARTIAL (RFC 9394)
    std::string part_of = {};          ///< the range as asked
    std::optional<std::uint64_t> count = {};
    std::optional<std::uint64_t> modseq = {};
    std::string_view mailbox = {};     ///< as append_mailbox() wrote it, for results of several mailboxes (RFC 7377)
    std::uint32_t uid_validity = 0;    ///< with mailbox
};
void append_esearch(std::string& out, const SearchSummary& summary);

} // namespace mail::imap
