// Sending: how much a mailbox may send (schema::SendingLimits, of the policy or its own), and the guard that freezes sending
// when a mailbox suddenly writes to many people it never wrote to. Asked by submission at MAIL and RCPT, counted when the
// message is accepted, in its transaction, so that counters survive a restart and cost no sync of their own. Where nothing
// is limited and nobody is frozen nothing is counted or looked up. Thread-safe.
#pragma once

#include "common/async/task.hpp"
#include "maild/service/resolution.hpp"
#include "maild/service/sending_book.hpp"
#include "maild/store/store.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace mail::service {

class Config;
class Delivery;

/// One message that is about to be accepted.
struct SendingRequest {
    MailboxPtr who;
    std::vector<Address> recipients; ///< as given; those of local domains are never new
    std::size_t earlier = 0;         ///< recipients of the message that were checked before
};

/// A message that was counted.
struct SendingTaken {
    std::vector<store::AttributeChange> changes; ///< have to become durable with it
    std::vector<RecipientMark> learned;          ///< recipients that were never written to before
};

/// What `mailctl mailbox show` tells.
struct SendingStatus {
    std::optional<SendingFreeze> frozen;
    SendingTotals hour;
    SendingTotals day;
};

class Sending {
  public:
    Sending(store::Store& store, Config& config, Delivery& delivery, const Clock& clock);
    ~Sending();
    /// Reads whose sending is frozen. Before any session.
    [[nodiscard]] Task<Result<void>> open();

    /// Whether this may be sent as far as it is known; nothing is counted. With no recipients: whether a message may begin.
    /// Errors: denied (frozen, perhaps just now: the postmaster is told), temporary (a limit; later it may), over_quota (the
    /// mailbox is too full to send).
    [[nodiscard]] Task<Result<void>> check(SendingRequest request);
    /// The same for the whole message, and counts it. When it cannot be made durable, give_back() what was taken.
    [[nodiscard]] Task<Result<SendingTaken>> take(SendingRequest request);
    void give_back(const SendingRequest& request, const SendingTaken& taken);

    [[nodiscard]] Task<Result<SendingStatus>> status(store::AccountId account);
    /// Freezing stops the next message; unfreezing also forgets today's new recipients, so that work goes on.
    [[nodiscard]] Task<Result<void>> freeze(store::AccountId account, std::string mailbox, std::string reason);
    [[nodiscard]] Task<Result<void>> unfreeze(store::AccountId account, std::string mailbox);

  private:
    struct Entry {
        SendingBook book;
    };
    using EntryPtr = std::shared_ptr<Entry>;
    [[nodiscard]] Task<Result<void>> check_stage(MailboxPtr who);
    [[nodiscard]] Task<Result<EntryPtr>> entry(store::AccountId account);
    [[nodiscard]] schema::SendingLimits limits_of(const Mailbox& mailbox) const;
    [[nodiscard]] std::vector<RecipientMark> new_ones(const SendingBook& book, const SendingRequest& request) const;
    /// Under the lock: what refuses the request; `freezes` when the guard has just struck.
    [[nodiscard]] Result<void> decide(Entry& entry, const SendingRequest& request, const schema::SendingLimits& limits,
                                      std::string& freezes);
    [[nodiscard]] Task<void> tell(MailboxPtr who, std::string reason, std::vector<store::AttributeChange> changes);

    store::Store& store_;
    Config& config_;
    Delivery& delivery_;
    const Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<store::AccountId, EntryPtr> entries_; ///< bounded; what is not here is in the store
    std::unordered_set<store::AccountId> frozen_;
    std::atomic<std::size_t> frozen_count_{0}; ///< of frozen_, to look without the lock
};

} // namespace mail::service
