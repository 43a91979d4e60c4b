#include "tests/catch.hpp"

#include "common/base/log.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace mail;
using namespace std::string_literals;

namespace {
/// What `write` sends to standard error, at most one pipe's worth.
template <class Write> std::string captured(Write write) {
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    flush_log();
    const int saved = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    write();
    flush_log();
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    ::close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t n = ::read(ends[0], buffer, sizeof buffer); n > 0;
         n = ::read(ends[0], buffer, sizeof buffer))
        out.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    return out;
}
} // namespace

TEST_CASE("a log line is one line of logfmt, whatever its values hold") {
    const std::uint64_t before = event_count(Event::smtp_accepted);
    const std::string evil = "x\r\nts=2020 level=error event=forged \"q\" \x1B[31m \xFF\0"s;
    const std::string line = captured([&] {
        log(Event::smtp_accepted, {{"plain", "abc"},
                                   {"number", 42},
                                   {"empty", ""},
                                   {"spaced", "a b"},
                                   {"pair", "a=b"},
                                   {"evil", evil}});
    });
    CHECK(line.find(" level=info event=smtp_accepted plain=abc number=42 empty=\"\" spaced=\"a b\" "
                    "pair=\"a=b\" evil=\"x\\x0d\\x0ats=2020") != std::string::npos);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.ends_with("\"\n"));
    CHECK(line.find('\x1B') == std::string::npos);
    CHECK(text::is_utf8(line));
    CHECK(event_count(Event::smtp_accepted) == before + 1);
}

TEST_CASE("levels hide lines but events are counted") {
    const std::uint64_t before = event_count(Event::smtp_bad_command);
    CHECK(captured([] { log(Event::smtp_bad_command, {}); }).empty());
    set_log_level(LogLevel::debug);
    CHECK_FALSE(captured([] { log(Event::smtp_bad_command, {}); }).empty());
    set_log_level(LogLevel::info);
    CHECK(event_count(Event::smtp_bad_command) == before + 2);
}

TEST_CASE("the ring keeps the last records in order") {
    static_cast<void>(captured([] {
        for (int i = 0; i < 5; ++i)
            log(Event::smtp_accepted, {{"n", i}});
    }));
    const auto records = recent_log(0, 100000);
    REQUIRE(records.size() >= 5);
    for (std::size_t i = 1; i < records.size(); ++i)
        CHECK(records[i].sequence == records[i - 1].sequence + 1);
    const auto& last = records.back();
    CHECK(last.event == Event::smtp_accepted);
    CHECK(last.fields.at(0) == std::pair<std::string, std::string>{"n", "4"});
    CHECK(recent_log(last.sequence, 10).empty());
    CHECK(recent_log(last.sequence - 2, 10).size() == 2);
    CHECK(recent_log(0, 3).size() == 3);
}

#ifndef __SANITIZE_THREAD__ // which has no threads after a fork
TEST_CASE("a child made by fork logs, whatever the log was doing") {
    constexpr int children = 200;
    const auto out = captured([] {
        for (int i = 0; i < children; ++i) {
            log(Event::store_migrated, {{"by", "parent"}});
            const pid_t child = ::fork();
            if (child == 0) {
                log(Event::store_migrated, {{"by", "child"}});
                flush_log();
                ::_exit(0);
            }
            int status = -1;
            ::waitpid(child, &status, 0);
            CHECK(status == 0);
        }
    });
    std::size_t lines = 0;
    for (std::size_t at = out.find("by=child"); at != std::string::npos; at = out.find("by=child", at + 1))
        ++lines;
    CHECK(lines == children);
}
#endif

TEST_CASE("the catalogue of events is whole") {
    std::set<std::string_view> ids;
    for (const EventInfo& info : all_events()) {
        INFO(info.id);
        CHECK(ids.insert(info.id).second);
        CHECK_FALSE(info.sentence.empty());
        CHECK_FALSE(info.action.empty());
        CHECK(info.sentence.back() != '.');
    }
}
