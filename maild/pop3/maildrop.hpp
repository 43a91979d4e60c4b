// A maildrop: INBOX as one POP3 session sees it, with numbers that stay what they were at sign-in (RFC 1939 §5) and the
// marks of DELE. Reads where the bytes lie for many messages at once, for clients ask for one after another. And the lock
// that makes the view exclusive (RFC 1939 §4).
#pragma once

#include "maild/service/mailboxes.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mail::pop3 {

/// The exclusive lock on a maildrop. Thread-safe.
class MaildropLocks {
  public:
    /// Null when another session has it.
    [[nodiscard]] std::shared_ptr<void> take(store::AccountId account);

  private:
    std::mutex mutex_;
    std::set<store::AccountId> taken_;
};

class Maildrop {
  public:
    struct Message {
        store::Uid uid = 0;
        std::uint32_t size = 0;
        bool deleted = false;
    };

    /// `mailboxes` outlives the maildrop. Errors: those of Mailboxes::open.
    [[nodiscard]] static Task<Result<std::unique_ptr<Maildrop>>> open(service::Mailboxes& mailboxes, service::MailboxPtr owner,
                                                                      std::shared_ptr<void> lock);

    [[nodiscard]] const std::vector<Message>& messages() const noexcept { return messages_; }
    /// Null for a number that is none, or of a message marked as deleted.
    [[nodiscard]] Message* find(const std::optional<std::uint32_t>& number);
    /// RFC 1939 §7 UIDL. UIDVALIDITY and UID never repeat together, so it is the same after restarts and restores.
    [[nodiscard]] std::string unique_id(const Message& message) const;
    void reset() noexcept;

    /// `length` bytes of the message from `offset`, fewer at its end. Errors: not_found (expunged meanwhile), and those
    /// of the store.
    [[nodiscard]] Task<Result<std::string>> read(std::uint32_t number, std::uint64_t offset, std::uint64_t length);
    /// Expunges what is marked. Errors: nothing was removed.
    [[nodiscard]] Task<Result<void>> update();

  private:
    Maildrop(service::Mailboxes& mailboxes, service::MailboxPtr owner) : mailboxes_(mailboxes), owner_(std::move(owner)) {}
    [[nodiscard]] Task<Result<void>> look_ahead(std::uint32_t number, std::size_t count);
    [[nodiscard]] const store::ItemBody* body_of(store::Uid uid) const;

    service::Mailboxes& mailboxes_;
    service::MailboxPtr owner_;
    std::shared_ptr<void> lock_;
    std::shared_ptr<service::Mailboxes::OpenFolder> inbox_;
    std::uint32_t uid_validity_ = 0;
    std::vector<Message> messages_;
    std::vector<store::ItemBody> bodies_; ///< of the messages to be asked for next, ascending
    std::uint32_t expected_ = 0;          ///< the number that an orderly client asks for next
};

} // namespace mail::pop3
