// Resolution: what one recipient address stands for, and how that was found. Made and cached by the Directory; immutable
// and shared. Also the mailbox as sessions and delivery see it.
#pragma once

#include "common/mail/address.hpp"
#include "common/schema/kinds/sending.hpp"
#include "maild/store/mail_model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::service {

enum class Protocol : std::uint8_t { smtp, submission, lmtp, imap, pop3, ews, dav, managesieve };
[[nodiscard]] std::string_view protocol_name(Protocol protocol) noexcept;

/// One mailbox as sessions and delivery need it. Immutable; a change makes a new one.
struct Mailbox {
    std::string address; ///< as the administrator wrote it
    std::string key;     ///< address_key
    store::AccountId account = 0;
    std::string display_name;
    std::string verifier; ///< "{SCRAM-SHA-256}..." or empty: no sign-in
    bool enabled = true;
    bool forward_only = false;
    std::uint64_t quota = 0;      ///< bytes; 0: no limit
    std::uint64_t quota_warn = 0; ///< bytes; 0: nobody is warned
    std::uint64_t quota_send = 0; ///< bytes; 0: sending never stops
    std::uint64_t recoverable_size = 0; ///< bytes that its expunged messages may take; 0: no limit
    std::vector<std::string> protocols; ///< names allowed; empty: all
    std::vector<std::string> forward;   ///< addresses that get a copy of everything
    std::vector<std::string> addresses; ///< keys it may send as: its own, its aliases
    std::vector<std::string> send_as;   ///< keys of mailboxes and groups that may send with these addresses too
    std::vector<std::string> send_on_behalf;
    std::optional<schema::SendingLimits> sending; ///< instead of the policy's
    [[nodiscard]] bool allows(Protocol protocol) const;
    [[nodiscard]] bool owns(std::string_view address_key) const;
};
using MailboxPtr = std::shared_ptr<const Mailbox>;

/// An address outside, or one that an internal or external relay domain passes on.
struct RemoteAddress : Address {
    bool forwarded = false; ///< an address of ours led there: the world must not see the original sender in the envelope
};

/// One step from the address given to those that get the mail.
struct ResolutionStep {
    enum class How : std::uint8_t {
        mailbox, alias, group, forward, detail, rewrite, domain_alias, catch_all, postmaster, relay, outside, report,
        disabled, missing, loop
    };
    How how{};
    std::string from;
    std::string to; ///< empty where the step ends the way
    /// "group staff@example.org has the member ann@example.org"
    [[nodiscard]] std::string text() const;
    /// "alias", "group" ... where the step leads on from `from`; empty where the way ends.
    [[nodiscard]] std::string_view word() const noexcept;
};

/// Who may write to a group (schema::Group).
struct GroupRule {
    std::string group;
    enum class From : std::uint8_t { inside, members, listed } from{};
    std::vector<std::string> listed;
};

struct Resolution {
    std::vector<MailboxPtr> mailboxes; ///< final local mailboxes, each once
    std::vector<RemoteAddress> remote; ///< addresses outside (alias or group members, or the address itself), each once
    bool is_local_domain = false;
    bool hold = false; ///< mail for `remote` waits for an administrator (postmaster without a mailbox)
    bool only_reports = false; ///< an address that takes reports about forwarded mail alone (SRS)
    std::vector<GroupRule> rules;      ///< of the groups that the address itself stands for; members may be more open
    std::vector<ResolutionStep> steps; ///< how it was found; at most limit::resolution_steps
};
using ResolutionPtr = std::shared_ptr<const Resolution>;

} // namespace mail::service
