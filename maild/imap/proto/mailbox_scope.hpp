// Which mailboxes a command means by kind instead of name: the filter-mailboxes of RFC 5465 §6, used by NOTIFY and by the
// ESEARCH command of RFC 7377; and what NOTIFY asks to be told of each.
#pragma once

#include "maild/imap/proto/fetch_items.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mail::imap {

struct MailboxScope {
    enum class Kind : std::uint8_t {
        selected, selected_delayed, inboxes, personal, subscribed,
        subtree,     ///< the named ones and all below
        subtree_one, ///< the named ones and those one level below (RFC 7377 §2.2)
        mailboxes,   ///< the named ones
    };
    Kind kind = Kind::selected;
    std::vector<std::string> names; ///< raw
    [[nodiscard]] bool is_selected() const noexcept { return kind == Kind::selected || kind == Kind::selected_delayed; }
};

/// Bits of the events of RFC 5465 §5.
enum class NotifyEvent : std::uint16_t {
    message_new = 1, message_expunge = 2, flag_change = 4, annotation_change = 8, mailbox_name = 16,
    subscription_change = 32, mailbox_metadata = 64, server_metadata = 128,
};

/// One event-group: "(personal (MessageNew MessageExpunge))"; no events for NONE.
struct NotifyGroup {
    MailboxScope scope;
    std::uint16_t events = 0;
    bool unknown_event = false; ///< one was named that is not known
    FetchItems fetch; ///< of MessageNew in the selected mailbox
    [[nodiscard]] bool has(NotifyEvent event) const noexcept { return (events & static_cast<std::uint16_t>(event)) != 0; }
};

} // namespace mail::imap
