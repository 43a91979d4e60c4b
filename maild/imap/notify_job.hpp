// What one session asked NOTIFY for (RFC 5465), and what it was told of each mailbox: a wake-up compares the store with that,
// so whatever happened in between is told once, and nothing is queued.
#pragma once

#include "maild/imap/connection.hpp"

#include <map>
#include <set>

namespace mail::imap {

struct Session::Notifications {
    struct Rule {
        ScopeMatcher scope;
        NotifyGroup group;
    };
    struct Known {
        std::string name;
        store::Uid uid_next = 0;
        std::uint32_t messages = 0;
        store::ModSeq modseq = 0;
        service::Mailboxes::Metadata metadata;
        bool seen = false; ///< in the listing being compared
    };
    std::vector<Rule> rules;             ///< the first that matches a mailbox counts
    std::optional<NotifyGroup> selected; ///< of the selected mailbox; absent: as without NOTIFY
    std::map<store::FolderId, Known> known;
    std::set<std::string> subscriptions;
    service::Mailboxes::Metadata server_metadata;
    std::map<store::AccountId, service::ChangeBus::Token> watches;
    [[nodiscard]] bool wants(NotifyEvent event) const;
};

} // namespace mail::imap
