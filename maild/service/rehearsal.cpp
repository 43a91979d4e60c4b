#include "maild/service/rehearsal.hpp"

#include "maild/store/rules.hpp"

namespace mail::service {
namespace {

class CountingSpool final : public store::Spool {
  public:
    Task<Result<void>> append(std::string_view bytes) override {
        size_ += bytes.size();
        co_return Result<void>{};
    }
    Result<store::SpooledBytes> finish() override {
        store::SpooledBytes bytes;
        bytes.length = size_;
        return bytes;
    }

  private:
    std::uint64_t size_ = 0;
};

} // namespace

Rehearsal::Rehearsal(store::Store& store, Config& config, Directory& directory, const Clock& clock)
    : Delivery(store, config, directory, clock) {
    set_stories(this);
}

Result<std::unique_ptr<store::Spool>> Rehearsal::spool(std::uint64_t) { return std::make_unique<CountingSpool>(); }

void Rehearsal::refused(store::Story story, std::string_view) {
    if (!story_)
        story_ = std::move(story);
}

Task<Result<store::AcceptReceipt>> Rehearsal::commit(store::AcceptPlan plan) {
    store::AcceptReceipt receipt;
    bool any = !plan.queue.empty();
    for (const store::LocalCopy& copy : plan.local) {
        MAIL_CO_TRY(const auto usage, co_await store().mail().usage(copy.account));
        // The rule of the store's own transaction.
        if (copy.quota != 0 && usage.bytes + plan.content.size() + copy.prefix.size() > copy.quota)
            receipt.local.emplace_back(fail(ErrorCode::over_quota, "the mailbox has no room for this message"));
        else
            receipt.local.emplace_back(store::Placed{});
        any = any || receipt.local.back().has_value();
    }
    if (any && plan.story && !story_) { // the first is the message; what follows are reports about it
        story_ = std::move(plan.story);
        story_->missed = store::missed_copies(receipt);
    }
    co_return receipt;
}

} // namespace mail::service
