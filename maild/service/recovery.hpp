// Recovery: finds expunged messages of a mailbox and puts them back. Verbs for the administrator's side; IMAP and POP3
// sessions see what comes back like new messages. Thread-safe.
#pragma once

#include "maild/service/mailboxes.hpp"
#include "maild/store/recovery_model.hpp"

namespace mail::service {

/// Conditions that must all hold; texts are looked for anywhere, without regard to case.
struct RecoverableFilter {
    std::vector<store::RecoverableId> ids; ///< not empty: only these
    std::string folder;                    ///< and those below it; as it was called at that time
    std::optional<Time> since;             ///< expunged then or later
    std::optional<Time> until;             ///< expunged before
    std::string from;
    std::string subject;
};
struct Recoverable {
    store::RecoverableItem item; ///< without its prefix
    std::string from;            ///< for people
    std::string subject;
};
struct RecoverablePage {
    std::vector<Recoverable> items;
    store::RecoverableId next = 0; ///< go on beyond it; 0: that was all
};
struct RestoreOrder {
    RecoverableFilter filter;
    std::string folder;              ///< empty: each where it was
    store::RecoverableId beyond = 0; ///< where the call before ended
    bool dry_run = false;
};
struct RestoreOutcome {
    std::vector<std::pair<std::string, std::size_t>> folders; ///< how many messages came into which
    std::size_t restored = 0;
    std::uint64_t bytes = 0;
    std::vector<store::RecoverableId> missing;
    bool over_quota = false; ///< the mailbox is full; the rest was left
    store::RecoverableId next = 0;
};

class Recovery {
  public:
    Recovery(store::Store& store, Mailboxes& mailboxes) : store_(store), mailboxes_(mailboxes) {}

    /// At most `limit`, the last expunged first; looks at limit::recoverable_scan messages at most, so that a page may be
    /// short or empty and yet not the last. Errors: too_large (ids).
    [[nodiscard]] Task<Result<RecoverablePage>> list(store::AccountId account, RecoverableFilter filter,
                                                     store::RecoverableId beyond, std::size_t limit);
    /// The oldest first, so that messages keep their order. Call again while `next` is not 0. What was restored before is
    /// not restored again.
    [[nodiscard]] Task<Result<RestoreOutcome>> restore(MailboxPtr owner, RestoreOrder order);

  private:
    struct Scan {
        RecoverableFilter filter;
        store::RecoverableId beyond = 0;
        std::size_t limit = 0;
        bool newest_first = true;
        bool heads = true; ///< From and Subject are wanted, whatever the filter asks
    };
    [[nodiscard]] Task<Result<RecoverablePage>> scan(store::AccountId account, Scan scan);
    [[nodiscard]] Task<void> read_head(Recoverable& into);
    [[nodiscard]] Task<Result<store::FolderId>> target(MailboxPtr owner, std::string name, bool dry_run);

    store::Store& store_;
    Mailboxes& mailboxes_;
};

} // namespace mail::service
