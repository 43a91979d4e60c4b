// Compaction over damaged bytes, full disks, failing syncs and kills loses nothing.
#include "tests/unit/store/compaction_bench.hpp"

#include <cerrno>

#include <sys/wait.h>
#include <unistd.h>

namespace mail::store::test {

TEST_CASE("F10: a damaged message stays where it is and keeps its segment") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    fill_thin(*store, clock);
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    const BlobRef hurt = need(store->mail().bodies(inbox, uids(6), 1)).at(0).blob;
    patch(segment_path((directory.path() / "segments").string(), hurt.segment), hurt.offset + 777, "X");
    const Maintained done = compact(*store, everything(clock));
    CHECK(done.damaged == 1);
    CHECK(done.segments >= 3);
    CHECK(fs::exists(segment_path((directory.path() / "segments").string(), hurt.segment)));
    std::size_t readable = 0;
    for (const ItemBody& body : need(store->mail().bodies(inbox, uids(1, 100), 100)))
        readable += wait(store->mail().read(body.blob, 0, message_bytes)) ? 1U : 0U;
    CHECK(readable == 19);
    CHECK(need(store->mail().bodies(inbox, uids(6), 1)).at(0).blob.segment == hurt.segment);
    store->close();
    store = nullptr;
    const auto report = check_store(directory.path().string());
    REQUIRE(report);
    CHECK(report->problem_count == 1);
}

TEST_CASE("F07: compaction on a full disk changes nothing and goes on later") {
    const FileOperation which =
        GENERATE(FileOperation::segment_allocate, FileOperation::segment_write, FileOperation::database_write);
    const int nth = GENERATE(1, 2, 5);
    INFO("operation " << static_cast<int>(which) << ", call " << nth);
    StillClock clock;
    ScratchDirectory directory;
    std::atomic<bool> armed{false};
    std::atomic<int> calls{0};
    const FileOps files([&](FileOperation operation) {
        return armed && operation == which && ++calls >= nth ? ENOSPC : 0;
    });
    auto store = open_at(small_segments(directory.path(), clock, &files));
    fill_thin(*store, clock);
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    purge(*store, clock);
    armed = true;
    bool full = false;
    for (int turn = 0; turn < 60 && !full; ++turn) {
        const auto done = wait(store->maintain(everything(clock)));
        full = !done;
        if (full)
            CHECK(done.error().code == ErrorCode::no_space);
    }
    // A segment that was made ahead of time and cannot be had is no trouble while the present one has room.
    CHECK((full || calls < nth || which == FileOperation::segment_allocate));
    CHECK_FALSE(store->stats().failed);
    CHECK((contents(*store, ann) == living()));
    armed = false;
    compact(*store, everything(clock));
    CHECK(need(store->space(50)).thin_segments == 0);
    CHECK((contents(*store, ann) == living()));
    store->close();
    store = nullptr;
    check_sound(directory.path());
}

TEST_CASE("F05: a sync that fails during compaction stops the store, and nothing is lost") {
    StillClock clock;
    ScratchDirectory directory;
    std::atomic<bool> armed{false};
    const FileOps files([&](FileOperation operation) {
        return armed && operation == FileOperation::segment_sync ? EIO : 0;
    });
    AccountId ann = 0;
    {
        auto store = open_at(small_segments(directory.path(), clock, &files));
        fill_thin(*store, clock);
        ann = *store->resources().find_account_now("ann@example.org");
        purge(*store, clock);
        armed = true;
        Result<Maintained> done = Maintained{};
        for (int turn = 0; turn < 100 && done; ++turn) {
            done = wait(store->maintain(everything(clock)));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        REQUIRE(!done);
        CHECK(done.error().code == ErrorCode::temporary);
        CHECK(store->stats().failed);
        store->close();
    }
    armed = false;
    check_sound(directory.path());
    auto store = open_at(small_segments(directory.path(), clock));
    CHECK((contents(*store, ann) == living()));
}

#ifndef __SANITIZE_THREAD__ // which has no threads after a fork

TEST_CASE("F01: killed in the middle of compaction") {
    ScratchDirectory directory;
    StillClock clock;
    {
        auto store = open_at(small_segments(directory.path(), clock));
        fill_thin(*store, clock);
    }
    // Before every write and sync of a whole compaction in turn.
    bool through = false;
    for (int point = 1; point < 400 && !through; point += 3) {
        const pid_t child = ::fork();
        if (child == 0) {
            std::atomic<int> calls{0};
            const FileOps files([&](FileOperation) {
                if (++calls == point)
                    ::kill(::getpid(), SIGKILL);
                return 0;
            });
            StillClock later;
            later.advance(std::chrono::hours(2));
            auto store = open_at(small_segments(directory.path(), later, &files));
            Maintenance what = everything(later);
            what.slice = 3;
            int quiet = 0;
            while (quiet < 3) {
                const auto done = wait(store->maintain(what));
                quiet = done && done->more ? 0 : quiet + 1;
            }
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        through = WIFEXITED(status);
        const auto report = check_store(directory.path().string());
        REQUIRE(report);
        for (const auto& problem : report->problems)
            FAIL_CHECK("killed at call " << point << ": " << problem);
    }
    CHECK(through);
    auto store = open_at(small_segments(directory.path(), clock));
    CHECK((contents(*store, *store->resources().find_account_now("ann@example.org")) == living()));
    CHECK(need(store->space(50)).thin_segments <= 1);
}
#endif

} // namespace mail::store::test
