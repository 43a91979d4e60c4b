#include "maild/attempt_stories.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "maild/service/story_steps.hpp"

namespace mail {
namespace {

using store::QueueOutcome;
using store::StoryMark;

StoryMark mark_of(QueueOutcome outcome) noexcept {
    switch (outcome) {
    case QueueOutcome::delivered:
        return StoryMark::relayed;
    case QueueOutcome::deferred:
        return StoryMark::deferred;
    case QueueOutcome::failed:
        return StoryMark::failed;
    case QueueOutcome::held:
        return StoryMark::held;
    case QueueOutcome::released:
        break;
    }
    return StoryMark::none;
}

std::string_view word_of(QueueOutcome outcome) noexcept {
    constexpr std::string_view words[] = {"relayed", "deferred", "failed", "queued", "held"};
    return words[static_cast<std::size_t>(outcome)];
}

void add_text(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty())
        return;
    out.append(",\"").append(name).append("\":");
    service::append_json_text(out, value);
}

void add_number(std::string& out, std::string_view name, std::int64_t value) {
    out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

void add_recipient(std::string& out, const queue::AttemptedRecipient& recipient) {
    out += "{\"recipient\":";
    service::append_json_text(out, recipient.recipient);
    add_text(out, "outcome", word_of(recipient.outcome));
    add_number(out, "queue", recipient.id);
    add_number(out, "attempts", recipient.attempts);
    if (recipient.code != 0)
        add_number(out, "code", recipient.code);
    add_text(out, "status", recipient.status);
    add_text(out, "text", recipient.text);
    if (recipient.from_remote)
        out += ",\"from_remote\":true";
    if (recipient.outcome == QueueOutcome::deferred)
        add_number(out, "next", to_micros(recipient.next));
    if (recipient.expired)
        out += ",\"expired\":true";
    if (recipient.reported)
        out += ",\"reported\":true";
    if (!recipient.report.is_null())
        add_text(out, "report", recipient.report.text());
    out += '}';
}

} // namespace

std::string attempt_detail(const queue::Attempted& attempt, QueueOutcome outcome) {
    std::string out = R"({"what":")";
    out += attempt.transcript ? "attempt" : "decision"; // nothing was tried: a rule, a hold, the end of its time
    out += '"';
    add_text(out, "remote", attempt.remote);
    add_text(out, "route", attempt.route);
    add_text(out, "tls", attempt.tls);
    add_number(out, "began", to_micros(attempt.began));
    out += ",\"recipients\":[";
    std::size_t left_out = 0;
    bool first = true;
    for (const auto& recipient : attempt.recipients) {
        if (recipient.outcome != outcome)
            continue;
        if (out.size() > std::size_t{limit::story_detail_bytes}) {
            ++left_out;
            continue;
        }
        if (!std::exchange(first, false))
            out += ',';
        add_recipient(out, recipient);
    }
    out += ']';
    if (left_out != 0)
        add_number(out, "left_out", static_cast<std::int64_t>(left_out));
    out += '}';
    return out;
}

void AttemptStories::attempted(const queue::Attempted& attempt) noexcept {
    try {
        bool transcript_told = false;
        for (const auto outcome : {QueueOutcome::delivered, QueueOutcome::deferred, QueueOutcome::failed, QueueOutcome::held}) {
            bool any = false;
            for (const auto& recipient : attempt.recipients)
                any = any || recipient.outcome == outcome;
            if (!any)
                continue;
            store::StoryEvent event;
            event.message = attempt.message;
            event.at = attempt.ended;
            event.mark = mark_of(outcome);
            event.detail = attempt_detail(attempt, outcome);
            if (!std::exchange(transcript_told, true))
                event.transcript = attempt.transcript;
            stories_.happened(std::move(event));
        }
    } catch (const std::bad_alloc&) {
        log(Event::story_dropped, {{"qid", attempt.message.text()}, {"reason", "no memory"}});
    }
}

} // namespace mail
