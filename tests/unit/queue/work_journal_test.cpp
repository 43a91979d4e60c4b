#include "maild/queue/work_journal.hpp"
#include "tests/catch.hpp"

#include <cstdio>
#include <unistd.h>

using namespace mail;
using namespace mail::queue;

TEST_CASE("what was in work when the process died is known afterwards") {
    const std::string path = "/tmp/queue-journal-" + std::to_string(getpid());
    const auto item = [](store::QueueId id) {
        store::QueueItem one;
        one.id = id;
        return one;
    };
    {
        auto journal = WorkJournal::open(path);
        REQUIRE(journal);
        CHECK((*journal)->take_left().empty());
        const std::vector<store::QueueItem> done = {item(1), item(2)};
        { const WorkJournal::Mark mark(journal->get(), done); }
        const std::vector<store::QueueItem> lost = {item(7), item(9)};
        // Never ended, as in a crash.
        [[maybe_unused]] auto* leaked = new WorkJournal::Mark(journal->get(), lost); // NOLINT: the point of the test
        auto again = WorkJournal::open(path);
        REQUIRE(again);
        auto left = (*again)->take_left();
        std::sort(left.begin(), left.end());
        CHECK(left == std::vector<store::QueueId>{7, 9});
        CHECK((*again)->take_left().empty());
        delete leaked;
    }
    const WorkJournal::Mark nothing(nullptr, std::vector<store::QueueItem>{item(1)});
    std::remove(path.c_str());
    CHECK_FALSE(WorkJournal::open("/nonexistent/folder/journal"));
}
