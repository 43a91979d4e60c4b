// Stories of messages: search, one with everything, transcripts, and sending again what waits.
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"
#include "maild/admin/story_view.hpp"

#include <boost/json.hpp>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr std::size_t most_lines = 1000;
constexpr std::size_t most_whole = 100; ///< stories with all their events in one answer
constexpr std::size_t most_waiting = 10'000;

Result<void> choose_outcome(store::StoryFilter& filter, std::string_view word) {
    using store::StoryEnd;
    using store::StoryMark;
    constexpr std::pair<std::string_view, StoryEnd> ends[] = {
        {"delivered", StoryEnd::delivered}, {"queued", StoryEnd::queued}, {"refused", StoryEnd::refused}};
    constexpr std::pair<std::string_view, StoryMark> marks[] = {{"relayed", StoryMark::relayed},
                                                                {"deferred", StoryMark::deferred},
                                                                {"failed", StoryMark::failed},
                                                                {"held", StoryMark::held},
                                                                {"dropped", StoryMark::dropped}};
    for (const auto& [name, end] : ends)
        if (word == name)
            filter.end = end;
    for (const auto& [name, mark] : marks)
        if (word == name)
            filter.mark = mark;
    if (!word.empty() && !filter.end && filter.mark == StoryMark::none)
        return fail(ErrorCode::invalid, "there is no outcome " + text::escape(word, 32),
                    "delivered, queued, refused, relayed, deferred, failed, held or dropped");
    return {};
}

std::string_view without_brackets(std::string_view text) {
    return text.size() >= 2 && text.starts_with('<') && text.ends_with('>') ? text.substr(1, text.size() - 2) : text;
}

Result<store::StoryFilter> filter_of(const net::HttpRequest& request) {
    MAIL_DO(check_query(request, {"from", "to", "subject", "message_id", "outcome", "since", "until", "limit", "before", "whole"}));
    store::StoryFilter filter;
    if (request.has_parameter("from"))
        filter.sender = std::string(without_brackets(request.parameter("from")));
    filter.recipient = std::string(without_brackets(request.parameter("to")));
    filter.message_id = std::string(without_brackets(request.parameter("message_id")));
    filter.subject = std::string(request.parameter("subject"));
    MAIL_DO(choose_outcome(filter, request.parameter("outcome")));
    MAIL_TRY(filter.since, read_time("since", request.parameter("since")));
    MAIL_TRY(filter.until, read_time("until", request.parameter("until")));
    MAIL_TRY(const std::size_t limit, limit_of(request));
    const std::size_t most = request.parameter("whole") == "1" ? most_whole : most_lines;
    filter.limit = limit == 0 ? most : std::min(limit, most);
    if (const auto before = request.parameter("before"); !before.empty()) {
        const auto number = text::number<std::int64_t>(before);
        if (!number || *number <= 0)
            return fail(ErrorCode::invalid, "before is no place in a list");
        filter.before = *number;
    }
    return filter;
}

Failure no_such(std::string_view id) {
    return fail(ErrorCode::not_found, "there is no story of a message " + text::escape(id, 64),
                "find it with: mailctl why --to ADDRESS --since 1d");
}

} // namespace

Task<net::HttpResponse> Api::stories(const net::HttpRequest& request) {
    const auto& path = request.segments;
    const bool acts = path.size() == 5 && path[3] == "actions" && path[4] == "resubmit";
    if (request.method != (acts ? "POST" : "GET"))
        co_return method_not_allowed(acts ? "POST" : "GET");
    if (acts)
        co_return co_await story_resubmit(path[2]);
    if (path.size() == 2)
        co_return co_await story_list(request);
    if (path.size() == 4 && path[3] == "transcript")
        co_return co_await story_transcript(path[2]);
    if (path.size() != 3)
        co_return problem_reply(Error{ErrorCode::not_found, "there is nothing at this path", "see GET /v1/stories"});
    auto story = co_await find_story(path[2]);
    if (!story)
        co_return problem_reply(story.error());
    auto whole = co_await whole_story(std::move(*story));
    if (!whole)
        co_return problem_reply(whole.error());
    co_return json_reply(*whole);
}

Task<Result<store::Story>> Api::find_story(std::string text) {
    store::StoryFilter filter;
    filter.id = Id::parse(text);
    filter.limit = 1;
    if (!filter.id)
        co_return no_such(text);
    MAIL_CO_TRY(auto page, co_await services_.store.stories().find(std::move(filter)));
    if (page.stories.empty())
        co_return no_such(text);
    co_return std::move(page.stories.front());
}

Task<Result<std::vector<store::QueueItem>>> Api::queued_of(Id message) {
    store::QueueFilter filter;
    filter.conditions.push_back({"id", '=', message.text()});
    filter.limit = most_waiting;
    co_return co_await services_.store.queue().list(std::move(filter));
}

Task<Result<json::object>> Api::whole_story(store::Story story) {
    MAIL_CO_TRY(const auto events, co_await services_.store.stories().events(story.id, false));
    std::vector<store::QueueItem> waiting;
    if (story.end == store::StoryEnd::queued) {
        MAIL_CO_TRY(waiting, co_await queued_of(story.id));
    }
    co_return story_view(story, events, waiting);
}

Task<net::HttpResponse> Api::story_list(const net::HttpRequest& request) {
    auto filter = filter_of(request);
    if (!filter)
        co_return problem_reply(filter.error());
    auto page = co_await services_.store.stories().find(std::move(*filter));
    if (!page)
        co_return problem_reply(page.error());
    json::array items;
    for (store::Story& story : page->stories) {
        if (request.parameter("whole") != "1") {
            items.push_back(story_line(story));
            continue;
        }
        auto whole = co_await whole_story(std::move(story));
        if (!whole)
            co_return problem_reply(whole.error());
        items.push_back(std::move(*whole));
    }
    json::object out;
    out["items"] = std::move(items);
    out["next"] = page->next == 0 ? json::value(nullptr) : json::value(std::to_string(page->next));
    co_return json_reply(out);
}

Task<net::HttpResponse> Api::story_transcript(std::string id) {
    const auto message = Id::parse(id);
    if (!message)
        co_return problem_reply(no_such(id).error);
    const auto events = co_await services_.store.stories().events(*message, true);
    if (!events)
        co_return problem_reply(events.error());
    json::array items;
    for (const store::StoryEvent& event : *events)
        if (event.transcript)
            items.push_back(json::object{{"event", event_id(event)}, {"at", format_rfc3339(event.at)}, {"transcript", *event.transcript}});
    if (items.empty()) {
        const auto story = co_await find_story(id);
        if (!story)
            co_return problem_reply(story.error());
    }
    co_return json_reply(json::object{{"items", std::move(items)}});
}

/// What still waits of a message goes now, held or not.
Task<net::HttpResponse> Api::story_resubmit(std::string id) {
    const auto message = Id::parse(id);
    if (!message)
        co_return problem_reply(no_such(id).error);
    const auto waiting = co_await queued_of(*message);
    if (!waiting)
        co_return problem_reply(waiting.error());
    if (waiting->empty()) {
        const auto story = co_await find_story(id);
        co_return problem_reply(!story ? story.error()
                                       : Error{ErrorCode::not_found, "nothing of message " + id + " waits in the queue",
                                               "what has become of it: mailctl message trace " + id});
    }
    std::size_t changed = 0;
    for (const auto verb : {store::QueueVerb::release, store::QueueVerb::retry}) {
        store::QueueFilter filter;
        for (const store::QueueItem& item : *waiting)
            if ((item.status == store::QueueStatus::held) == (verb == store::QueueVerb::release))
                filter.ids.push_back(item.id);
        if (filter.ids.empty())
            continue;
        store::QueueChange change{verb, services_.clock.now(), {}};
        const auto done = co_await services_.store.queue().change(std::move(filter), std::move(change));
        if (!done)
            co_return problem_reply(done.error());
        changed += *done;
    }
    log(Event::queue_changed, {{"actor", caller_.actor}, {"verb", "resubmit"}, {"qid", id}, {"items", changed}});
    tell_stories(*waiting, "resubmit", store::StoryMark::none);
    co_return json_reply(json::object{{"changed", changed}});
}

void Api::tell_stories(const std::vector<store::QueueItem>& items, std::string_view verb, store::StoryMark mark) {
    if (services_.stories == nullptr)
        return;
    constexpr std::string_view outcomes[] = {"queued", "relayed", "deferred", "failed", "held", "dropped"};
    for (const store::QueueItem& item : items) {
        json::object recipient{{"recipient", item.recipient}, {"outcome", outcomes[static_cast<std::size_t>(mark)]},
                               {"queue", item.id}, {"attempts", item.attempts}, {"actor", caller_.actor}};
        if (mark == store::StoryMark::none && item.attempts != 0)
            recipient["outcome"] = "deferred";
        store::StoryEvent event;
        event.message = item.message;
        event.at = services_.clock.now();
        event.mark = mark;
        event.detail = json::serialize(json::object{{"what", verb}, {"actor", caller_.actor},
                                                    {"recipients", json::array{std::move(recipient)}}});
        services_.stories->happened(std::move(event));
    }
}

} // namespace mail::admin
