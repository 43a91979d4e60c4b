// What is taken from a pickup folder, and what never is.
#include "maild/pickup/folder.hpp"
#include "tests/catch.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace mail;
using namespace mail::pickup;
namespace fs = std::filesystem;

namespace {

struct Place {
    Place() {
        char name[] = "/tmp/pickup-test.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        root = name;
        folder = std::make_unique<PickupFolder>((root / "in").string(), (root / "bad").string());
        REQUIRE(folder->prepare());
    }
    ~Place() { fs::remove_all(root); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    void put(const std::string& name, std::string_view text) const { std::ofstream(root / "in" / name, std::ios::binary) << text; }
    /// Twice, as a file must not have changed in between.
    std::vector<FoundFile> take(std::uint64_t largest = 1000) {
        static_cast<void>(folder->take_whole(100, 1 << 20, largest).value());
        return folder->take_whole(100, 1 << 20, largest).value();
    }
    [[nodiscard]] std::string bad(const std::string& name) const {
        std::ifstream in(root / "bad" / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    fs::path root;
    std::unique_ptr<PickupFolder> folder;
};

} // namespace

TEST_CASE("a file is taken once it does not change any more, and removed for good") {
    Place place;
    place.put("a", "one");
    CHECK(place.folder->take_whole(100, 1000, 1000).value().empty());
    place.put("a", "one and more");
    CHECK(place.folder->take_whole(100, 1000, 1000).value().empty());
    const auto found = place.folder->take_whole(100, 1000, 1000).value();
    REQUIRE(found.size() == 1);
    CHECK(found[0].bytes == "one and more");
    CHECK(found[0].problem.empty());
    REQUIRE(place.folder->remove(found[0]));
    CHECK_FALSE(fs::exists(place.root / "in" / "a"));
    REQUIRE(place.folder->remove(found[0])); // again is no error
    // A file that took its name meanwhile stays.
    place.put("a", "another");
    REQUIRE(place.folder->remove(found[0]));
    CHECK(fs::exists(place.root / "in" / "a"));
}

TEST_CASE("unfinished names, folders and open files are left alone") {
    Place place;
    place.put(".hidden", "x");
    place.put("x.tmp", "x");
    fs::create_directory(place.root / "in" / "folder");
    place.put("open", "x");
    const int fd = ::open((place.root / "in" / "open").c_str(), O_WRONLY | O_APPEND);
    REQUIRE(fd >= 0);
    CHECK(place.take().empty());
    ::close(fd);
    const auto found = place.take();
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == "open");
}

TEST_CASE("links, FIFOs, files with several names and huge ones are never read") {
    Place place;
    std::ofstream(place.root / "secret") << "secret";
    fs::create_symlink(place.root / "secret", place.root / "in" / "link");
    fs::create_hard_link(place.root / "secret", place.root / "in" / "hard");
    REQUIRE(::mkfifo((place.root / "in" / "fifo").c_str(), 0600) == 0);
    place.put("huge", std::string(1001, 'x'));
    const auto found = place.take();
    REQUIRE(found.size() == 4);
    for (const auto& file : found) {
        INFO(file.name);
        CHECK_FALSE(file.problem.empty());
        CHECK(file.bytes.empty());
        REQUIRE(place.folder->give_up(file, file.problem));
        CHECK(place.bad(file.name + ".reason") == file.problem + "\n");
    }
    CHECK(fs::is_symlink(place.root / "bad" / "link"));
    CHECK(fs::is_fifo(place.root / "bad" / "fifo"));
    CHECK(fs::is_empty(place.root / "in"));
    CHECK(fs::exists(place.root / "secret"));
}

TEST_CASE("badmail of the same name stands beside the former one") {
    Place place;
    for (const char* text : {"one", "two", "three"}) {
        place.put("a.eml", text);
        const auto found = place.take();
        REQUIRE(found.size() == 1);
        REQUIRE(place.folder->give_up(found[0], std::string("because ") + text));
    }
    CHECK(place.bad("a.eml") == "one");
    CHECK(place.bad("a.eml.1") == "two");
    CHECK(place.bad("a.eml.2.reason") == "because three\n");
}

TEST_CASE("a turn is bounded, and a folder that is gone is told") {
    Place place;
    for (int i = 0; i < 10; ++i)
        place.put("f" + std::to_string(i), "0123456789");
    static_cast<void>(place.folder->take_whole(100, 1000, 1000).value());
    CHECK(place.folder->take_whole(3, 1000, 1000).value().size() == 3);
    static_cast<void>(place.folder->take_whole(0, 1000, 1000));
    static_cast<void>(place.folder->take_whole(100, 1000, 1000).value());
    CHECK(place.folder->take_whole(100, 15, 1000).value().size() == 2);
    fs::remove_all(place.root / "in");
    CHECK_FALSE(place.folder->take_whole(100, 1000, 1000));
    REQUIRE(place.folder->prepare());
    CHECK(place.folder->take_whole(100, 1000, 1000));
    PickupFolder nowhere((place.root / "no" / "such").string(), (place.root / "bad").string());
    CHECK_FALSE(nowhere.prepare());
}
