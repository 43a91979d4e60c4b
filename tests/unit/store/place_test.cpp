// Where the store lies: files that are moved under it, readers that hold its log, and a database that is not there.
#include "common/base/log.hpp"
#include "maild/store/sqlite/log_check.hpp"
#include "maild/store/sqlite/place_watch.hpp"
#include "maild/store/sqlite/readers.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <fstream>
#include <sqlite3.h>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace mail::store::test {
namespace {

namespace fs = std::filesystem;

std::uintmax_t log_size(const fs::path& directory) {
    std::error_code none;
    const auto size = fs::file_size(directory / "maild.db-wal", none);
    return none ? 0 : size;
}

/// Waits for the writer's next look, which comes within limit::store_look_seconds.
template <class Condition> bool soon(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10 + 2 * limit::store_look_seconds);
    while (!condition() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return condition();
}

} // namespace

TEST_CASE("F23: what was moved, deleted or replaced is told, what only changes is not") {
    ScratchDirectory directory;
    const fs::path file = directory.path() / "file";
    std::ofstream(file) << "one";
    const sqlite::PlaceWatch watch({file.string(), (directory.path() / "not there yet").string()});
    CHECK(watch.look());
    std::ofstream(file, std::ios::app) << "two";
    CHECK(watch.look());
    SECTION("deleted") {
        fs::remove(file);
        CHECK(watch.look().error().message.find("is gone") != std::string::npos);
    }
    SECTION("replaced") {
        std::ofstream(directory.path() / "other") << "two";
        fs::rename(directory.path() / "other", file);
        CHECK(watch.look().error().message.find("another file") != std::string::npos);
    }
}

TEST_CASE("F23: a store whose directory is renamed stops within ten seconds, and loses nothing") {
    ScratchDirectory directory;
    StillClock clock;
    const fs::path here = directory.path() / "here";
    const fs::path there = directory.path() / "there";
    {
        auto store = open_at(options_for(here, clock));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        REQUIRE(deliver(*store, ann, "before", clock));
        std::atomic<int> told{0};
        store->on_failure([&](const Error&) { ++told; });
        fs::rename(here, there);
        CHECK(soon([&] { return told == 1; }));
        CHECK(deliver(*store, ann, "after", clock).error().code == ErrorCode::temporary);
    }
    auto store = open_at(options_for(there, clock));
    CHECK(contents(*store, *store->resources().find_account_now("ann@example.org")) == std::vector<std::string>{"before"});
}

TEST_CASE("F15: segments without their database are refused and kept") {
    ScratchDirectory directory;
    StillClock clock;
    {
        auto store = open_at(options_for(directory.path(), clock));
        REQUIRE(deliver(*store, add_mailbox(*store, "ann@example.org"), "text", clock));
    }
    const fs::path database = directory.path() / "maild.db";
    const fs::path aside = directory.path() / "aside";
    fs::rename(database, aside);
    if (GENERATE(false, true))
        std::ofstream(database).flush(); // as good as none
    const auto opened = open_sqlite(options_for(directory.path(), clock));
    REQUIRE(!opened);
    CHECK(opened.error().code == ErrorCode::unavailable);
    CHECK(opened.error().message.find(database.string()) != std::string::npos);
    fs::rename(aside, database);
    auto store = open_at(options_for(directory.path(), clock));
    CHECK(contents(*store, *store->resources().find_account_now("ann@example.org")).size() == 1);
}

#ifndef __SANITIZE_THREAD__ // which has no threads after a fork
TEST_CASE("F10: a changed byte in the log of the database is told, a log that was cut off is not") {
    ScratchDirectory directory;
    StillClock clock;
    const pid_t child = ::fork();
    if (child == 0) {
        auto store = open_at(options_for(directory.path(), clock));
        const AccountId ann = add_mailbox(*store, "ann@example.org");
        bool good = true;
        for (int i = 0; i < 6; ++i)
            good = good && deliver(*store, ann, "message " + std::to_string(i), clock);
        ::_exit(good ? 0 : 1); // as after kill -9: the log is all there is
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    const fs::path log = directory.path() / "maild.db-wal";
    const auto whole = sqlite::read_log(log.string());
    REQUIRE(whole);
    CHECK(whole->commits >= 7);
    CHECK(whole->lost_commits == 0);
    constexpr std::uint64_t frame = 24 + 4096;
    bool told = false;
    SECTION("whole") {}
    SECTION("cut off in the last frame") { fs::resize_file(log, 32 + whole->frames * frame - 100); }
    SECTION("cut off after half") { fs::resize_file(log, 32 + whole->frames / 2 * frame); }
    SECTION("a byte of a page, and one of a frame's own sum") {
        const std::uint64_t at = 32 + whole->frames / 2 * frame + static_cast<std::uint64_t>(GENERATE(16, 24 + 1000));
        std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        const int byte = file.get();
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(byte ^ 1));
        told = true;
    }
    const auto found = sqlite::read_log(log.string());
    REQUIRE(found);
    CHECK(sqlite::problem_of(*found).empty() == !told);
    const auto before = event_count(Event::store_damaged);
    const auto opened = open_sqlite(options_for(directory.path(), clock));
    CHECK(opened); // the rest is served
    CHECK(event_count(Event::store_damaged) == before + (told ? 1 : 0));
}
#endif

TEST_CASE("F24: a read that does not end is broken off, the next one is not") {
    ScratchDirectory directory;
    StillClock clock;
    auto store = open_at(options_for(directory.path(), clock));
    auto readers = sqlite::Readers::open((directory.path() / "maild.db").string(), 1, std::chrono::milliseconds(300));
    REQUIRE(readers);
    for (int round = 0; round < 2; ++round) {
        const sqlite::Readers::Lease database(**readers);
        const auto endless =
            (*database).integer("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n");
        REQUIRE(!endless);
        CHECK(endless.error().code == ErrorCode::temporary);
    }
    const sqlite::Readers::Lease database(**readers);
    CHECK(*(*database).integer("SELECT count(*) FROM account") == 0);
}

TEST_CASE("F24: a reader that holds the log is told of; mail goes on, and the log is emptied after it") {
    ScratchDirectory directory;
    StillClock clock;
    SqliteOptions options = options_for(directory.path(), clock);
    options.log_bytes = 2 << 20;
    auto store = open_at(options);
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    REQUIRE(deliver(*store, ann, "before", clock));
    auto reader = sqlite::Database::open((directory.path() / "maild.db").string(), sqlite::Database::Mode::read);
    REQUIRE((*reader)->execute("BEGIN; SELECT count(*) FROM item"));
    const auto told = event_count(Event::store_log_grows);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    // Attributes are pages of the log and nothing else.
    int turn = 0;
    const auto grow = [&] {
        AttributeChange change{"/private/comment", std::string(30'000, static_cast<char>('a' + ++turn % 26))};
        REQUIRE(wait(store->mail().put_attributes(ann, 0, {change})));
    };
    while (log_size(directory.path()) < (6U << 20) && std::chrono::steady_clock::now() < until)
        grow();
    CHECK(event_count(Event::store_log_grows) == told + 1);
    CHECK(deliver(*store, ann, "meanwhile", clock));
    (*reader)->rollback();
    // With the reader gone the log begins anew instead of growing on.
    const auto reached = log_size(directory.path());
    for (int i = 0; i < 300; ++i)
        grow();
    CHECK(log_size(directory.path()) <= reached + (2U << 20));
    CHECK(contents(*store, ann).size() == 2);
    store->close();
    CHECK(log_size(directory.path()) == 0);
}

} // namespace mail::store::test
