// Compaction gives space back while mail goes on, and at no moment is a message in no place.
#include "maild/store/segments.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <cerrno>
#include <fstream>
#include <map>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace mail::store::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t message_bytes = 50'000;

std::string text_of(int number) {
    std::string text = "message " + std::to_string(number) + " ";
    return text + std::string(message_bytes - text.size(), static_cast<char>('a' + number % 26));
}

SqliteOptions small_segments(const fs::path& path, const Clock& clock, const FileOps* files = nullptr) {
    SqliteOptions options = options_for(path, clock, files);
    options.segment_bytes = 1 << 20;
    return options;
}

/// 100 messages in five segments of 1 MiB, of which every fifth lives.
void fill_thin(Store& store, StillClock& clock) {
    const AccountId ann = add_mailbox(store, "ann@example.org");
    for (int i = 0; i < 100; ++i)
        REQUIRE(deliver(store, ann, text_of(i), clock));
    const FolderId inbox = need(store.mail().find_folder(ann, "INBOX")).id;
    UidSet gone;
    for (Uid uid = 1; uid <= 100; ++uid)
        if (uid % 5 != 1)
            gone.push_back({uid, uid});
    need(store.mail().expunge(inbox, gone, false));
    clock.advance(std::chrono::hours(1));
}

Maintenance everything(const Clock& clock) {
    Maintenance what;
    what.recoverable_before = clock.now();
    what.slice = 7; // many turns
    return what;
}

/// What was expunged goes for good; the segments stay as they are.
void purge(Store& store, const Clock& clock) {
    Maintenance what = everything(clock);
    what.compact_percent = 0;
    while (need(store.maintain(what)).items != 0) {
    }
}

/// Turns until nothing is left to do; segments count once they are synced behind the scenes.
Maintained compact(Store& store, const Maintenance& what) {
    Maintained sum;
    int quiet = 0;
    for (int turn = 0; turn < 500 && quiet < 10; ++turn) {
        const Maintained done = need(store.maintain(what));
        sum.moved += done.moved;
        sum.moved_bytes += done.moved_bytes;
        sum.segments += done.segments;
        sum.freed_bytes += done.freed_bytes;
        sum.damaged += done.damaged;
        quiet = done.more ? 0 : quiet + 1;
        if (!done.more)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return sum;
}

std::uint64_t on_disk(const fs::path& path) {
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(path / "segments"))
        bytes += entry.file_size();
    return bytes;
}

std::vector<std::string> living() {
    std::vector<std::string> texts;
    for (int i = 0; i < 100; i += 5)
        texts.push_back(text_of(i));
    return texts;
}

void check_sound(const fs::path& path) {
    const auto report = check_store(path.string());
    REQUIRE(report);
    for (const auto& problem : report->problems)
        FAIL_CHECK(problem);
}

void patch(const fs::path& file, std::uint64_t offset, std::string_view bytes) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out << bytes;
    REQUIRE(out.good());
}

} // namespace

TEST_CASE("compaction copies what lives out of thin segments and gives their space back") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    fill_thin(*store, clock);
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    // References as a client holds them that reads slowly.
    const auto before = need(store->mail().bodies(inbox, uids(1, 100), 100));
    const std::uint64_t bytes_before = on_disk(directory.path());
    purge(*store, clock);
    const SpaceReport thin = need(store->space(50));
    CHECK(thin.thin_segments >= 4);
    CHECK(thin.live_bytes == 20 * message_bytes);
    CHECK(thin.reclaimable > 3'000'000);

    const Maintained done = compact(*store, everything(clock));
    CHECK(done.segments >= 4);
    CHECK(done.freed_bytes > 3'000'000);
    CHECK(done.moved >= 10);
    CHECK(done.damaged == 0);
    CHECK(need(store->space(50)).thin_segments == 0);
    CHECK(on_disk(directory.path()) < bytes_before / 2);
    CHECK((contents(*store, ann) == living()));
    // The old places are gone, the references still lead to the bytes: whole, in part, and after more of the same.
    for (const ItemBody& body : before) {
        CHECK((need(store->mail().read(body.blob, 0, message_bytes)) == text_of(static_cast<int>(body.uid) - 1)));
        CHECK((need(store->mail().read(body.blob, 8, 5)) == text_of(static_cast<int>(body.uid) - 1).substr(8, 5)));
    }
    store->close();
    store = nullptr;
    check_sound(directory.path());
    store = open_at(small_segments(directory.path(), clock));
    CHECK((contents(*store, ann) == living()));
    REQUIRE(deliver(*store, ann, "life goes on", clock));
    CHECK((contents(*store, ann).back() == "life goes on"));
}

TEST_CASE("a message that is gone for good is not found in its old place") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    fill_thin(*store, clock);
    const AccountId ann = *store->resources().find_account_now("ann@example.org");
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    const auto before = need(store->mail().bodies(inbox, uids(6), 1));
    need(store->mail().expunge(inbox, uids(6), false));
    clock.advance(std::chrono::hours(1));
    compact(*store, everything(clock));
    CHECK(code_of(store->mail().read(before.at(0).blob, 0, message_bytes)) == ErrorCode::not_found);
}

TEST_CASE("compaction is left out when it is not wanted, and takes nothing that is pinned") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    fill_thin(*store, clock);
    Maintenance what = everything(clock);
    what.compact_percent = 0;
    CHECK(compact(*store, what).moved == 0);
    CHECK(need(store->space(50)).thin_segments >= 4);
    store->close();
    store = nullptr;

    SegmentOptions options{(directory.path() / "segments").string(), 1 << 20, nullptr};
    std::vector<SegmentUse> known;
    for (std::uint32_t i = 1; i <= 6; ++i)
        if (fs::exists(segment_path(options.directory, i)))
            known.push_back({i, 1'000'000, 1});
    REQUIRE(known.size() >= 3);
    const auto segments = std::move(Segments::open(options, known)).value();
    const std::uint32_t first = known.front().segment;
    CHECK(segments->is_sealed(first, {}));
    {
        const auto pin = segments->pin(first);
        REQUIRE(pin);
        CHECK_FALSE(segments->is_sealed(first, {}));
        CHECK(*segments->remove(first) == 0);
        CHECK(segments->exists(first));
    }
    CHECK(segments->is_sealed(first, {}));
    CHECK(*segments->remove(first) > 0);
    CHECK_FALSE(segments->exists(first));
    CHECK(segments->pin(first).error().code == ErrorCode::not_found);
}

TEST_CASE("bytes whose row is still to come keep their segment") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    auto spool = store->mail().spool(100'000);
    REQUIRE(spool);
    done((*spool)->append(std::string(90'000, 'y')));
    for (int i = 0; i < 60; ++i) // the spool's segment is full and without a living message
        REQUIRE(deliver(*store, ann, text_of(i), clock));
    need(store->mail().expunge(need(store->mail().find_folder(ann, "INBOX")).id, {}, false));
    clock.advance(std::chrono::hours(1));
    compact(*store, everything(clock));
    done((*spool)->append(std::string(5'000, 'z')));
    AcceptPlan plan;
    plan.message = Id::make(clock.now());
    plan.content.spooled = *(*spool)->finish();
    spool = nullptr;
    compact(*store, everything(clock));
    plan.local.emplace_back().account = ann;
    REQUIRE(need(store->mail().accept(plan)).local.at(0));
    CHECK((contents(*store, ann) == std::vector<std::string>{std::string(90'000, 'y') + std::string(5'000, 'z')}));
}

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

TEST_CASE("mail comes, is read and goes while segments are compacted") {
    StillClock clock;
    ScratchDirectory directory;
    auto store = open_at(small_segments(directory.path(), clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    std::atomic<bool> end{false};
    std::atomic<std::size_t> moved{0};
    std::atomic<std::size_t> wrong{0};
    std::atomic<std::size_t> reads{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        while (!end)
            if (const auto done = wait(store->maintain(everything(clock))); done)
                moved += done->moved;
    });
    threads.emplace_back([&] { // holds references for a while, as a slow client does
        while (!end) {
            const auto bodies = wait(store->mail().bodies(inbox, uids(1, ~Uid{0}), 500));
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            for (const ItemBody& body : *bodies) {
                const auto text = wait(store->mail().read(body.blob, 0, body.blob.length));
                const bool good = text ? *text == text_of(static_cast<int>(body.uid) - 1)
                                       : text.error().code == ErrorCode::not_found; // gone for good
                wrong += good ? 0U : 1U;
                ++reads;
            }
        }
    });
    for (int i = 0; i < 400; ++i) {
        REQUIRE(deliver(*store, ann, text_of(i), clock));
        if (i % 20 == 19) {
            const auto base = static_cast<Uid>(i - 18);
            need(store->mail().expunge(inbox, {{base, base + 7}, {base + 9, base + 18}}, false));
            clock.advance(std::chrono::hours(1));
        }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    end = true;
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
    CHECK(moved > 0);
    CHECK(reads > 0);
    compact(*store, everything(clock));
    const auto left = contents(*store, ann);
    REQUIRE(left.size() == 40);
    for (std::size_t i = 0; i < left.size(); ++i)
        CHECK((left[i] == text_of(static_cast<int>(i / 2 * 20 + (i % 2 == 0 ? 8 : 19)))));
    store->close();
    store = nullptr;
    check_sound(directory.path());
}

} // namespace mail::store::test
