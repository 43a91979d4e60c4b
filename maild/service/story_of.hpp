// The story row of a message that is being accepted, and the steps that delivery itself adds to it. Called by
// service/delivery while it plans.
#pragma once

#include "maild/service/delivery.hpp"

namespace mail::service {

/// Who a recipient is, hop by hop.
void note_recipient(StorySteps& steps, const AcceptedRecipient& recipient, Time now);
/// `copy`: place in AcceptPlan::local.
void note_mailbox(StorySteps& steps, const Mailbox& mailbox, std::size_t copy, Time now);
void note_queued(StorySteps& steps, const store::QueueRecipient& queued, Time now);
[[nodiscard]] store::Story story_of(const Incoming& incoming, bool goes_on, Time now);
/// Addresses for Story::recipients, up to limit::story_recipients_bytes of them.
void add_story_address(std::string& list, std::string_view address);

} // namespace mail::service
