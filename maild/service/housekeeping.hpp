// Housekeeping: lets go what has had its time: expunged messages, removed mailboxes, old stories, and messages by retention
// rules. One coroutine works in small transactions with pauses between them, longer ones while others wait for the store, so
// that mail never waits for it. How old things get is configuration; holds are the store's to honour, in the transaction
// that removes. Owned by the server; run() ends soon after close().
#pragma once

#include "common/async/signal.hpp"
#include "maild/service/retention.hpp"
#include "maild/store/store.hpp"

#include <atomic>

namespace mail::service {

class Housekeeping {
  public:
    Housekeeping(store::Store& store, Config& config, Directory& directory, const Clock& clock);
    Housekeeping(const Housekeeping&) = delete;
    Housekeeping& operator=(const Housekeeping&) = delete;

    /// Until close() was called.
    [[nodiscard]] Task<void> run();
    void close();
    /// Ages may have changed.
    void wake() { wake_.fire(); }

    /// Everything that has to go now; run() does it again and again.
    [[nodiscard]] Task<void> purge();
    [[nodiscard]] Task<void> retain();
    /// The time from one purge() to the next, and from one retain() to the next.
    [[nodiscard]] Duration purge_every() const;
    [[nodiscard]] Duration retain_every() const;

    struct Counts {
        std::uint64_t purged = 0;  ///< messages gone for good because they were expunged, or with a removed mailbox
        std::uint64_t mailboxes = 0;
        std::uint64_t expired = 0; ///< messages that went by a retention rule
    };
    [[nodiscard]] Counts counts() const { return {purged_, mailboxes_, expired_}; }

  private:
    /// What goes for good is one entry of the history a day, which grows.
    struct Tally {
        std::uint64_t entry = 0;
        std::size_t messages = 0;
        Time since{};
    };
    [[nodiscard]] store::Maintenance due() const;
    /// Adds to a tally, and it to the history.
    [[nodiscard]] Task<void> tell(Tally& tally, std::size_t messages, std::string_view why);
    [[nodiscard]] Task<void> tell_mailbox(std::string name);
    [[nodiscard]] Task<void> pause() const;
    [[nodiscard]] Task<void> retain_all(const RetentionRules& rules);
    [[nodiscard]] Task<void> retain_mailbox(const RetentionRules& rules, std::string name);
    [[nodiscard]] Task<Result<void>> retain_folder(std::string mailbox, RetentionCase what);

    store::Store& store_;
    Config& config_;
    Directory& directory_;
    const Clock& clock_;
    async::Signal wake_;
    std::atomic<bool> closed_{false};
    std::atomic<std::uint64_t> purged_{0};
    std::atomic<std::uint64_t> mailboxes_{0};
    std::atomic<std::uint64_t> expired_{0};
    std::size_t ruled_out_ = 0; ///< messages gone for good in this retain()
    Tally by_age_;
    Tally by_rule_;
};

} // namespace mail::service
