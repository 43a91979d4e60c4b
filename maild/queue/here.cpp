// Items for our own mailboxes. They are in the queue because their senders wanted them to be released later (RFC 4865).
#include "maild/queue/scheduler.hpp"

namespace mail::queue {

Task<void> Scheduler::deliver_here(std::vector<AttemptEnd> ends) {
    for (AttemptEnd& end : ends) {
        auto bytes = co_await services_.store.mail().read(end.item.blob, 0, end.item.blob.length);
        if (!bytes) {
            end.outcome = smtp_client::own_outcome("4.3.0", bytes.error().message);
        } else if (auto plan = services_.plan_here(end.item, std::move(*bytes))) {
            end.outcome = smtp_client::own_outcome("2.0.0", "delivered into the mailbox");
            end.copy = std::make_shared<store::AcceptPlan>(std::move(*plan));
        } else {
            const bool is_gone = plan.error().code == ErrorCode::not_found || plan.error().code == ErrorCode::denied;
            end.outcome = smtp_client::own_outcome(is_gone ? "5.1.1" : "4.3.0", plan.error().message);
        }
        // One at a time: each may be as large as a message can be.
        std::vector<AttemptEnd> one;
        one.push_back(std::move(end));
        outbound_->finisher.push(std::move(one));
    }
}

} // namespace mail::queue
