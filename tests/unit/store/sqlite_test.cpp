// The embedded engine's own promises: one process, versions, damage, full disks, segments.
#include "common/base/log.hpp"
#include "maild/store/sqlite/database.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <fstream>
#include <thread>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mail::store::test {
namespace {

namespace fs = std::filesystem;

void patch(const fs::path& path, std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.good());
}

#ifndef __SANITIZE_THREAD__
/// Runs `body` in a child process; its exit code. A failed check there exits with 99.
template <class Body> int in_child(const Body& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        int code = 99;
        try {
            code = body();
        } catch (...) {
        }
        flush_log();
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
#endif

} // namespace

TEST_CASE("a second instance on one store is refused") {
    StillClock clock;
    ScratchDirectory directory;
    auto first = open_at(options_for(directory.path(), clock));
    const auto second = open_sqlite(options_for(directory.path(), clock));
    REQUIRE(!second);
    CHECK(second.error().code == ErrorCode::conflict);
    CHECK(check_store(directory.path().string()).error().code == ErrorCode::conflict);
    first.reset();
    CHECK(open_sqlite(options_for(directory.path(), clock)));
}

TEST_CASE("a store that cannot be made says where") {
    StillClock clock;
    const auto opened = open_sqlite(options_for("/proc/nowhere/store", clock));
    REQUIRE(!opened);
    CHECK(opened.error().code == ErrorCode::unavailable);
    CHECK(opened.error().message.find("/proc/nowhere/store") != std::string::npos);
}

TEST_CASE("a newer store is refused with the version it needs") {
    StillClock clock;
    ScratchDirectory directory;
    open_at(options_for(directory.path(), clock))->close();
    patch(directory.path() / "maild.db", 60, std::string("\0\0\0\x63", 4)); // user_version of the file header
    const auto opened = open_sqlite(options_for(directory.path(), clock));
    REQUIRE(!opened);
    CHECK(opened.error().code == ErrorCode::unsupported);
    CHECK(opened.error().hint.find("99") != std::string::npos);
}

TEST_CASE("damage is found, reported and does not spread") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(options_for(directory.path(), clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    for (int i = 0; i < 3; ++i)
        REQUIRE(deliver(*store, ann, "message number " + std::to_string(i), clock));
    store->close();
    store.reset();
    CHECK(check_store(directory.path().string())->healthy());
    const fs::path segment = directory.path() / "segments/00000001.segment";
    std::size_t expected = 0;
    SECTION("a flipped byte") {
        patch(segment, 20, "X"); // in the second message
        expected = 1;
    }
    SECTION("a lost tail") {
        fs::resize_file(segment, 16 + 10);
        expected = 2;
    }
    SECTION("a lost segment") {
        fs::remove(segment);
        expected = 3;
    }
    const auto report = check_store(directory.path().string());
    REQUIRE(report);
    CHECK(report->problem_count == expected);
    CHECK(report->blobs == 3);
    if (expected == 1)
        CHECK(report->problems[0].find("checksum") != std::string::npos);
    store = open_at(options_for(directory.path(), clock));
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    std::size_t unreadable = 0;
    for (const ItemBody& body : need(store->mail().bodies(inbox, uids(1, 9), 9)))
        unreadable += wait(store->mail().read(body.blob, 0, body.blob.length)) ? 0U : 1U;
    CHECK(unreadable == expected);
    CHECK(deliver(*store, ann, "life goes on", clock));
}

TEST_CASE("check compares the counters") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(options_for(directory.path(), clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    for (int i = 0; i < 20; ++i)
        REQUIRE(deliver(*store, ann, std::string(5000, 'x'), clock));
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    const FolderId trash = need(store->mail().find_folder(ann, "Trash")).id;
    need(store->mail().copy(inbox, uids(1, 10), trash, true, 0));
    need(store->mail().expunge(trash, uids(1, 3), false));
    need(store->mail().copy(inbox, uids(11, 12), trash, false, 0));
    AcceptPlan out;
    out.message = Id::make(clock.now());
    out.content.memory = std::make_shared<const std::string>("queued");
    for (int i = 0; i < 5; ++i)
        out.queue.push_back(
            {"x@a.example", "a.example", "", 0, clock.now() + std::chrono::seconds(i), clock.now(), false});
    need(store->mail().accept(out));
    need(store->queue().lease(clock.now(), clock.now(), 2, 2));
    auto spool = store->mail().spool(100'000);
    REQUIRE(spool);
    done((*spool)->append(std::string(90'000, 'y')));
    REQUIRE((*spool)->finish()); // nobody names these bytes
    REQUIRE(deliver(*store, ann, "after", clock));
    store->close();
    store.reset();
    const auto report = check_store(directory.path().string(), true);
    REQUIRE(report);
    for (const std::string& problem : report->problems)
        FAIL_CHECK(problem);
    CHECK(report->blobs == 22);
    CHECK(report->orphan_bytes == 90'000);
}

TEST_CASE("maild check counts recoverable items again") {
    StillClock clock;
    ScratchDirectory directory;
    {
        auto store = open_at(options_for(directory.path(), clock));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        REQUIRE(deliver(*store, ann, "one", clock));
        need(store->mail().expunge(need(store->mail().find_folder(ann, "INBOX")).id, {}, false));
    }
    CHECK(check_store(directory.path().string())->healthy());
    {
        auto database = sqlite::Database::open((directory.path() / "maild.db").string(), sqlite::Database::Mode::write);
        REQUIRE(database);
        REQUIRE((*database)->execute("UPDATE recoverable_use SET bytes = bytes + 1"));
    }
    const auto report = check_store(directory.path().string());
    REQUIRE(report->problem_count == 1);
    CHECK(report->problems[0].find("counts 1 recoverable items and 4 bytes, but has 1 and 3") != std::string::npos);
}

TEST_CASE("segments fill up, follow one another, and go when nothing lives in them") {
    StillClock clock;
    ScratchDirectory directory;
    SqliteOptions options = options_for(directory.path(), clock);
    options.segment_bytes = 1 << 20;
    options.segment_quiet = std::chrono::seconds(0);
    auto store = open_at(options);
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    for (int i = 0; i < 40; ++i)
        REQUIRE(deliver(*store, ann, std::string(100'000, static_cast<char>('a' + i % 26)), clock));
    const auto count = [&] {
        return std::distance(fs::directory_iterator(directory.path() / "segments"), fs::directory_iterator());
    };
    CHECK(count() >= 4);
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    need(store->mail().expunge(inbox, uids(1, 38), false));
    clock.advance(std::chrono::hours(1));
    Maintenance what;
    what.recoverable_before = clock.now();
    std::size_t removed = 0;
    for (int turn = 0; turn < 100 && removed < 3;
         ++turn) { // a segment stays until it is synced behind the scenes
        removed += need(store->maintain(what)).segments;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    CHECK(removed >= 3);
    CHECK(count() <= 2);
    CHECK(contents(*store, ann).size() == 2);
    store = nullptr;
    store = open_at(options);
    CHECK(contents(*store, ann) ==
          std::vector<std::string>{std::string(100'000, 'm'), std::string(100'000, 'n')});
    REQUIRE(deliver(*store, ann, "more", clock));
    CHECK(contents(*store, ann)[2] == "more");
}

TEST_CASE("below the reserve new mail is refused, deleting works") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(options_for(directory.path(), clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    REQUIRE(deliver(*store, ann, "text", clock));
    CHECK(store->mail().room_for_mail());
    store = nullptr;
    SqliteOptions options = options_for(directory.path(), clock);
    options.reserve_bytes = std::uint64_t{1} << 60;
    store = open_at(options);
    CHECK(deliver(*store, ann, "text", clock).error().code == ErrorCode::no_space);
    CHECK(store->mail().spool(0).error().code == ErrorCode::no_space);
    CHECK(store->mail().room_for_mail().error().code == ErrorCode::no_space);
    CHECK(contents(*store, ann).size() == 1);
    CHECK(need(store->mail().expunge(need(store->mail().find_folder(ann, "INBOX")).id, {}, false)).size() ==
          1);
}

#ifndef __SANITIZE_THREAD__ // which has no threads after a fork
TEST_CASE("F09: a file size limit looks like a full disk and ends") {
    ScratchDirectory directory;
    const int code = in_child([&] {
        StillClock clock;
        auto store = open_at(options_for(directory.path(), clock));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        const rlimit small{2 << 20, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &small);
        bool full = false;
        for (int i = 0; i < 500 && !full; ++i)
            if (auto placed = deliver(*store, ann, std::string(30'000, 'x'), clock); !placed) {
                if (placed.error().code != ErrorCode::no_space)
                    return 2;
                full = true;
            }
        if (!full)
            return 3;
        if (store->stats().failed)
            return 4;
        if (contents(*store, ann).empty())
            return 6;
        const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &large);
        return deliver(*store, ann, "again", clock) ? 0 : 5;
    });
    CHECK(code == 0);
    CHECK(check_store(directory.path().string())->healthy());
}
#endif

TEST_CASE("F07: a full file system") {
    ScratchDirectory directory;
    if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=40m") != 0) {
        WARN("skipped: no right to mount a file system");
        return;
    }
    StillClock clock;
    {
        SqliteOptions options = options_for(directory.path() / "store", clock);
        auto store = open_at(options);
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        REQUIRE(deliver(*store, ann, "first", clock));
        std::ofstream(directory.path() / "ballast") << std::string(10 << 20, 'b');
        Result<Placed> placed;
        int count = 0;
        do
            placed = deliver(*store, ann, std::string(100'000, 'x'), clock);
        while (placed && ++count < 1000);
        REQUIRE(!placed);
        CHECK(placed.error().code == ErrorCode::no_space);
        CHECK_FALSE(store->stats().failed);
        CHECK(contents(*store, ann).size() == static_cast<std::size_t>(count) + 1);
        fs::remove(directory.path() / "ballast");
        CHECK(deliver(*store, ann, "room again", clock));
        store->close();
    }
    CHECK(check_store((directory.path() / "store").string())->healthy());
    ::umount2(directory.path().c_str(), MNT_DETACH);
}

} // namespace mail::store::test
