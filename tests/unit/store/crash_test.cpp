// Kills, power cuts and failing syncs: what was answered with success is there afterwards, exactly once and
// whole.
#include "maild/store/file_ops.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace mail::store::test {
namespace {

std::string text_of(int number) {
    std::string text = "message " + std::to_string(number) + " ";
    return text +
           std::string(static_cast<std::size_t>(number % 7) * 1500, static_cast<char>('a' + number % 26));
}

// Threads after a fork are not supported by the thread sanitizer.
#ifndef __SANITIZE_THREAD__
/// Delivers from several threads for ever and writes the number of every message answered with success to
/// `report`.
[[noreturn]] void deliver_until_killed(const std::filesystem::path& path, int first, int report) {
    StillClock clock;
    auto store = open_at(options_for(path, clock));
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    std::atomic<int> next{first};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (;;) {
                const int number = next++;
                const auto placed = deliver(*store, ann, text_of(number), clock);
                if (placed && ::write(report, &number, sizeof number) != sizeof number)
                    ::_exit(1);
                if (number % 10 == 0) { // other writes in between
                    FlagChange change;
                    change.folder = inbox;
                    change.uids = uids(1, 5);
                    change.operation = number % 20 == 0 ? FlagOperation::add : FlagOperation::remove;
                    change.flags = flag::flagged;
                    (void)wait(store->mail().change_flags(change));
                }
            }
        });
    for (auto& thread : threads)
        thread.join();
    ::_exit(1);
}
#endif

} // namespace

#ifndef __SANITIZE_THREAD__
TEST_CASE("F01: killed in the middle of deliveries") {
    ScratchDirectory directory;
    StillClock clock;
    {
        auto store = open_at(options_for(directory.path(), clock));
        add_mailbox(*store, "ann@example.org");
    }
    std::set<int> answered;
    int first = 0;
    for (int round = 0; round < 6; ++round) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            deliver_until_killed(directory.path(), first, ends[1]);
        }
        ::close(ends[1]);
        int number = 0;
        int seen = 0;
        while (seen < 20 + 30 * round && ::read(ends[0], &number, sizeof number) == sizeof number) {
            ++seen;
            answered.insert(number);
            first = std::max(first, number + 1);
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], &number, sizeof number) == sizeof number) { // answered before the kill arrived
            answered.insert(number);
            first = std::max(first, number + 1);
        }
        first += 10; // numbers in flight are not used again
        ::close(ends[0]);
        ::waitpid(child, nullptr, 0);
        if (round % 2 == 0) {
            const auto report = check_store(directory.path().string());
            REQUIRE(report);
            for (const auto& problem : report->problems)
                FAIL_CHECK(problem);
        }
    }
    auto store = open_at(options_for(directory.path(), clock));
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    std::map<std::string, int> found;
    for (const std::string& text : contents(*store, ann))
        ++found[text];
    for (const int number : answered) {
        INFO("message " << number);
        CHECK(found[text_of(number)] == 1);
    }
    for (const auto& [text, count] : found)
        CHECK(count == 1);
    CHECK(answered.size() >= 300);
}

TEST_CASE("a power cut that takes the segment's bytes leaves them in the body journal") {
    ScratchDirectory directory;
    StillClock clock;
    const pid_t child = ::fork();
    if (child == 0) {
        const FileOps slow([](FileOperation operation) { // a sync that takes long: the journal is worth it
            if (operation == FileOperation::segment_sync)
                std::this_thread::sleep_for(std::chrono::milliseconds(30));
            return 0;
        });
        auto store = open_at(options_for(directory.path(), clock, &slow));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        bool good = true;
        for (int i = 0; i < 5; ++i)
            good = good && deliver(*store, ann, text_of(i), clock);
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    {
        // The first message paid for a sync of the segment, the others are not synced yet.
        std::fstream segment(directory.path() / "segments/00000001.segment",
                             std::ios::in | std::ios::out | std::ios::binary);
        segment.seekp(static_cast<std::streamoff>(text_of(0).size()));
        segment << std::string(100'000, '\0');
        REQUIRE(segment.good());
    }
    const bool check_first = GENERATE(true, false);
    if (check_first)
        CHECK(check_store(directory.path().string())->healthy());
    auto store = open_at(options_for(directory.path(), clock));
    const auto found = contents(*store, *store->resources().find_account_now("ann@example.org"));
    REQUIRE(found.size() == 5);
    for (int i = 0; i < 5; ++i)
        CHECK(found[static_cast<std::size_t>(i)] == text_of(i));
}
#endif

TEST_CASE("F05: a failing sync is never tried again, and nothing that was answered is lost") {
    const FileOperation which = GENERATE(FileOperation::segment_sync, FileOperation::database_sync);
    const int nth = GENERATE(1, 2, 3, 5, 9);
    INFO("operation " << static_cast<int>(which) << ", call " << nth);
    ScratchDirectory directory;
    StillClock clock;
    std::atomic<bool> armed{false};
    std::atomic<int> calls{0};
    std::atomic<int> after{0};
    const FileOps files([&](FileOperation operation) {
        if (!armed || operation != which)
            return 0;
        const int call = ++calls;
        after += call > nth ? 1 : 0;
        return call == nth ? EIO : 0;
    });
    std::vector<std::string> answered;
    {
        auto store = open_at(options_for(directory.path(), clock, &files));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        std::atomic<int> told{0};
        store->on_failure([&](const Error&) { ++told; });
        armed = true;
        const auto until =
            std::chrono::steady_clock::now() + std::chrono::seconds(60); // a busy disk syncs slowly
        int number = 0;
        while (!store->stats().failed && std::chrono::steady_clock::now() < until) {
            const auto placed = deliver(*store, ann, text_of(number), clock);
            if (placed)
                answered.push_back(text_of(number));
            else
                CHECK(placed.error().code == ErrorCode::temporary);
            ++number;
        }
        CHECK(store->stats().failed);
        CHECK(deliver(*store, ann, "later", clock).error().code == ErrorCode::temporary);
        const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
        CHECK(code_of(store->mail().expunge(inbox, {}, false)) == ErrorCode::temporary);
        CHECK(contents(*store, ann).size() >= answered.size()); // reading goes on
        store->close();
        CHECK(told == 1);
    }
    armed = false;
    CHECK(after == 0);
    const auto report = check_store(directory.path().string());
    REQUIRE(report);
    for (const auto& problem : report->problems)
        FAIL_CHECK(problem);
    auto store = open_at(options_for(directory.path(), clock));
    const auto found = contents(*store, *store->resources().find_account_now("ann@example.org"));
    REQUIRE(found.size() >= answered.size());
    CHECK(std::vector<std::string>(found.begin(),
                                   found.begin() + static_cast<std::ptrdiff_t>(answered.size())) == answered);
    CHECK(found.size() <= answered.size() + 1);
}

TEST_CASE("a full disk at any write is answered no_space and passes") {
    const FileOperation which = GENERATE(FileOperation::segment_write, FileOperation::database_write);
    const int nth = GENERATE(1, 2, 4, 7);
    INFO("operation " << static_cast<int>(which) << ", call " << nth);
    ScratchDirectory directory;
    StillClock clock;
    std::atomic<bool> armed{false};
    std::atomic<int> calls{0};
    const FileOps files([&](FileOperation operation) {
        if (!armed || operation != which)
            return 0;
        const int call = ++calls;
        return call >= nth && call < nth + 3 ? ENOSPC : 0;
    });
    auto store = open_at(options_for(directory.path(), clock, &files));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    armed = true;
    std::vector<std::string> answered;
    int refused = 0;
    for (int number = 0; number < 12; ++number) {
        const auto placed = deliver(*store, ann, text_of(number), clock);
        if (placed) {
            answered.push_back(text_of(number));
        } else {
            CHECK(placed.error().code == ErrorCode::no_space);
            ++refused;
        }
    }
    CHECK(refused > 0);
    CHECK(refused <= 4);
    CHECK_FALSE(store->stats().failed);
    CHECK(contents(*store, ann) == answered);
    store->close();
    store = nullptr;
    CHECK(check_store(directory.path().string())->healthy());
}

} // namespace mail::store::test
