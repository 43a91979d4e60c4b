#include "maild/admin/story_view.hpp"

#include "common/base/text.hpp"
#include "maild/store/rules.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::string_view end_words[] = {"delivered", "queued", "refused"};

/// Where several recipients ended differently, the first of these that one of them has is the message's.
constexpr std::string_view outcomes_by_weight[] = {"failed",   "dropped", "held",    "deferred",
                                                   "unknown",  "queued",  "refused", "relayed", "delivered"};

std::string_view text_of(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::int64_t number_of(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

json::object object_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return !error && value.is_object() ? std::move(value.get_object()) : json::object();
}

json::array array_at(json::object& object, std::string_view name) {
    json::value* value = object.if_contains(name);
    return value != nullptr && value->is_array() ? std::move(value->get_array()) : json::array();
}

std::string when(std::int64_t micros) { return format_rfc3339(from_micros(micros)); }

json::value or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> out;
    for (const std::string_view word : text::split(text, ' '))
        if (!word.empty())
            out.push_back(word);
    return out;
}

/// Puts recipients and events together, step by step.
class Teller {
  public:
    explicit Teller(const store::Story& story) : story_(story), missed_(words(story.missed)) {}

    void tell_acceptance() {
        json::object detail = object_of(story_.detail);
        int number = 0;
        for (json::value& each : array_at(detail, "steps"))
            if (each.is_object())
                tell_step(std::move(each.get_object()), ++number);
        if (const auto left_out = number_of(detail, "left_out"); left_out != 0)
            left_out_ += left_out;
    }

    void tell_event(const store::StoryEvent& event) {
        json::object detail = object_of(event.detail);
        if (json::value* list = detail.if_contains("recipients"); list != nullptr && list->is_array())
            for (json::value& each : list->get_array())
                if (each.is_object()) {
                    update(each.get_object(), event, detail);
                    if (const auto next = number_of(each.get_object(), "next"); next != 0)
                        each.get_object()["next"] = when(next);
                }
        json::object told;
        told["event"] = event_id(event);
        told["at"] = format_rfc3339(event.at);
        if (const auto began = number_of(detail, "began"); began != 0)
            told["ms"] = std::max<std::int64_t>(0, (to_micros(event.at) - began) / 1000);
        for (auto& [name, value] : detail)
            if (name != "began")
                told[name] = std::move(value);
        told["transcript"] = event.has_transcript;
        events_.push_back(std::move(told));
    }

    void tell_queue(std::span<const store::QueueItem> waiting) {
        for (json::object& recipient : recipients_) {
            const auto outcome = text_of(recipient, "outcome");
            if (outcome != "queued" && outcome != "deferred" && outcome != "held")
                continue;
            const auto item = std::find_if(waiting.begin(), waiting.end(), [&](const store::QueueItem& each) {
                return text::iequals(each.recipient, text_of(recipient, "to"));
            });
            if (item == waiting.end()) // its end was not written down: the server died right after it
                recipient["outcome"] = "unknown";
            else
                tell_item(recipient, *item);
        }
    }

    json::object take() {
        json::object out = story_line(story_);
        json::array recipients;
        for (json::object& recipient : recipients_)
            recipients.push_back(std::move(recipient));
        out["outcome"] = summary(recipients);
        out["recipients"] = std::move(recipients);
        out["events"] = std::move(events_);
        if (left_out_ != 0)
            out["left_out"] = left_out_;
        return out;
    }

  private:
    void tell_step(json::object step, int number) {
        const std::string name(text_of(step, "step"));
        json::object told;
        told["event"] = story_.id.text() + "/" + std::to_string(number);
        if (const auto at = number_of(step, "at"); at != 0)
            at_ = at;
        told["at"] = when(at_);
        told["what"] = name;
        if (name == "recipient") {
            given_ = text_of(step, "address");
            via_ = step.if_contains("via") != nullptr ? step["via"] : json::value(nullptr);
        } else if (name == "mailbox") {
            add_mailbox(step);
        } else if (name == "queue") {
            json::object recipient = begin(text_of(step, "to"));
            recipient["outcome"] = step.if_contains("held") != nullptr ? "held" : "queued";
            recipients_.push_back(std::move(recipient));
        } else if (name == "refused" && text_of(step, "what") == "recipient") {
            add_refused(text_of(step, "address"), text_of(step, "reply"));
        } else if (name == "refused" && story_.end == store::StoryEnd::refused) {
            for (const std::string_view address : words(story_.recipients))
                if (!is_known(address))
                    add_refused(address, text_of(step, "reply"));
        }
        for (auto& [key, value] : step)
            if (key != "step" && key != "at" && key != "copy" && key != "what")
                told[key] = std::move(value);
        events_.push_back(std::move(told));
    }

    json::object begin(std::string_view to) const {
        json::object recipient;
        recipient["address"] = given_.empty() ? json::value(to) : json::value(given_);
        recipient["to"] = to;
        recipient["via"] = via_;
        return recipient;
    }

    void add_mailbox(const json::object& step) {
        json::object recipient = begin(text_of(step, "mailbox"));
        const std::string copy = std::to_string(number_of(step, "copy"));
        const bool is_missed = std::find(missed_.begin(), missed_.end(), copy) != missed_.end();
        recipient["outcome"] = is_missed ? "refused" : "delivered";
        recipient["folder"] = is_missed ? json::value(nullptr) : json::value(text_of(step, "folder"));
        if (is_missed)
            recipient["text"] = "the mailbox had no room for it";
        recipient["at"] = format_rfc3339(story_.at);
        recipients_.push_back(std::move(recipient));
    }

    void add_refused(std::string_view address, std::string_view reply) {
        json::object recipient;
        recipient["address"] = address;
        recipient["to"] = address;
        recipient["outcome"] = "refused";
        recipient["text"] = reply;
        recipient["at"] = format_rfc3339(story_.at);
        recipients_.push_back(std::move(recipient));
    }

    [[nodiscard]] bool is_known(std::string_view address) const {
        return std::any_of(recipients_.begin(), recipients_.end(),
                           [&](const json::object& each) { return text::iequals(text_of(each, "address"), address); });
    }

    void update(const json::object& end, const store::StoryEvent& event, const json::object& attempt) {
        const auto to = text_of(end, "recipient");
        auto known = std::find_if(recipients_.begin(), recipients_.end(), [&](const json::object& each) {
            return each.if_contains("folder") == nullptr && text::iequals(text_of(each, "to"), to);
        });
        if (known == recipients_.end()) {
            json::object recipient;
            recipient["address"] = to;
            recipient["to"] = to;
            known = recipients_.insert(recipients_.end(), std::move(recipient));
        }
        json::object& recipient = *known;
        for (const char* name : {"outcome", "attempts", "queue", "text", "status", "from_remote", "expired", "reported", "report", "actor"})
            if (const json::value* value = end.if_contains(name))
                recipient[name] = *value;
            else
                recipient.erase(name);
        recipient["remote"] = or_null(text_of(attempt, "remote"));
        recipient["at"] = format_rfc3339(event.at);
        if (const auto next = number_of(end, "next"); next != 0)
            recipient["next_attempt"] = when(next);
        else
            recipient.erase("next_attempt");
    }

    static void tell_item(json::object& recipient, const store::QueueItem& item) {
        recipient["queue"] = item.id;
        recipient["attempts"] = item.attempts;
        const auto outcome = text_of(recipient, "outcome");
        if (item.status == store::QueueStatus::held)
            recipient["outcome"] = "held";
        else if (outcome == "held")
            recipient["outcome"] = item.attempts == 0 ? "queued" : "deferred";
        if (item.status != store::QueueStatus::held && item.next_attempt != Time{})
            recipient["next_attempt"] = format_rfc3339(item.next_attempt);
        recipient["expires"] = format_rfc3339(item.expires);
        if (item.last_error && recipient.if_contains("text") == nullptr) {
            recipient["text"] = item.last_error->text;
            recipient["remote"] = or_null(item.last_error->remote);
            recipient["from_remote"] = item.last_error->code != 0;
        }
    }

    [[nodiscard]] std::string_view summary(const json::array& recipients) const {
        for (const std::string_view word : outcomes_by_weight)
            for (const json::value& each : recipients)
                if (text_of(each.as_object(), "outcome") == word)
                    return word;
        return end_words[static_cast<std::size_t>(story_.end)];
    }

    const store::Story& story_;
    std::vector<std::string_view> missed_;
    std::int64_t at_ = 0; ///< of the last step that told its time
    std::string given_;
    json::value via_ = nullptr;
    std::vector<json::object> recipients_;
    json::array events_;
    std::int64_t left_out_ = 0;
};

} // namespace

std::string event_id(const store::StoryEvent& event) {
    return event.message.text() + "/e" + std::to_string(event.sequence);
}

json::object story_line(const store::Story& story) {
    json::object out;
    out["id"] = story.id.text();
    out["at"] = format_rfc3339(story.at);
    out["sender"] = story.sender;
    json::array recipients;
    for (const std::string_view address : words(story.recipients))
        recipients.emplace_back(address);
    out["recipients"] = std::move(recipients);
    out["message_id"] = or_null(story.message_id);
    out["subject"] = or_null(story.subject);
    out["peer"] = story.peer;
    out["outcome"] = end_words[static_cast<std::size_t>(story.end)];
    return out;
}

json::object story_view(const store::Story& story, std::span<const store::StoryEvent> events,
                        std::span<const store::QueueItem> waiting) {
    Teller teller(story);
    teller.tell_acceptance();
    for (const store::StoryEvent& event : events)
        teller.tell_event(event);
    teller.tell_queue(waiting);
    return teller.take();
}

json::object told_story(const store::Story& story) {
    Teller teller(story);
    teller.tell_acceptance();
    return teller.take();
}

} // namespace mail::admin
