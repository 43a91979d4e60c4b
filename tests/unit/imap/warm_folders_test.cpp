// Large folders stay in memory after the last session has left them, and stay current there.
#include "tests/catch.hpp"
#include "tests/unit/imap/world.hpp"

namespace mail::imap::test {
namespace {

Task<Result<void>> fill(World& world, const service::Mailbox& owner, store::FolderId folder, std::size_t count) {
    std::vector<service::Mailboxes::NewItem> items(count);
    for (auto& item : items)
        item.content.memory = std::make_shared<const std::string>("Subject: x\r\n\r\n");
    MAIL_CO_DO(co_await world.mailboxes.append(owner, folder, std::move(items)));
    co_return Result<void>{};
}

/// What one session after another sees of a folder of `count` messages, one more of which arrives in between.
struct Seen {
    service::SnapshotPtr first, again, later;
    std::string problem;
};
Task<void> look(World& world, std::size_t count, Seen& seen) {
    const auto owner = world.directory.find("ann@example.test");
    const auto folder = co_await world.mailboxes.find((*owner)->account, "INBOX");
    const auto filled = co_await fill(world, **owner, folder->id, count);
    if (!filled)
        seen.problem = filled.error().message;
    for (auto* snapshot : {&seen.first, &seen.again, &seen.later}) {
        if (snapshot == &seen.later) {
            const auto added = co_await fill(world, **owner, folder->id, 1);
            if (!added)
                seen.problem = added.error().message;
        }
        const auto open = co_await world.mailboxes.open((*owner)->account, folder->id);
        *snapshot = (*open)->current();
    }
}

} // namespace

TEST_CASE("a large folder stays warm after its last session") {
    World world;
    Seen seen;
    async::run_until_done(look(world, 1500, seen));
    CHECK(seen.problem == "");
    CHECK(seen.first->size() == 1500);
    CHECK(seen.again == seen.first);
    CHECK(seen.later->size() == 1501);
    // What did not change is shared with the snapshot before.
    CHECK(seen.later->chunks().front() == seen.first->chunks().front());
}

TEST_CASE("a small folder is read again") {
    World world;
    Seen seen;
    async::run_until_done(look(world, 10, seen));
    CHECK(seen.problem == "");
    CHECK(seen.first->size() == 10);
    CHECK(seen.again != seen.first);
    CHECK(seen.later->size() == 11);
}

} // namespace mail::imap::test
