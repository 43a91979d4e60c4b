// Compaction gives space back while mail goes on, and at no moment is a message in no place.
#include "tests/unit/store/compaction_bench.hpp"

#include <thread>

namespace mail::store::test {

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
