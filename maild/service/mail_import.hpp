// MailImport: messages from elsewhere into one mailbox, many at a time, each batch durable as a whole. A message that the folder
// already holds, equal in INTERNALDATE and every byte, is not added again: what was interrupted is simply repeated.
// Called by the admin API, one per connection; it keeps the folder it fills open between batches.
#pragma once

#include "maild/service/mailboxes.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mail::service {

class MailImport {
  public:
    MailImport(Mailboxes& mailboxes, MailboxPtr owner) : mailboxes_(mailboxes), owner_(std::move(owner)) {}

    struct Message {
        std::string_view bytes; ///< outlives the call
        std::uint8_t flags = 0;
        std::vector<std::string> keywords;
        Time date{};            ///< INTERNALDATE; counted in whole seconds
        std::uint32_t copy = 1; ///< the how-manieth of equal messages in the source
    };
    struct Outcome {
        std::vector<store::Uid> uids; ///< one per message; 0 where it would be added
        std::size_t added = 0;
    };
    /// The folder of that name, made and subscribed when it is missing; only looked up, and nullopt then, when `dry_run`.
    [[nodiscard]] Task<Result<std::optional<store::Folder>>> folder(std::string name, bool dry_run);
    /// All or none. Errors: as Mailboxes::append.
    [[nodiscard]] Task<Result<Outcome>> add(store::FolderId folder, std::vector<Message> messages, bool dry_run);
    [[nodiscard]] const Mailbox& owner() const noexcept { return *owner_; }

  private:
    [[nodiscard]] Task<Result<std::vector<store::Uid>>> find_present(const std::vector<Message>& messages);
    [[nodiscard]] Task<Result<void>> learn_digests(std::vector<store::Uid> uids);
    [[nodiscard]] Task<Result<Mailboxes::NewItem>> item_of(const Message& message);

    Mailboxes& mailboxes_;
    MailboxPtr owner_;
    std::shared_ptr<Mailboxes::OpenFolder> open_;
    /// Of items of that folder that were compared; an item never changes, so each is read once, however many messages share
    /// its date and size (a tree copied without its times).
    std::unordered_map<store::Uid, std::string> digests_;
};

} // namespace mail::service
