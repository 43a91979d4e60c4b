#include "maild/smtp/session_story.hpp"

#include "common/net/stream.hpp"
#include "maild/service/story_of.hpp"

namespace mail::smtp {
namespace {
constexpr std::size_t most_refused = 100; ///< recipients named in a story as refused
}

void SessionStory::connected(const Profile& profile, const net::Stream& stream, Time now) {
    address_ = stream.peer().address;
    connection_.step("connection", now).text("from", address_).text("listener", profile.listener);
    if (const net::TlsInfo* tls = stream.tls())
        secured(*tls, now);
}

void SessionStory::spoken_for(const net::Stream& stream, std::string_view name, Time now) {
    auto step = connection_.step("spoken-for", now);
    step.text("by", address_).text("for", stream.peer().address);
    if (!name.empty())
        step.text("name", name);
    address_ = stream.peer().address;
    helo_.clear();
}

void SessionStory::greeted(std::string_view verb, std::string_view name, Time now) {
    helo_ = name;
    connection_.step("hello", now).text("verb", verb).text("name", name);
}

void SessionStory::secured(const net::TlsInfo& tls, Time now) {
    connection_.step("tls", now).text("version", tls.version).text("cipher", tls.cipher);
}

void SessionStory::signed_in(std::string_view mailbox, Time now) {
    connection_.step("sign-in", now).text("mailbox", mailbox);
}

void SessionStory::sign_in_failed(std::string_view why, Time now) {
    connection_.step("sign-in-failed", now).text("why", why);
}

void SessionStory::began(const Mail& mail, Time now) {
    sender_ = mail.path.is_null() ? std::string() : mail.path.address.text();
    steps_.append(connection_);
    steps_.step("sender", now).text("address", sender_);
}

void SessionStory::refuse(std::string_view address, const Reply& reply, std::string_view what, Time now) {
    is_refused_ = true;
    steps_.step("refused", now).text("what", what).text("address", address).text("reply", reply.text());
}

void SessionStory::refused_sender(const Reply& reply, Time now) {
    refuse(sender_, reply, "sender", now);
}

void SessionStory::refused_recipient(const Rcpt& rcpt, const Reply& reply, Time now) {
    const std::string address = rcpt.path.is_bare_postmaster() ? "postmaster" : rcpt.path.address.text();
    refuse(address, reply, "recipient", now);
    service::add_story_address(recipients_, address);
    if (refused_.size() < most_refused)
        refused_.push_back(address);
}

void SessionStory::refused_message(Id id, const std::vector<service::AcceptedRecipient>& recipients, const Reply& reply,
                                   Time now) {
    id_ = id;
    for (const service::AcceptedRecipient& recipient : recipients)
        service::add_story_address(recipients_, recipient.address.text());
    refuse({}, reply, "message", now);
}

void SessionStory::complete(service::Incoming& incoming, std::uint64_t size, Time now) {
    steps_.step("message", now).number("size", static_cast<std::int64_t>(size)).text("session", incoming.session);
    subject_ = incoming.subject;
    message_id_ = incoming.envelope.message_id;
    incoming.refused = refused_;
    incoming.steps = steps_;
}

std::optional<store::Story> SessionStory::end(Time now) {
    std::optional<store::Story> story;
    if (is_refused_) {
        story.emplace();
        story->id = id_.is_null() ? Id::make(now) : id_;
        story->at = now;
        story->sender = std::move(sender_);
        story->recipients = std::move(recipients_);
        story->message_id = std::move(message_id_);
        story->subject = std::move(subject_);
        story->peer = helo_ + " [" + address_ + "]";
        story->detail = steps_.detail();
        story->end = store::StoryEnd::refused;
    }
    steps_.clear();
    sender_.clear();
    recipients_.clear();
    refused_.clear();
    subject_.clear();
    message_id_.clear();
    id_ = Id{};
    is_refused_ = false;
    return story;
}

} // namespace mail::smtp
