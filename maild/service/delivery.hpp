// Delivery: turns one accepted message into one AcceptPlan (who gets it where, what is queued) and commits it. Used by SMTP,
// submission, LMTP sessions, and by the queue for its reports. Thread-safe.
#pragma once

#include "common/async/task.hpp"
#include "common/mail/address.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/report_original.hpp"
#include "maild/service/story_steps.hpp"
#include "maild/store/store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mail::service {

/// Takes the stories of transactions that were refused.
class StorySink {
  public:
    virtual ~StorySink() = default;
    /// `address` is the peer's. Never waits.
    virtual void refused(store::Story story, std::string_view address) = 0;
};

/// One RCPT TO that was accepted.
struct AcceptedRecipient {
    Address address;
    std::shared_ptr<const Resolution> resolution;
    std::string original;    ///< ORCPT, still as given
    std::uint8_t notify = 0; ///< store::queue_notify bits
};

/// One message from one session, ready to become durable.
struct Incoming {
    Id id; ///< also in its Received field
    store::Content content; ///< with our Received field in front, without Return-Path
    store::Envelope envelope;
    std::vector<AcceptedRecipient> recipients;
    Time release{};            ///< not sent before (RFC 4865)
    std::int8_t priority = 0;  ///< of what is queued
    std::string peer; ///< "client.example [192.0.2.1]", for the story
    std::string session;
    StorySteps steps;    ///< what happened to it so far
    std::string subject; ///< decoded; for the story
    std::vector<std::string> refused; ///< recipients of this transaction that were refused; for the story
    std::vector<store::AttributeWrite> attributes{}; ///< become true with the message
    bool each_answered = false; ///< LMTP: the session tells every recipient's end, so no report is sent
};

/// The end of one recipient, in the order of Incoming::recipients; LMTP answers each, SMTP the worst that is certain.
struct DeliveryReceipt {
    std::vector<Result<void>> recipients;
};

class Delivery {
  public:
    Delivery(store::Store& store, Config& config, Directory& directory, const Clock& clock);
    virtual ~Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /// One durable transaction. The whole call fails (no_space, temporary ...) or every recipient has its own end:
    /// over_quota for one leaves the others delivered.
    [[nodiscard]] Task<Result<DeliveryReceipt>> accept(Incoming incoming);
    /// Plans a report of ours (delivery status notification) to `sender`: local mailboxes or queue entries. not_found when
    /// nobody is there.
    [[nodiscard]] Result<store::AcceptPlan> plan_report(const Address& sender, std::string message);
    /// Whether a queue item is for one of our mailboxes: a message that was to be released later, and is now (RFC 4865).
    [[nodiscard]] bool is_here(const store::QueueItem& item) const;
    /// Plans such an item into its mailbox, whatever the quota: it was accepted long ago. Errors: not_found, denied.
    [[nodiscard]] Result<store::AcceptPlan> plan_released(const store::QueueItem& item, std::string message) const;
    /// Whether a message that came now would be taken. Errors: no_space, temporary, closed.
    [[nodiscard]] Result<void> check_room() { return store_.mail().room_for_mail(); }
    /// Plans a letter of ours to one of our mailboxes. `text`: UTF-8, lines end with CR LF. Errors: as plan_report().
    [[nodiscard]] Result<store::AcceptPlan> plan_notice(const std::string& to, std::string subject, std::string text);
    /// Whether all that an address stands for are mailboxes here without room for so many bytes more; 0: for anything.
    /// Errors: over_quota. What fails otherwise is left to the message's own transaction.
    [[nodiscard]] Task<Result<void>> check_quota(std::shared_ptr<const Resolution> resolution, std::uint64_t size);
    /// A message of ours to the postmaster about something an administrator should know. What fails is logged.
    [[nodiscard]] Task<void> notify_postmaster(std::string subject, std::string text);
    /// Bytes of a large message as they arrive.
    [[nodiscard]] virtual Result<std::unique_ptr<store::Spool>> spool(std::uint64_t size_hint);
    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
    /// Where transactions that were refused are told; null, the default: nowhere.
    void set_stories(StorySink* stories) noexcept { stories_ = stories; }
    [[nodiscard]] StorySink* stories() const noexcept { return stories_; }
    /// Nothing is kept: what happens is only told (service::Rehearsal).
    [[nodiscard]] virtual bool is_rehearsal() const noexcept { return false; }

  protected:
    /// Makes a plan durable.
    [[nodiscard]] virtual Task<Result<store::AcceptReceipt>> commit(store::AcceptPlan plan);
    [[nodiscard]] store::Store& store() const noexcept { return store_; }

  private:
    struct Planned;
    [[nodiscard]] Planned plan(Incoming& incoming) const;
    /// The sender that the world sees: masqueraded, or ours where mail is only forwarded (SRS).
    [[nodiscard]] std::string outgoing_sender(const Incoming& incoming) const;
    /// An accepted message, for reports about it: in memory, or where the store has it.
    struct Accepted {
        std::shared_ptr<const std::string> memory;
        std::optional<store::BlobRef> stored;
    };
    [[nodiscard]] Task<ReportOriginal> original_of(const Accepted& message, bool whole);
    /// What SMTP's one reply did not say.
    [[nodiscard]] Task<void> report(const Incoming& incoming, const DeliveryReceipt& receipt, const Accepted& message);
    /// To senders who asked for it.
    [[nodiscard]] Task<void> report_success(const Incoming& incoming, const DeliveryReceipt& receipt, const Accepted& message);

    store::Store& store_;
    Config& config_;
    Directory& directory_;
    const Clock& clock_;
    StorySink* stories_ = nullptr;
};

} // namespace mail::service
