// QuotaWatch: tells the owners of mailboxes that fill up, or whose deleted messages take much room. Looks at a mailbox soon
// after something came into it or went out of it, and once at all of them at its start and when a domain or the policy
// changes; never in the way of a delivery. The mail and the note that it was sent become true in one transaction, so a crash
// neither loses nor doubles it.
#pragma once

#include "common/async/signal.hpp"
#include "common/async/task.hpp"
#include "maild/service/changes.hpp"
#include "maild/service/quota.hpp"
#include "maild/store/store.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_set>

namespace mail::service {

class Delivery;
class Directory;

class QuotaWatch {
  public:
    /// All outlive this.
    QuotaWatch(store::Store& store, Directory& directory, Delivery& delivery, ChangeBus& bus, const Clock& clock);

    /// Until close(). One at a time.
    [[nodiscard]] Task<void> run();
    void close();
    /// One look at one mailbox; true when its owner was told something. Errors: those of the store.
    [[nodiscard]] Task<Result<bool>> look(std::string mailbox);
    /// Letters written since the start.
    [[nodiscard]] std::uint64_t letters() const noexcept { return letters_; }

  private:
    void note(const store::Changes& changes);
    [[nodiscard]] Task<void> look_at_changed();
    [[nodiscard]] Task<void> look_at_all();
    [[nodiscard]] Task<void> try_look(std::string mailbox);
    /// What takes room; each is told of by itself.
    struct Room {
        bool recoverable = false;
        QuotaStage stage = QuotaStage::fine;
        std::uint64_t used = 0;
        [[nodiscard]] const char* attribute() const noexcept { return recoverable ? "quota-recoverable" : "quota"; }
    };
    [[nodiscard]] Task<Result<bool>> see(MailboxPtr mailbox, Room room);
    [[nodiscard]] Task<Result<void>> tell(MailboxPtr mailbox, Room room, QuotaNotice notice);

    store::Store& store_;
    Directory& directory_;
    Delivery& delivery_;
    const Clock& clock_;
    async::Signal wake_;
    std::mutex mutex_;
    std::unordered_set<store::AccountId> accounts_; ///< that changed; under mutex_
    std::unordered_set<std::string> names_;         ///< mailboxes whose settings changed; under mutex_
    bool all_ = true;                               ///< under mutex_
    std::atomic<bool> closed_ = false;
    std::atomic<std::uint64_t> letters_ = 0;
    ChangeBus::Token watching_; ///< last: ends before what it uses
};

} // namespace mail::service
