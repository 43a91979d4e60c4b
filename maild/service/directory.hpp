// Directory: who an address is. Resolves recipients through mailboxes, aliases, groups, plus-addressing and catch-all, and
// finds the mailbox of a sign-in name. Answers from a bounded cache that a commit on resources clears; a miss costs one
// indexed row. Thread-safe; never suspends.
#pragma once

#include "common/base/result.hpp"
#include "common/mail/address.hpp"
#include "maild/store/model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::store {
class Store;
struct Changes;
}

namespace mail::service {

class Config;

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
    std::uint64_t quota = 0; ///< bytes; 0: no limit
    std::vector<std::string> protocols; ///< names allowed; empty: all
    std::vector<std::string> forward;   ///< addresses that get a copy of everything
    std::vector<std::string> addresses; ///< keys it may send as: its own, its aliases
    [[nodiscard]] bool allows(Protocol protocol) const;
    [[nodiscard]] bool may_send_as(std::string_view address_key) const;
};
using MailboxPtr = std::shared_ptr<const Mailbox>;

/// One hop from a recipient address to what it stands for: "alias" sales@example.org, "forward" of ann@example.org.
struct ResolutionHop {
    std::string_view what; ///< a literal: alias, group, forward, catch-all, detail, postmaster
    std::string address;   ///< the address that the hop leads on from
};

/// What one recipient address stands for.
struct Resolution {
    std::vector<MailboxPtr> mailboxes; ///< final local mailboxes, each once
    std::vector<Address> remote;       ///< addresses outside (alias or group members, or the address itself)
    bool is_local_domain = false;
    std::vector<ResolutionHop> hops;   ///< in the order they were followed, at most limit::story_hops
    bool hold = false; ///< mail for `remote` waits for an administrator (postmaster without a mailbox)
};

class Directory {
  public:
    Directory(store::Store& store, Config& config);
    ~Directory();

    /// Mailbox whose primary address or alias this is. Errors: not_found, internal.
    [[nodiscard]] Result<MailboxPtr> find(std::string_view address_key);
    /// Everything an address leads to. Errors: not_found (local domain, nobody there), denied (mailbox disabled),
    /// invalid (loop or too many members). An address of no local domain resolves to itself in `remote`.
    /// "postmaster" without domain means the configured postmaster (RFC 5321 §4.5.1).
    [[nodiscard]] Result<std::shared_ptr<const Resolution>> resolve(const Address& address);
    /// To be called at every commit.
    void forget(const store::Changes& changes);

  private:
    class Resolver;
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace mail::service
