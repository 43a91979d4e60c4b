// mailbox: where the mail of one person, team, room or device is kept. Found by the directory through address
// index.
#pragma once

#include "common/schema/kind.hpp"
#include "common/schema/kinds/sending.hpp"

namespace mail::schema {

struct Mailbox {
    std::string address;       ///< the name: address_key form
    std::string type = "user"; ///< user shared room equipment
    std::string display_name;
    Bytes quota = 0;                    ///< 0: the domain's default_quota
    Bytes quota_warn = 0;               ///< 0: nine tenths of the quota, or what the domain says of its own
    Bytes quota_send = 0;               ///< 0: sending never stops, or what the domain says of its own
    SecretSetting password;             ///< in the store a hash; absent: no sign-in
    std::vector<std::string> aliases;   ///< further addresses of this mailbox
    std::vector<std::string> protocols; ///< services allowed; empty: all
    std::optional<SendingLimits> sending; ///< instead of the policy's
    bool enabled = true;
    std::int64_t capacity = 0;        ///< seats of a room
    std::vector<std::string> forward; ///< addresses that get a copy of everything
    bool forward_only = false;        ///< nothing is kept here while `forward` names somebody
    std::vector<std::string> send_as;        ///< mailboxes and groups that may send with this mailbox's addresses
    std::vector<std::string> send_on_behalf; ///< the same, but named in Sender (RFC 5322 §3.6.2)
    bool litigation_hold = false;            ///< nothing of it goes for good
    std::string hold_until;                  ///< when the hold ends by itself; empty: when it is lifted
    std::string hold_comment;
    Duration recoverable_keep{};             ///< 0: as its domain and the policy say
    Bytes recoverable_size = 0;              ///< 0: as the policy says
    std::string timezone;             ///< IANA name; empty: the server's
};

extern const Kind mailbox_kind;
template <> inline const Kind& kind_of<Mailbox>() {
    return mailbox_kind;
}

} // namespace mail::schema
