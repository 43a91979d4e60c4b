// Directory: who an address is. Resolves recipients through rewriting, mailboxes, aliases, groups, plus-addressing and
// catch-all, finds the mailbox of a sign-in name, and says who may send with which address. Answers from bounded caches
// that a commit on resources clears; a miss costs a few indexed rows. Thread-safe; never suspends.
#pragma once

#include "common/base/result.hpp"
#include "common/mail/address.hpp"
#include "maild/service/resolution.hpp"
#include "maild/service/srs.hpp"
#include "maild/store/change_model.hpp"

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
struct ConfigSnapshot;

/// What somebody who has signed in may do with a sender address. on_behalf: only with a Sender field that names them
/// (RFC 5322 §3.6.2).
enum class SendRight : std::uint8_t { none, on_behalf, as, own };

/// Who writes to a group.
struct Writer {
    MailboxPtr signed_in;       ///< null: nobody has
    bool trusted = false;       ///< the peer may relay: its word on the sender is taken
    std::optional<Address> sender; ///< of the envelope; nullopt: the null reverse-path
};

class Directory {
  public:
    Directory(store::Store& store, Config& config);
    ~Directory();
    /// Reads or makes the key of return addresses; before it, and without it, none are made or taken.
    [[nodiscard]] Result<void> open();

    /// Mailbox whose primary address or alias this is. Errors: not_found, internal.
    [[nodiscard]] Result<MailboxPtr> find(std::string_view address_key);
    /// Everything an address leads to. Errors: not_found (local domain, nobody there), denied (mailbox disabled),
    /// invalid (loop, named, or too many members). An address of no local domain resolves to itself in `remote`.
    /// "postmaster" without domain means the configured postmaster (RFC 5321 §4.5.1).
    [[nodiscard]] Result<ResolutionPtr> resolve(const Address& address);
    /// What a mailbox may do with a sender address: its own ones, with detail and through the rewriting of domains,
    /// aliases that lead to it, and what others have granted.
    [[nodiscard]] SendRight send_right(const Mailbox& who, const Address& sender);
    /// Whether all groups that an address stands for take mail from this writer. An address of ours in the envelope of
    /// somebody who has not signed in proves nothing.
    [[nodiscard]] bool admits(const Resolution& resolution, const Writer& writer);
    /// Whether a list of mailboxes, groups, domains and *.domain (address_pattern_format) names a mailbox.
    [[nodiscard]] bool covers(const std::vector<std::string>& patterns, const Mailbox& who);
    /// Return addresses of forwarded mail; resolve() follows them back.
    [[nodiscard]] const Srs& srs() const noexcept;
    /// To be called at every commit.
    void forget(const store::Changes& changes);

  private:
    class Resolver;
    struct State;
    [[nodiscard]] Result<ResolutionPtr> members(const std::string& group);
    [[nodiscard]] bool grants(const std::vector<std::string>& list, const Mailbox& who);
    [[nodiscard]] bool admits_one(const GroupRule& rule, const Writer& writer);
    [[nodiscard]] SendRight right_at(const Mailbox& who, const std::string& key);
    std::unique_ptr<State> state_;
};

} // namespace mail::service
