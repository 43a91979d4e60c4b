#include "maild/store/text_index.hpp"

#include "maild/store/file_ops.hpp"
#include "maild/store/memory/text_index.hpp"
#include "maild/store/sqlite/database.hpp"
#include "maild/store/sqlite/text_index.hpp"
#include "tests/unit/store/store_under_test.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <random>
#include <sqlite3.h>

using namespace mail;
using namespace mail::store;
using namespace mail::store::test;

namespace {

constexpr std::uint64_t roomy = std::uint64_t{1} << 30;

std::unique_ptr<TextIndex> open_at(const ScratchDirectory& directory, std::uint64_t most = roomy,
                                   std::string_view store = "store-1") {
    auto index = make_text_index(directory.path().string(), most);
    REQUIRE(index->belong_to(store));
    return index;
}

std::vector<BlobId> found(TextIndex& index, std::string_view text) {
    const auto hits = index.find(text);
    INFO((hits ? "" : hits.error().message));
    REQUIRE(hits);
    CHECK_FALSE(hits->too_many);
    return hits->blobs;
}

using Ids = std::vector<BlobId>;

} // namespace

TEST_CASE("Trigrams are of characters, not bytes, and few enough") {
    CHECK(trigrams("ab", 10).empty());
    CHECK(trigrams("abc", 10) == std::vector<std::string_view>{"abc"});
    CHECK(trigrams("abcabc", 10) == std::vector<std::string_view>{"abc", "bca", "cab"});
    CHECK(trigrams("\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2", 10).size() == 2);
    CHECK(trigrams("\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2", 10).front().size() == 6);
    CHECK(trigrams(std::string(500, 'x') + "yz", 24).size() <= 24);
    CHECK(can_find("abc"));
    CHECK_FALSE(can_find("ab"));
    CHECK_FALSE(can_find("\xD0\xBF\xD1\x80"));
    CHECK_FALSE(can_find("two\r\nlines"));
}

TEST_CASE("A text is found in any alphabet, and only what may hold it is named") {
    const bool memory = GENERATE(true, false);
    const ScratchDirectory directory;
    const auto index = memory ? make_memory_text_index() : open_at(directory);
    REQUIRE(index->put({{3, "HELLO WORLD", true}, {5, "\xD0\x9F\xD0\xA0\xD0\x98\xD0\x92\xD0\x95\xD0\xA2", true}}, 6));
    REQUIRE(index->put({{8, "\xE6\xBC\xA2\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D", true}, {9, "", false}, {11, "SAY \"HI\" * OR NOT", true}}, 11));
    CHECK(index->indexed() == 11);
    CHECK(index->stats().messages == 5);
    CHECK(found(*index, "LO WO") == Ids{3, 9});
    CHECK(found(*index, "\xD0\xA0\xD0\x98\xD0\x92") == Ids{5, 9});
    CHECK(found(*index, "\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D") == Ids{8, 9});
    CHECK(found(*index, "\"HI\"") == Ids{9, 11});
    CHECK(found(*index, "* OR NOT") == Ids{9, 11});
    CHECK(found(*index, "hello") == Ids{9}); // texts come casemapped
    CHECK(found(*index, "ABSENT") == Ids{9});
    CHECK_FALSE(index->find("AB"));
    REQUIRE(index->clear());
    CHECK(index->indexed() == 0);
    CHECK(found(*index, "LO WO").empty());
    REQUIRE(index->put({{3, "HELLO", true}}, 3));
    CHECK(found(*index, "HELLO") == Ids{3});
}

TEST_CASE("Whatever holds a text is among the hits, for random texts and keys") {
    const ScratchDirectory directory;
    const auto index = open_at(directory);
    std::mt19937 random(20240517); // NOLINT: the same every time
    const std::vector<std::string> alphabet{"A", "B", " ", "\"", "\xC3\x84", "\xD0\x9F", "\xE6\xBC\xA2", "\xF0\x9F\x98\x80", "-"};
    const auto make = [&](std::size_t length) {
        std::string out;
        for (std::size_t i = 0; i < length; ++i)
            out += alphabet[random() % alphabet.size()];
        return out;
    };
    std::vector<IndexedText> texts;
    for (BlobId blob = 1; blob <= 200; ++blob)
        texts.push_back({blob, make(random() % 60), true});
    REQUIRE(index->put(texts, 200));
    for (int i = 0; i < 500; ++i) {
        const auto key = make(3 + random() % 3);
        const auto hits = found(*index, key);
        for (const auto& text : texts)
            if (text.text.find(key) != std::string::npos)
                CHECK(std::binary_search(hits.begin(), hits.end(), text.blob));
    }
}

TEST_CASE("It survives a restart, knows its store, and throws away what it cannot read") {
    const ScratchDirectory directory;
    const auto file = directory.path() / "text.db";
    {
        const auto index = make_text_index(directory.path().string(), roomy);
        CHECK(index->indexed() == 0);
        CHECK_FALSE(index->find("HELLO"));
        CHECK_FALSE(index->put({{1, "HELLO", true}}, 4));
        REQUIRE(index->belong_to("store-1"));
        REQUIRE(index->put({{1, "HELLO", true}}, 4));
    }
    {
        const auto index = open_at(directory);
        CHECK(index->indexed() == 4);
        CHECK(found(*index, "HELLO") == Ids{1});
        REQUIRE(index->belong_to("store-2"));
        CHECK(index->indexed() == 0);
        REQUIRE(index->put({{1, "OTHER", true}}, 1));
    }
    SECTION("another version") {
        sqlite3* db = nullptr;
        REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
        REQUIRE(sqlite3_exec(db, "PRAGMA user_version = 99", nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(db);
    }
    SECTION("no database at all") {
        std::filesystem::remove(file.string() + "-wal");
        std::filesystem::remove(file.string() + "-shm");
        std::ofstream(file, std::ios::trunc) << std::string(8192, 'z');
    }
    const auto index = open_at(directory, roomy, "store-2");
    CHECK(index->indexed() == 0);
    REQUIRE(index->put({{1, "AGAIN", true}}, 1));
    CHECK(found(*index, "AGAIN") == Ids{1});
}

TEST_CASE("It grows no larger than it may; what it holds stays") {
    const ScratchDirectory directory;
    const auto index = open_at(directory, std::uint64_t{64} * 4096);
    std::mt19937 random(7); // NOLINT
    BlobId blob = 0;
    Result<void> put;
    while (put && blob < 2000) {
        std::string text = "BLOB" + std::to_string(blob + 1) + " ";
        for (int i = 0; i < 500; ++i)
            text += static_cast<char>('!' + random() % 90);
        put = index->put({{blob + 1, text, true}}, blob + 1);
        blob += put ? 1 : 0;
    }
    REQUIRE_FALSE(put);
    CHECK(put.error().code == ErrorCode::no_space);
    CHECK(index->indexed() == blob);
    CHECK(found(*index, "BLOB1 ") == Ids{1});
}

TEST_CASE("A full disk at any write of a put takes that put back, leaves answers right, and passes") {
    std::mt19937 random(11); // NOLINT: the same every time
    std::string noise; // so much that a put takes several writes
    for (int i = 0; i < 30'000; ++i)
        noise += static_cast<char>('!' + random() % 90);
    const std::vector<IndexedText> more{{2, "WORLD", true}, {3, "HELLO WORLD " + noise, true}};
    int nth = 1;
    for (bool failed = true; failed; ++nth) {
        const ScratchDirectory directory;
        const auto file = directory.path() / "text.db";
        std::atomic<int> writes = 0;
        std::atomic<bool> armed = false;
        const FileOps files([&](FileOperation operation) {
            return armed && operation == FileOperation::database_write && ++writes >= nth ? ENOSPC : 0;
        });
        sqlite::watch_files(file.string(), &files);
        {
            const auto index = open_at(directory);
            REQUIRE(index->put({{1, "HELLO", true}}, 1));
            armed = true;
            const auto put = index->put(more, 3);
            failed = !put;
            if (failed) {
                CHECK(put.error().code == ErrorCode::no_space);
                CHECK(index->indexed() == 1);
                CHECK(found(*index, "HELLO") == Ids{1});
                CHECK(found(*index, "WORLD").empty());
                armed = false;
                REQUIRE(index->put(more, 3));
            }
            CHECK(found(*index, "WORLD") == Ids{2, 3});
            CHECK(index->indexed() == 3);
        }
        sqlite::watch_files(file.string(), nullptr);
    }
    CHECK(nth > 3); // at least two writes were let fail
}
