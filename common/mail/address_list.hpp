// Address lists of From, To, Cc, Reply-To and Sender (RFC 5322 §3.4, obsolete forms §4.4) in the shape that
// ENVELOPE wants (RFC 9051 §7.5.2): display name, route, mailbox, host, and group markers.
// Never fails: what cannot be read is skipped or taken literally. Linear time, no recursion; comments nested
// deeper than limit::comment_depth and addresses beyond limit::header_addresses are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

struct ListedAddress {
    enum class Kind : std::uint8_t { mailbox, group_start, group_end };
    Kind kind = Kind::mailbox;
    std::string
        name; ///< display name, unquoted, encoded-words not decoded; the comment when there is no phrase
    std::string route;   ///< obsolete source route "@a,@b", or empty
    std::string mailbox; ///< local part, unquoted; a group's name for group_start
    std::string host;    ///< empty when the address had none
    [[nodiscard]] bool operator==(const ListedAddress&) const = default;
    /// "mailbox@host", local part quoted where needed; empty for group markers.
    [[nodiscard]] std::string address() const;
};

/// `raw_value` with its folding. Groups come as group_start, members, group_end; an open group is closed at
/// the end.
[[nodiscard]] std::vector<ListedAddress> parse_address_list(std::string_view raw_value);
/// Only mailboxes, without group markers.
[[nodiscard]] std::vector<ListedAddress> parse_mailboxes(std::string_view raw_value);
/// "Ann Lee <ann@example.org>" for a header we write; the name is quoted or encoded as needed.
[[nodiscard]] std::string format_mailbox(std::string_view display_name, std::string_view address);
/// Message ids "<...>" of Message-ID, In-Reply-To and References (RFC 5322 §3.6.4) with their angle brackets,
/// inner blanks removed, at most `max`; quoting and comments as RFC 5256 §2.1 wants.
[[nodiscard]] std::vector<std::string> parse_message_ids(std::string_view raw_value, std::size_t max = 1000);

} // namespace mail
