// Rehearsal: delivery with everything but its effects. Sessions resolve, plan and answer as ever; the plan is kept here
// instead of in the store, quotas are looked at and not used up, bytes are counted and dropped. For `mailctl simulate`.
// One rehearsal serves one session.
#pragma once

#include "maild/service/delivery.hpp"

namespace mail::service {

/// What to play: one transaction.
struct Play {
    std::string sender;
    std::vector<std::string> recipients;
    std::string message;  ///< empty: a short one is made up
    std::string listener; ///< empty: the first that takes mail from anywhere
    std::string client;   ///< address of the client; empty: a stranger's
    std::string sign_in;  ///< mailbox that signs in; empty: on submission the sender's
};
/// What would happen.
struct Played {
    store::Story story;
    std::string dialogue; ///< lines "C: ...", "S: ..."
};

class Rehearsal final : public Delivery, private StorySink {
  public:
    Rehearsal(store::Store& store, Config& config, Directory& directory, const Clock& clock);
    [[nodiscard]] Result<std::unique_ptr<store::Spool>> spool(std::uint64_t size_hint) override;
    [[nodiscard]] bool is_rehearsal() const noexcept override { return true; }
    /// Of the message, or of the transaction that was refused; nullopt when there was none.
    [[nodiscard]] const std::optional<store::Story>& story() const noexcept { return story_; }

  protected:
    [[nodiscard]] Task<Result<store::AcceptReceipt>> commit(store::AcceptPlan plan) override;

  private:
    void refused(store::Story story, std::string_view address) override;
    std::optional<store::Story> story_;
};

} // namespace mail::service
