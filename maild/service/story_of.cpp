#include "maild/service/story_of.hpp"

#include "common/base/limits.hpp"

namespace mail::service {

void note_recipient(StorySteps& steps, const AcceptedRecipient& recipient, Time now) {
    auto step = steps.step("recipient", now);
    step.text("address", recipient.address.text());
    std::vector<std::string> via;
    for (const ResolutionStep& hop : recipient.resolution->steps) {
        if (hop.word().empty() || via.size() == std::size_t{limit::story_hops})
            continue;
        std::string text = std::string(hop.word()) + " " + hop.from;
        if (via.empty() || via.back() != text) // a group has a step for each member
            via.push_back(std::move(text));
    }
    if (!via.empty())
        step.texts("via", via);
}

void note_mailbox(StorySteps& steps, const Mailbox& mailbox, std::size_t copy, Time now) {
    steps.step("mailbox", now).text("mailbox", mailbox.address).text("folder", "INBOX").number("copy", static_cast<std::int64_t>(copy));
}

void note_queued(StorySteps& steps, const store::QueueRecipient& queued, Time now) {
    auto step = steps.step("queue", now);
    step.text("to", queued.recipient);
    if (queued.held)
        step.yes("held", true);
}

store::Story story_of(const Incoming& incoming, bool goes_on, Time now) {
    store::Story story;
    story.id = incoming.id;
    story.at = now;
    story.sender = incoming.envelope.sender;
    for (const AcceptedRecipient& recipient : incoming.recipients)
        add_story_address(story.recipients, recipient.address.text());
    for (const std::string& address : incoming.refused)
        add_story_address(story.recipients, address);
    story.message_id = incoming.envelope.message_id;
    story.subject = incoming.subject;
    story.peer = incoming.peer;
    story.detail = incoming.steps.detail();
    story.end = goes_on ? store::StoryEnd::queued : store::StoryEnd::delivered;
    return story;
}

void add_story_address(std::string& list, std::string_view address) {
    if (list.size() + address.size() >= std::size_t{limit::story_recipients_bytes})
        return;
    if (!list.empty())
        list += ' ';
    list += address;
}

} // namespace mail::service
