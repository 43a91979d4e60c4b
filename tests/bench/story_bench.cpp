// How fast stories are found. Usage: story_bench DIRECTORY [stories]. Fills a store with a million stories (and an event for
// every third), gives them their filters, then asks what administrators ask. One line of JSON for each measurement; the
// worst of five runs counts.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "tests/bench/wait.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

namespace {

using namespace mail;
using namespace mail::store;
using steady = std::chrono::steady_clock;

double milliseconds_since(steady::time_point start) {
    return std::chrono::duration<double, std::milli>(steady::now() - start).count();
}

using bench::wait;

/// As sessions write them: ten steps, 5,000 mailboxes, 20,000 senders, every fiftieth refused.
Story story(std::size_t i, Time at) {
    Story out;
    out.id = Id::make(at);
    out.at = at;
    out.sender = "sender" + std::to_string(i * 7919 % 20'000) + "@domain" + std::to_string(i % 997) + ".example";
    out.recipients = "user" + std::to_string(i * 104'729 % 5000) + "@example.org";
    out.message_id = out.id.text() + "@client.example";
    out.subject = "Order " + std::to_string(i) + " of customer " + std::to_string(i % 1000);
    out.peer = "mail.client.example [192.0.2.25]";
    out.end = i % 50 == 0 ? StoryEnd::refused : i % 3 == 0 ? StoryEnd::queued : StoryEnd::delivered;
    out.detail = R"({"steps":[{"step":"connection","at":1767225600000000,"from":"192.0.2.25","listener":"mx"})";
    for (int step = 0; step < 9; ++step)
        out.detail += R"(,{"step":"mailbox","at":1767225600000000,"mailbox":")" + out.recipients + R"(","folder":"INBOX"})";
    out.detail += "]}";
    return out;
}

void fill(StoryStore& stories, std::size_t count, Time first) {
    constexpr std::size_t slice = 1000;
    const auto transcript = std::make_shared<const std::string>("C: EHLO mx.example.test\nS: 250 mx.far.example\nC: MAIL FROM:<a@b.example>\nS: 250 ok\n");
    for (std::size_t i = 0; i < count; i += slice) {
        std::vector<Story> rows;
        std::vector<StoryEvent> events;
        for (std::size_t j = i; j < std::min(i + slice, count); ++j) {
            rows.push_back(story(j, first + std::chrono::milliseconds(100 * j)));
            if (j % 3 == 0) {
                StoryEvent event{rows.back().id, rows.back().at, j % 300 == 0 ? StoryMark::failed : StoryMark::relayed, R"({"what":"attempt"})"};
                event.transcript = transcript;
                events.push_back(std::move(event));
            }
        }
        static_cast<void>(wait(stories.record(std::move(rows), std::move(events)))); // wait() ends the program on an error
    }
}

void measure(StoryStore& stories, const char* what, const StoryFilter& filter) {
    double worst = 0;
    std::size_t found = 0;
    for (int run = 0; run < 5; ++run) {
        const auto start = steady::now();
        found = wait(stories.find(filter)).value().stories.size();
        worst = std::max(worst, milliseconds_since(start));
    }
    std::printf("{\"what\":\"%s\",\"ms\":%.2f,\"found\":%zu}\n", what, worst, found);
    std::fflush(stdout);
}

void ask(StoryStore& stories, std::size_t count, Time first) {
    const Story middle = wait(stories.find([&] {
        StoryFilter filter;
        filter.until = first + std::chrono::milliseconds(100 * (count / 2));
        filter.limit = 1;
        return filter;
    }())).value().stories.front();
    const auto by = [&](const char* what, const std::function<void(StoryFilter&)>& set) {
        StoryFilter filter;
        set(filter);
        measure(stories, what, filter);
    };
    by("newest hundred", [](StoryFilter&) {});
    by("a sender's hundred", [&](StoryFilter& f) { f.sender = middle.sender; });
    by("a recipient's hundred", [&](StoryFilter& f) { f.recipient = middle.recipients; });
    by("a sender to a recipient", [&](StoryFilter& f) { f.sender = middle.sender, f.recipient = middle.recipients; });
    by("a Message-ID", [&](StoryFilter& f) { f.message_id = middle.message_id; });
    by("words of a subject", [&](StoryFilter& f) { f.subject = middle.subject; });
    by("a sender's domain, refused", [&](StoryFilter& f) { f.sender = "*@domain5.example", f.end = StoryEnd::refused; });
    by("nobody", [](StoryFilter& f) { f.sender = "nobody@nowhere.example"; });
    by("an hour in the middle, refused", [&](StoryFilter& f) {
        f.since = middle.at - std::chrono::hours(1), f.until = middle.at, f.end = StoryEnd::refused;
    });
    by("failed deliveries", [](StoryFilter& f) { f.mark = StoryMark::failed; });
    by("an id", [&](StoryFilter& f) { f.id = middle.id; });
    by("a pattern without any word, one turn", [](StoryFilter& f) { f.sender = "*nder77777*"; });
}

} // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: story_bench DIRECTORY [stories]\n");
        return 2;
    }
    const auto stories = count > 2 ? text::number<std::size_t>(arguments[2]).value_or(0) : std::size_t{1'000'000};
    SqliteOptions options;
    options.directory = arguments[1];
    auto store = open_sqlite(std::move(options));
    if (!store || stories == 0) {
        std::fprintf(stderr, "%s\n", store ? "no stories" : store.error().message.c_str());
        return 1;
    }
    const Time first = system_clock().now() - std::chrono::milliseconds(100 * stories);
    auto start = steady::now();
    fill((*store)->stories(), stories, first);
    std::printf("{\"what\":\"stories recorded, per s\",\"rate\":%.0f}\n", static_cast<double>(stories) / milliseconds_since(start) * 1000);
    start = steady::now();
    std::size_t blocks = 0;
    while (wait((*store)->stories().index()).value())
        ++blocks;
    std::printf("{\"what\":\"filters of 2,000 stories\",\"ms\":%.2f,\"found\":%zu}\n", milliseconds_since(start) / static_cast<double>(std::max<std::size_t>(blocks, 1)), blocks);
    ask((*store)->stories(), stories, first);
    (*store)->close();
    return 0;
}
