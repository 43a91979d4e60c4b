// Arguments of APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 4469) and REPLACE (RFC 8508), as pieces in the order in which they come.
// Plain values, made by append_parser while the command comes in or by parse_append from a whole frame.
#pragma once

#include "common/mail/date.hpp"
#include "maild/imap/proto/flag_list.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mail::imap {

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

} // namespace mail::imap
