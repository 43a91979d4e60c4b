// F18: the n-th allocation fails, for every n. Where SQLite has no memory a transaction is refused for now and nothing ends. Where C++ has
// none, which within a coroutine's hand-over ends the process, it is at worst as if it had been killed: what was answered is there.
// A program of its own, since it replaces the allocator.
#include "tests/unit/store/sqlite_bench.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <set>
#include <sqlite3.h>

#include <sys/wait.h>
#include <unistd.h>

namespace {

std::atomic<int> left{-1}; ///< allocations until the one that fails; below 0: none fails
std::atomic<bool> failed{false};

bool fails() {
    int now = left.load();
    while (now >= 0)
        if (left.compare_exchange_weak(now, now - 1)) {
            failed = failed || now == 0;
            return now == 0;
        }
    return false;
}

std::atomic<int> database_left{-1};
sqlite3_mem_methods plain;

bool database_fails() {
    int now = database_left.load();
    while (now >= 0)
        if (database_left.compare_exchange_weak(now, now - 1)) {
            failed = failed || now == 0;
            return now == 0;
        }
    return false;
}
void* database_allocate(int size) { return database_fails() ? nullptr : plain.xMalloc(size); }
void* database_resize(void* old, int size) { return database_fails() ? nullptr : plain.xRealloc(old, size); }

/// Before the first use of SQLite in this process.
bool take_over_database() {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
    sqlite3_mem_methods methods = plain;
    methods.xMalloc = database_allocate;
    methods.xRealloc = database_resize;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

} // namespace

void* operator new(std::size_t size) {
    if (!fails())
        if (void* memory = std::malloc(size == 0 ? 1 : size))
            return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return fails() ? nullptr : std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mail::store::test {
namespace {

/// Lets the n-th allocation of SQLite in `act` fail, for n from 0 until it needs no more. Each time it succeeds, or fails with `temporary`.
template <class Act> void every_allocation(const Act& act) {
    int refused = 0;
    for (int n = 0; n < 5000; ++n) {
        INFO("allocation " << n);
        failed = false;
        database_left = n;
        const Result<void> done = act(n);
        database_left = -1;
        if (!done) {
            ++refused;
            CHECK(done.error().code == ErrorCode::temporary);
        }
        if (!failed) {
            CHECK(refused > 0);
            return;
        }
    }
    FAIL("it never came through");
}

} // namespace

TEST_CASE("F18: without memory for SQLite's n-th allocation a change is refused, and nothing is lost or torn") {
    REQUIRE(take_over_database());
    ScratchDirectory directory;
    StillClock clock;
    std::vector<std::string> answered{"first"};
    {
        auto store = open_at(options_for(directory.path(), clock));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        REQUIRE(deliver(*store, ann, "first", clock));
        every_allocation([&](int n) -> Result<void> {
            const std::string text = "message " + std::to_string(n);
            MAIL_DO(deliver(*store, ann, text, clock));
            answered.push_back(text);
            return {};
        });
        REQUIRE(deliver(*store, ann, "last", clock));
        answered.emplace_back("last");
        const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
        every_allocation([&](int n) -> Result<void> {
            FlagChange change;
            change.folder = inbox;
            change.uids = uids(1, 5);
            change.operation = n % 2 == 0 ? FlagOperation::add : FlagOperation::remove;
            change.flags = flag::flagged;
            MAIL_DO(wait(store->mail().change_flags(change)));
            return {};
        });
        CHECK_FALSE(store->stats().failed);
        CHECK(contents(*store, ann) == answered);
        CHECK(need(store->mail().expunge(inbox, uids(1, 1), false)).size() == 1);
        answered.erase(answered.begin());
    }
    CHECK(check_store(directory.path().string())->healthy());
    auto store = open_at(options_for(directory.path(), clock));
    CHECK(contents(*store, *store->resources().find_account_now("ann@example.org")) == answered);
}

#ifndef __SANITIZE_THREAD__ // which has no threads after a fork
TEST_CASE("F18: without memory for the n-th allocation of C++ a delivery is refused, or as if maild had been killed") {
    ScratchDirectory directory;
    StillClock clock;
    {
        auto store = open_at(options_for(directory.path(), clock));
        add_mailbox(*store, "ann@example.org");
    }
    constexpr int came_through = 0;
    constexpr int was_refused = 1;
    constexpr int needed_no_more = 2;
    std::vector<std::string> answered;
    std::size_t unanswered = 0;
    int ended = -1;
    for (int n = 0; n < 2000 && ended != needed_no_more; ++n) {
        INFO("allocation " << n);
        const std::string text = "message " + std::to_string(n);
        const pid_t child = ::fork();
        if (child == 0) {
            std::signal(SIGABRT, SIG_DFL);
            auto store = open_at(options_for(directory.path(), clock));
            const AccountId ann = *store->resources().find_account_now("ann@example.org");
            left = n;
            int code = was_refused;
            try {
                code = deliver(*store, ann, text, clock) ? came_through : was_refused;
            } catch (const std::exception&) { // in the thread that waits
            }
            const bool all_there = left.exchange(-1) >= 0;
            ::_exit(code == came_through && all_there ? needed_no_more : code);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        ended = WIFEXITED(status) ? WEXITSTATUS(status) : was_refused;
        CHECK((WIFEXITED(status) || WTERMSIG(status) == SIGABRT));
        if (ended != was_refused)
            answered.push_back(text);
        else
            ++unanswered;
    }
    CHECK(ended == needed_no_more);
    CHECK(unanswered > 0);
    CHECK(check_store(directory.path().string())->healthy());
    auto store = open_at(options_for(directory.path(), clock));
    const auto found = contents(*store, *store->resources().find_account_now("ann@example.org"));
    for (const std::string& text : answered)
        CHECK(std::count(found.begin(), found.end(), text) == 1);
    CHECK(found.size() <= answered.size() + unanswered);
    CHECK(std::set<std::string>(found.begin(), found.end()).size() == found.size());
}
#endif

} // namespace mail::store::test
