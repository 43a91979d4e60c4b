// Stores with thin segments, and compacting them to the end, for the tests of compaction.
#pragma once

#include "maild/store/segments.hpp"
#include "tests/unit/store/sqlite_bench.hpp"

#include <fstream>
#include <thread>

namespace mail::store::test {

namespace fs = std::filesystem;

inline constexpr std::size_t message_bytes = 50'000;

inline std::string text_of(int number) {
    std::string text = "message " + std::to_string(number) + " ";
    return text + std::string(message_bytes - text.size(), static_cast<char>('a' + number % 26));
}

inline SqliteOptions small_segments(const fs::path& path, const Clock& clock, const FileOps* files = nullptr) {
    SqliteOptions options = options_for(path, clock, files);
    options.segment_bytes = 1 << 20;
    return options;
}

/// 100 messages in five segments of 1 MiB, of which every fifth lives.
inline void fill_thin(Store& store, StillClock& clock) {
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

inline Maintenance everything(const Clock& clock) {
    Maintenance what;
    what.recoverable_before = clock.now();
    what.slice = 7; // many turns
    return what;
}

/// What was expunged goes for good; the segments stay as they are.
inline void purge(Store& store, const Clock& clock) {
    Maintenance what = everything(clock);
    what.compact_percent = 0;
    while (need(store.maintain(what)).items != 0) {
    }
}

/// Turns until nothing is left to do; segments count once they are synced behind the scenes.
inline Maintained compact(Store& store, const Maintenance& what) {
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

inline std::uint64_t on_disk(const fs::path& path) {
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(path / "segments"))
        bytes += entry.file_size();
    return bytes;
}

inline std::vector<std::string> living() {
    std::vector<std::string> texts;
    for (int i = 0; i < 100; i += 5)
        texts.push_back(text_of(i));
    return texts;
}

inline void check_sound(const fs::path& path) {
    const auto report = check_store(path.string());
    REQUIRE(report);
    for (const auto& problem : report->problems)
        FAIL_CHECK(problem);
}

inline void patch(const fs::path& file, std::uint64_t offset, std::string_view bytes) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out << bytes;
    REQUIRE(out.good());
}

} // namespace mail::store::test
